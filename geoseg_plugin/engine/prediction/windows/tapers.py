"""How much a window counts from its middle to its border.

Sources: Hann, Blackman and Tukey 1958; the bell of a tenth to an eighth of the size, Isensee et al. 2021 (nnU-Net),
https://doi.org/10.1038/s41592-020-01008-z.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....contract.stages.prediction_parts.windows import GAUSSIAN, HANN, LINEAR, SPLINE

_BELL_WIDTH = 1 / 8  # standard deviation of the Gaussian, in sizes of a window


def taper(blending: str, size: int) -> NDArray[np.float64]:
    """Return weights (size,), symmetric, largest in the middle and above 0 everywhere.

    Args:
        blending: hann, linear, gaussian or spline.
        size: Pixels along a window.
    """
    places = (np.arange(size) + 0.5) / size
    slope = 1 - np.abs(2 * places - 1)
    if blending == LINEAR:
        return slope
    if blending == GAUSSIAN:
        return np.asarray(np.exp(-0.5 * ((places - 0.5) / _BELL_WIDTH) ** 2))
    if blending == SPLINE:
        return np.where(slope < 0.5, 2 * slope**2, 1 - 2 * (1 - slope) ** 2)
    if blending == HANN:
        return np.asarray(np.sin(np.pi * places) ** 2)
    raise ValueError(blending)

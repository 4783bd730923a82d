"""Variations of windows, and how answers to them are turned back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....contract.stages.prediction_parts.opinions import AS_IT_IS, DIHEDRAL, FLIPS, read_scales
from .resizing import resize


@dataclass(frozen=True)
class Variation:
    """A way to show a window: mirrored left to right or not, then turned by quarters, then resized.

    Attributes:
        mirrored: Whether it is mirrored.
        quarters: Quarter turns against the clock, 0 to 3.
        scale: What its sides are multiplied by, as nearly as the network takes it.
    """

    mirrored: bool = False
    quarters: int = 0
    scale: float = 1.0

    def vary(self, window: NDArray[np.float32], side: int) -> NDArray[np.float32]:
        """Return a window (C, N, N) as it is to be shown, with sides of `side` pixels."""
        seen = window[..., ::-1] if self.mirrored else window
        seen = np.rot90(seen, self.quarters, axes=(-2, -1))
        return seen if side == window.shape[-1] else resize(seen, side)

    def turn_back(self, answer: NDArray[np.float32], side: int) -> NDArray[np.float32]:
        """Return the answer (K, N, N) to what `vary` has given on the grid of the window, whose side is `side`."""
        back = answer if side == answer.shape[-1] else resize(answer, side)
        back = np.rot90(back, -self.quarters, axes=(-2, -1))
        return back[..., ::-1] if self.mirrored else back


# Up-down is left-right turned by half.
_WAYS = {
    AS_IT_IS: ((False, 0),),
    FLIPS: ((False, 0), (True, 0), (True, 2), (False, 2)),
    DIHEDRAL: tuple((mirrored, quarters) for mirrored in (False, True) for quarters in range(4)),
}


def list_variations(augmentation: str, scales: str | None) -> tuple[Variation, ...]:
    """Return the variations that are asked for, each once.

    Args:
        augmentation: One of the choices of TEST_TIME_AUGMENTATION.
        scales: The text of SCALES; None stands for 1 alone.

    Raises:
        RequestError: SCALES cannot be read, or a factor is out of range.
    """
    factors = dict.fromkeys(read_scales(scales) if scales else [1.0])
    return tuple(
        Variation(mirrored, quarters, scale) for scale in factors for mirrored, quarters in _WAYS[augmentation]
    )

"""Measure the seams between windows in maps of probabilities; runs with the engine's Python and build/src on its path.

    PYTHONPATH=build/src build/env/engine/bin/python scripts/seams.py --size 256 --overlap 25 A.tif B.tif

Prints the mean jump of probability from one pixel to the next across borders of windows, over that elsewhere: 1 where
no seam can be told from the image itself.
"""

import argparse
import sys

import numpy as np
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover
from geoseg.geoseg_plugin.engine.raster import open_raster
from numpy.typing import NDArray


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, required=True, help="side of the windows in pixels")
    parser.add_argument("--overlap", type=float, required=True, help="what they share, in percent")
    parser.add_argument("probabilities", nargs="+")
    options = parser.parse_args()
    across, elsewhere = [], []
    for path in options.probabilities:
        with open_raster(path) as dataset:
            probabilities = dataset.read()
        for axis in (1, 2):
            cover = Cover.of(probabilities.shape[axis], options.size, options.overlap / 100)
            at_border, jumps = borders_of(cover), mean_jumps(probabilities, axis)
            across.append(jumps[at_border])
            elsewhere.append(jumps[~at_border])
    print(np.concatenate(across).mean() / np.concatenate(elsewhere).mean())
    return 0


def mean_jumps(probabilities: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the mean difference between neighbours along an axis of (K, H, W), for each pair of lines."""
    others = tuple(number for number in range(3) if number != axis)
    return np.asarray(np.nanmean(np.abs(np.diff(probabilities, axis=axis)), axis=others))


def borders_of(cover: Cover) -> NDArray[np.bool_]:
    """Return for each pair of neighbouring pixels whether a window begins or ends between them."""
    edges = {edge for index in range(len(cover.starts)) for edge in cover.inside(index)}
    return np.isin(np.arange(1, cover.length), sorted(edges))


if __name__ == "__main__":
    sys.exit(main())

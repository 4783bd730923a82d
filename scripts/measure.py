"""Compare class rasters with the truth, pixel by pixel; runs with the engine's Python and build/src on its path.

    PYTHONPATH=build/src build/env/engine/bin/python scripts/measure.py --truth A.tif B.tif --predicted PA.tif PB.tif

Writes JSON: the mean IoU and, per class of the truth, its share of the pixels, IoU and F1. All rasters go into one
confusion matrix. Pixels without data in the truth do not count; those without a prediction count as wrong.
"""

import argparse
import json
import sys

import numpy as np
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.class_raster import class_indices, read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from numpy.typing import NDArray


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", nargs="+", required=True)
    parser.add_argument("--predicted", nargs="+", required=True)
    options = parser.parse_args()
    with open_raster(options.truth[0]) as dataset:
        classes = read_class_table(dataset)
    if classes is None:
        sys.exit(f"{options.truth[0]} does not say which classes it has.")
    # The last row and column stand for pixels that are no class at all.
    matrix = np.zeros((len(classes) + 1, len(classes) + 1), dtype=np.int64)
    for truth, predicted in zip(options.truth, options.predicted, strict=True):
        matrix += count_pairs(truth, predicted, classes)
    matrix[-1] = 0
    scores = Scores.of(matrix)
    shares = matrix.sum(axis=1) / matrix.sum()
    figures = [
        {**one.__dict__, "share": shares[index], "iou": scores.iou[index], "f1": scores.f1[index]}
        for index, one in enumerate(classes)
        if shares[index] > 0
    ]
    mean_iou = sum(figure["iou"] for figure in figures) / len(figures)
    print(json.dumps({"pixels": int(matrix.sum()), "mean_iou": mean_iou, "classes": figures}, indent=1))
    return 0


def count_pairs(truth_path: str, predicted_path: str, classes: ClassTable) -> NDArray[np.int64]:
    """Return how many pixels have each pair of (true, predicted) class index; the last index stands for no class."""
    size = len(classes) + 1
    matrix = np.zeros((size, size), dtype=np.int64)
    with open_raster(truth_path) as truth, open_raster(predicted_path) as predicted:
        if not Grid.of(truth).is_same(Grid.of(predicted)):
            sys.exit(f"{truth_path} and {predicted_path} are not on the same grid.")
        for _, window in truth.block_windows(1):
            rows, columns = (
                class_indices(dataset.read(1, window=window), classes, len(classes)) for dataset in (truth, predicted)
            )
            matrix += np.bincount((rows * size + columns).ravel(), minlength=size * size).reshape(size, size)
    return matrix


if __name__ == "__main__":
    sys.exit(main())

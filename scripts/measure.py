"""Compare class rasters with the truth; runs with the engine's Python and build/src on its path.

    PYTHONPATH=build/src build/env/engine/bin/python scripts/measure.py --truth A.tif B.tif --predicted PA.tif PB.tif

Writes JSON: the mean IoU and, per class of the truth, its share of the pixels, IoU, F1 and boundary F1, counted over
all rasters together. Pixels without data in the truth do not count; those without a prediction count as wrong.

Boundary F1 is that of the outlines of a class (Csurka et al. 2013, https://doi.org/10.5244/C.27.32): precision is the
share of the predicted outline that lies within TOLERANCE_PX of the true one, recall the same the other way round.
"""

import argparse
import json
import sys
from dataclasses import dataclass

import numpy as np
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.class_raster import class_indices, read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

TOLERANCE_PX = 2.0


@dataclass
class Counts:
    """What is counted over rasters, for K classes.

    Attributes:
        pairs: (K + 1, K + 1) pixels of each pair of (true, predicted) class; the last index stands for no class.
        outlines: (K, 4) pixels of the predicted outline near the true one, of the predicted, of the true outline near
            the predicted one, of the true.
    """

    pairs: NDArray[np.int64]
    outlines: NDArray[np.int64]

    @classmethod
    def none(cls, classes: int) -> "Counts":
        """Return zeros."""
        return cls(np.zeros((classes + 1, classes + 1), np.int64), np.zeros((classes, 4), np.int64))

    def add(self, truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> None:
        """Add a pair of rasters of class indices (H, W), K where there is no class."""
        classes = len(self.outlines)
        cells = truth * (classes + 1) + predicted
        self.pairs += np.bincount(cells.ravel(), minlength=(classes + 1) ** 2).reshape(classes + 1, -1)
        labelled = truth < classes
        for index in range(classes):
            self.outlines[index] += compare_outlines(truth == index, predicted == index, labelled)


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
    counts = Counts.none(len(classes))
    for truth, predicted in zip(options.truth, options.predicted, strict=True):
        counts.add(*read_pair(truth, predicted, classes))
    print(json.dumps(figures_of(counts, classes), indent=1))
    return 0


def read_pair(truth_path: str, predicted_path: str, classes: ClassTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class indices (H, W) of both, the number of classes where there is no class."""
    with open_raster(truth_path) as truth, open_raster(predicted_path) as predicted:
        if not Grid.of(truth).is_same(Grid.of(predicted)):
            sys.exit(f"{truth_path} and {predicted_path} are not on the same grid.")
        true, mapped = (class_indices(dataset.read(1), classes, len(classes)) for dataset in (truth, predicted))
    return true, mapped


def figures_of(counts: Counts, classes: ClassTable) -> dict:
    """Return all figures as plain values."""
    matrix = counts.pairs.copy()
    matrix[-1] = 0
    scores = Scores.of(matrix)
    shares = matrix.sum(axis=1) / matrix.sum()
    figures = [
        {
            **one.__dict__,
            "share": shares[index],
            "iou": scores.iou[index],
            "f1": scores.f1[index],
            "boundary_f1": boundary_f1(*counts.outlines[index]),
        }
        for index, one in enumerate(classes)
        if shares[index] > 0
    ]
    mean_iou = sum(figure["iou"] for figure in figures) / len(figures)
    return {"pixels": int(matrix.sum()), "mean_iou": mean_iou, "classes": figures}


def compare_outlines(true: NDArray[np.bool_], predicted: NDArray[np.bool_], counted: NDArray[np.bool_]) -> list[int]:
    """Compare the outlines of one class.

    Args:
        true: (H, W) where the class is.
        predicted: (H, W) where it is predicted.
        counted: (H, W) which pixels count at all; towards others and the edge there is no outline.

    Returns:
        The four numbers of `Counts.outlines`.
    """
    true_line, predicted_line = outline(true, counted), outline(predicted, counted)
    right, found = predicted_line & is_near(true_line), true_line & is_near(predicted_line)
    return [int(line.sum()) for line in (right, predicted_line, found, true_line)]


def outline(shown: NDArray[np.bool_], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a class with one of another class beside, above or below them."""
    line = np.zeros_like(shown)
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        change = (shown[one] != shown[other]) & counted[one] & counted[other]
        line[one] |= change
        line[other] |= change
    return line & shown


def is_near(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels lie within TOLERANCE_PX of a line."""
    if not line.any():
        return line
    return np.asarray(distance_transform_edt(~line) <= TOLERANCE_PX)


def boundary_f1(right: int, predicted: int, found: int, true: int) -> float | None:
    """Return the harmonic mean of precision and recall of an outline, None where there is none in either."""
    if predicted + true == 0:
        return None
    if right == 0 or found == 0:
        return 0.0
    precision, recall = right / predicted, found / true
    return float(2 * precision * recall / (precision + recall))


if __name__ == "__main__":
    sys.exit(main())

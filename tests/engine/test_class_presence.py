"""Classes that no tile has, or none of a set."""

import numpy as np
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.class_presence import missing_classes

CLASSES = ClassTable.named({0: "background", 1: "roof", 4: "pool"})


def _missing(*tiles):
    counts = np.array([one for _, one in tiles]).reshape(-1, 3)
    return missing_classes(CLASSES, counts, np.array([split for split, _ in tiles], dtype=object))


def test_a_class_of_no_tile_is_missing_once():
    assert _missing(("train", [3, 2, 0]), ("validation", [1, 5, 0])) == {"all": "'pool'"}


def test_a_set_misses_what_other_tiles_have():
    tiles = ("train", [3, 0, 0]), ("validation", [1, 5, 0]), ("unused", [1, 0, 7])
    assert _missing(*tiles) == {"train": "'roof', 'pool'", "validation": "'pool'"}


def test_sets_that_are_not_there_miss_nothing():
    assert _missing(("train", [1, 1, 1])) == {}
    assert _missing((None, [1, 1, 1])) == {}


def test_tiles_all_ignored_miss_all():
    assert _missing(("train", [1, 1, 1]), ("validation", [0, 0, 0])) == {"validation": "'background', 'roof', 'pool'"}

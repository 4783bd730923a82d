"""Tiles are left out for the reasons asked for, and the reasons are told."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.measuring import Measures
from geoseg.geoseg_plugin.engine.datasets.tiling.filters import Filters, Outcome

CLASSES = ClassTable.named({0: "background", 1: "roof", 2: "road"})
NONE = np.zeros(1)


def judge(valid, counts, classes=CLASSES, **options):
    request = MakeTiles(images=("a.tif",), output="d", **options)
    measures = Measures(valid, np.array(counts, int), NONE, NONE, NONE, NONE)
    return Filters(request, classes).judge(measures, 100)


@pytest.mark.parametrize(
    ("valid", "counts", "options", "expected"),
    [
        (100, (100, 0, 0), {}, Outcome.KEPT),
        (1, (1, 0, 0), {}, Outcome.KEPT),
        (0, (0, 0, 0), {}, Outcome.EMPTY),
        (100, (0, 0, 0), {}, Outcome.EMPTY),
        (80, (80, 0, 0), {"max_nodata": 20}, Outcome.KEPT),
        (79, (79, 0, 0), {"max_nodata": 20}, Outcome.MISSING),
        (70, (70, 0, 0), {"max_nodata": 30}, Outcome.KEPT),
        (100, (90, 6, 4), {"min_labelled": 10}, Outcome.KEPT),
        (100, (91, 5, 4), {"min_labelled": 10}, Outcome.UNLABELLED),
        (100, (5, 4, 91), {"min_labelled": 10, "background": "2"}, Outcome.UNLABELLED),
        (100, (5, 4, 0), {"min_labelled": 9, "background": "ignore"}, Outcome.KEPT),
        (100, (90, 0, 10), {"min_classes": 2}, Outcome.KEPT),
        (100, (90, 0, 10), {"min_classes": 3}, Outcome.UNIFORM),
    ],
)
def test_tiles_are_judged(valid, counts, options, expected):
    assert judge(valid, counts, **options) == expected


def test_tiles_without_labels_need_data_alone():
    assert judge(1, (), ClassTable(()), min_labelled=50, min_classes=3) == Outcome.KEPT
    assert judge(0, (), ClassTable(())) == Outcome.EMPTY


def test_the_reasons_are_counted():
    filters = Filters(MakeTiles(images=("a.tif",), output="d", max_nodata=5, min_labelled=2, min_classes=2), CLASSES)
    text = filters.describe(np.array([0, 0, 1, 2, 3, 3, 4, 5], np.uint8))
    assert text == (
        "1 of 6 tiles have no image data or no labels; 2 of 6 tiles have more than 5 % of pixels without data "
        "(MAX_NODATA); 1 of 6 tiles have less than 2 % of labelled pixels (MIN_LABELLED); 1 of 6 tiles hold fewer than "
        "2 classes (MIN_CLASSES)"
    )
    assert filters.describe(np.array([0, 1], np.uint8)) == ""


def test_no_tile_left_is_an_error_that_names_the_filter():
    filters = Filters(MakeTiles(images=("a.tif",), output="d", min_labelled=50), CLASSES)
    filters.check(np.array([1, 4], np.uint8), "a.tif")
    with pytest.raises(InputError, match=r"3 of 4 tiles have less than 50 % of labelled pixels \(MIN_LABELLED\)"):
        filters.check(np.array([4, 2, 4, 4], np.uint8), "a.tif")
    with pytest.raises(InputError, match=r"None of the 2 tiles of a\.tif has both image data and labels"):
        filters.check(np.array([2, 2], np.uint8), "a.tif")

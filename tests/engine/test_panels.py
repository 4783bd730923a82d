"""Panels, pixel by pixel."""

import math

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable, LabelClass
from geoseg.geoseg_plugin.engine.training.tiles import Sample
from geoseg.geoseg_plugin.engine.training.tracking.panels import PANELS, draw_panels

GREEN, BLUE, WHITE = (0, 255, 0), (0, 0, 200), (255, 255, 255)
CLASSES = ClassTable((LabelClass(0, "ground", "#0000c8"), LabelClass(7, "roof", "#00ff00")))
VALID = np.array([[True, True], [True, False]])
LABEL = np.array([[1, 0], [-1, -1]], dtype=np.int8)
PREDICTED = np.array([[1, 1], [0, 1]])


def make_sample(label=LABEL, valid=VALID):
    # Stretched between its extremes, a band of two values is 0 and 255.
    image = np.where(np.array([[True, False], [True, False]]), 100, 200).astype(np.uint8)
    return Sample(np.stack([image, image, image]), label, valid)


@pytest.fixture
def panels():
    return draw_panels("tile_012", make_sample(), PREDICTED, ("red", "green", "blue"), CLASSES)


def mixed(ground, colour):
    return tuple(round(0.6 * ground + 0.4 * channel) for channel in colour)


def colours(picture):
    return [[tuple(int(channel) for channel in pixel) for pixel in row] for row in picture]


def test_every_panel_is_what_it_says(panels):
    assert PANELS == ("image", "image + prediction", "prediction", "image + truth", "truth")
    image, over, prediction, true_over, truth = (colours(picture) for picture in panels.pictures)
    black = (0, 0, 0)
    assert image == [[black, WHITE], [black, WHITE]]
    assert over == [[mixed(0, GREEN), mixed(255, GREEN)], [black, WHITE]]
    assert prediction == [[GREEN, GREEN], [BLUE, WHITE]]
    assert true_over == [[mixed(0, GREEN), WHITE], [black, WHITE]]
    assert truth == [[GREEN, BLUE], [WHITE, WHITE]]


def test_side_by_side_they_are_enlarged_and_apart(panels):
    row = panels.side_by_side()
    assert row.dtype == np.uint8
    assert row.shape == (192 + 24, 5 * 192 + 4 * 4, 3)
    for place, picture in enumerate(panels.pictures):
        left = place * (192 + 4)
        assert (row[:192, left : left + 192] == picture.repeat(96, axis=0).repeat(96, axis=1)).all()
        assert (row[:192, left + 192 : left + 196] == 255).all()
    assert (row[192:] < 128).any(), "the caption"


def test_the_measure_is_that_of_the_second_class_where_truth_is_known(panels):
    assert panels.iou == 0.5
    assert panels.file_name == "tile_012_iou1_0.500.png"
    many = ClassTable.named({0: "a", 1: "b", 2: "c"})
    label = np.array([[1, 1], [2, 1]])
    one = draw_panels("t", make_sample(label, np.ones((2, 2), bool)), np.array([[1, 2], [2, 0]]), ("x",), many)
    assert one.iou == pytest.approx(1 / 3)


@pytest.mark.parametrize(("truth", "called", "text"), [(0, 0, "na"), (0, 1, "0.000"), (1, 0, "0.000"), (1, 1, "1.000")])
def test_where_nobody_has_the_class_there_is_no_measure(truth, called, text):
    sample = make_sample(np.full((2, 2), truth), np.ones((2, 2), bool))
    panels = draw_panels("t", sample, np.full((2, 2), called), ("grey",), CLASSES)
    assert panels.iou_text == text
    assert math.isnan(panels.iou) == (text == "na")

"""A part of a raster, within a frame."""

import numpy as np
from affine import Affine
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.scenes.part import Part
from rasterio.windows import Window

FRAME = Window(10, 20, 30, 5)


def test_a_frame_alone():
    found = Part(FRAME).find(Window(0, 0, 60, 40))
    assert found[20:25, 10:40].all()
    assert found.sum() == 150
    assert not Part(FRAME).find(Window(0, 25, 60, 4)).any()


def test_within_the_frame_nothing_is_left_out():
    assert Part(FRAME).find(Window(12, 21, 28, 4)) is None
    assert Part.whole(Grid(None, Affine.identity(), 40, 60)).find(Window(0, 0, 60, 40)) is None


def test_what_lies_inside_is_asked_for_within_the_frame_alone():
    asked = []

    def find_inside(window):
        asked.append(window)
        return (np.arange(window.row_off, window.row_off + window.height)[:, None] + np.zeros(window.width)) == 22

    found = Part(FRAME, find_inside).find(Window(35, 15, 20, 30))
    assert asked == [Window(35, 20, 5, 5)]
    assert np.argwhere(found).tolist() == [[7, col] for col in range(5)]

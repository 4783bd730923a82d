"""Marking pixels without data, and counting what the nodata value hides or shows by mistake."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.imagery.marking import Marker


def test_bands_get_nodata_each_for_itself_and_alpha_where_none_has_data():
    image, shown = np.full((3, 2, 2), 5, np.int16), np.ones((3, 2, 2), np.bool_)
    shown[0, 0, 0], shown[:, 1, 1] = False, False
    Marker(-9, 3, by_band=True, is_new=False).mark(image, shown)
    assert image.tolist() == [[[-9, 5], [5, -9]], [[5, 5], [5, -9]], [[5, 5], [5, 0]]]


def test_whole_pixels_get_nodata():
    image, shown = np.full((2, 1, 2), 5, np.uint8), np.array([[[True, False]]])
    Marker(0, None, by_band=False, is_new=False).mark(image, shown)
    assert image.tolist() == [[[5, 0]], [[5, 0]]]


@pytest.mark.parametrize(("by_band", "lost"), [(True, 11), (False, 4)])
def test_data_with_the_nodata_value_are_counted_as_they_will_be_read(recorder, by_band, lost):
    image, shown = np.full((2, 40, 40), 5, np.int16), np.ones((2, 40, 40), np.bool_)
    image[0, 10, :7], image[:, 20, :4] = 9, 9
    shown[:, 30, :2] = False
    marker = Marker(9, None, by_band=by_band, is_new=True)
    marker.mark(image, shown)
    marker.warn(recorder)
    assert recorder.warnings[0].startswith(f"{lost} pixels with data have the value 9")
    assert len(recorder.warnings) == 1


def test_alpha_takes_no_part_in_what_looks_like_nodata():
    image = np.full((4, 5, 5), 255, np.uint8)
    image[:3, 0, :3] = 0
    marker = Marker(0, 4, by_band=False, is_new=True)
    marker.mark(image, None)
    assert marker.lost == 3


def test_values_that_are_missing_but_will_count_as_data_are_counted(recorder):
    image, shown = np.full((2, 5, 5), 5, np.int16), np.ones((2, 5, 5), np.bool_)
    shown[0, 1, :3], shown[:, 2] = False, False
    marker = Marker(0, None, by_band=False, is_new=True)
    marker.mark(image, shown)
    marker.warn(recorder)
    assert (marker.lost, marker.found) == (0, 3)
    assert recorder.warnings[0].startswith("3 pixels lack data in some bands and get the value 0 there")

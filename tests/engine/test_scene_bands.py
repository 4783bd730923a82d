"""Bands of images: in the order asked for, and alike for all images."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.engine.datasets.tiling.scene_bands import find_bands, find_bands_like
from geoseg.geoseg_plugin.engine.raster import open_raster

NAMES = ("blue", "green", "red", "nir")


@pytest.fixture
def numbers(make_raster):
    """Returns the numbers of the bands that are found."""

    def find(wanted, names=NAMES, **options):
        with open_raster(
            make_raster("image.tif", np.ones((len(names), 4, 4), np.uint8), names=names, **options)
        ) as one:
            return [band.number for band in find_bands(one, wanted)]

    return find


@pytest.fixture
def like(make_raster, recorder):
    """Returns the numbers of the bands of a second image."""

    def find(wanted, first, second):
        paths = [
            make_raster(name, np.ones((len(names), 4, 4), np.uint8), names=names, photometric="minisblack")
            for name, names in (("first.tif", first), ("second.tif", second))
        ]
        with open_raster(paths[0]) as one, open_raster(paths[1]) as other:
            bands = find_bands_like(other, wanted, find_bands(one, wanted), paths[0], recorder)
        return [band.number for band in bands]

    return find


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(None, [1, 2, 3, 4]), ("nir,red,green", [4, 3, 2]), ("4, 3,2", [4, 3, 2]), ("NIR, 1", [4, 1]), ("red", [3])],
)
def test_bands_come_in_the_order_asked(numbers, wanted, expected):
    assert numbers(wanted, photometric="minisblack") == expected


def test_alpha_is_no_band(numbers):
    assert numbers(None, ("", "", "", ""), photometric="RGB", alpha="YES") == [1, 2, 3]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("red,swir", r"image\.tif: BANDS asks for 'swir'.*The bands are: blue, green"), ("5", "'5'"), ("0", "'0'"),
     ("red,3", "red twice"), ("none", "names no band"), (" , ", "names no band")],
)  # fmt: skip
def test_bands_that_cannot_be_had_are_refused(numbers, wanted, message):
    with pytest.raises(RequestError, match=message):
        numbers(wanted, photometric="minisblack")


def test_a_name_of_two_bands_is_refused(numbers):
    with pytest.raises(RequestError, match="several bands named red"):
        numbers("red", ("red", "red", "nir"), photometric="minisblack")


def test_another_order_is_put_right_by_names(like, recorder):
    assert like(None, NAMES, NAMES[::-1]) == [4, 3, 2, 1]
    assert "another order and are taken by their names" in recorder.notes[0]
    assert like("1,4", NAMES, NAMES[::-1]) == [4, 1]
    assert recorder.warnings == []


def test_chosen_bands_may_lie_among_others(like):
    assert like("red,nir", NAMES, ("nir", "swir", "red", "blue", "green", "coast")) == [3, 1]


def test_without_names_the_order_counts(like, recorder):
    assert like(None, ("", "", ""), ("", "", "")) == [1, 2, 3]
    assert recorder.warnings == []
    assert like(None, ("red", "green", ""), ("green", "red", "")) == [1, 2, 3]
    assert "taken to be the same, in this order" in recorder.warnings[0]


def test_other_names_are_warned_of(like, recorder):
    assert like(None, ("red", "green"), ("green", "swir")) == [1, 2]
    assert "red, green" in recorder.warnings[0]


def test_another_number_of_bands_is_refused(like):
    with pytest.raises(InputError, match=r"differ in bands.*first\.tif has 2.*second\.tif has 3"):
        like(None, ("red", "green"), ("red", "green", "blue"))

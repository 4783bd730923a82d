"""Which bands of an image each network takes."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import ModelError, RequestError
from geoseg.geoseg_plugin.engine.prediction.scenes.bands import match_bands
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.rasters import write_raster

RGB = ("red", "green", "blue")


@pytest.fixture
def match(tmp_path, recorder):
    """Matches the bands of an image of these names with the cards of networks."""

    def run(names, *cards, wanted=None, **options):
        image = np.ones((len(names), 8, 8), np.uint8)
        options = {"photometric": "MINISBLACK", **options}  # else GDAL takes a fourth byte band for alpha
        with rasterio.open(write_raster(tmp_path / "image.tif", image, names=names, **options)) as dataset:
            return match_bands(dataset, [make_card(bands=bands) for bands in cards or (RGB,)], wanted, recorder)

    return run


@pytest.mark.parametrize("bands", [RGB, ("band 1", "band 2", "band 3")])
def test_bands_without_names_are_taken_as_they_come(match, recorder, bands):
    assert match(("", "", ""), bands) == ((1, 2, 3),)
    assert match(("Band 1", "band 2", "BAND 3"), bands) == ((1, 2, 3),)
    assert (recorder.warnings, recorder.notes) == ([], [])


def test_bands_in_order_need_no_word(match, recorder):
    assert match(("Red", " green", "BLUE"), RGB) == ((1, 2, 3),)
    assert (recorder.warnings, recorder.notes) == ([], [])


def test_another_order_is_put_right_by_names(match, recorder):
    assert match(("Blue", "green", "RED")) == ((3, 2, 1),)
    assert "3, 2, 1 (red, green, blue)" in recorder.notes[0]
    assert recorder.warnings == []


def test_more_bands_are_chosen_by_name(match, recorder):
    assert match(("Blue", "Green", "Red", "NIR")) == ((3, 2, 1),)
    assert "3, 2, 1" in recorder.notes[0]


def test_other_names_are_told(match, recorder):
    assert match(("nir", "red", "green")) == ((1, 2, 3),)
    assert "named nir, red, green, but the model was trained on red, green, blue" in recorder.warnings[0]


def test_some_names_missing_are_no_names(match, recorder):
    assert match(("nir", "red", "")) == ((1, 2, 3),)
    assert recorder.warnings == []


@pytest.mark.parametrize("names", [("red", "green"), ("red", "green", "nir", "swir"), ("red", "red", "green", "blue")])
def test_other_bands_are_refused(match, names):
    with pytest.raises(ModelError, match=rf"wants 3 bands .* has {len(names)} bands"):
        match(names)


def test_made_up_names_choose_nothing(match):
    with pytest.raises(ModelError, match="wants 2 bands"):
        match(("", "", ""), ("band 1", "band 2"))


def test_each_network_gets_its_own(match):
    names = ("nir", "blue", "green", "red")
    assert match(names, RGB, ("nir", "red"), RGB) == ((4, 3, 2), (1, 4), (4, 3, 2))
    with pytest.raises(ModelError, match=r"wants 2 bands \(nir, swir\)"):
        match(names, RGB, ("nir", "swir"))


@pytest.mark.parametrize(("wanted", "found"), [("4,3,2", (4, 3, 2)), ("Red, 1,blue", (4, 1, 2)), ("1,2,3", (1, 2, 3))])
def test_bands_asked_for_stand_for_those_of_the_model(match, recorder, wanted, found):
    assert match(("nir", "blue", "green", "red"), wanted=wanted) == (found,)
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("1,2", r"BANDS names 2 bands \('1,2'\), but the model wants 3 \(red, green, blue\)"), ("1,2,9", "'9'"),
     ("1,2,swir", r"'swir'.*The bands are: nir, blue, green, red"), ("1,1,2", "nir twice")],
)  # fmt: skip
def test_bands_that_cannot_be_had_are_refused(match, wanted, message):
    with pytest.raises(RequestError, match=message):
        match(("nir", "blue", "green", "red"), wanted=wanted)


def test_bands_asked_for_serve_models_of_the_same_names(match):
    names = ("", "", "", "")
    assert match(names, RGB, ("blue", "red"), RGB, wanted="3,4,1") == ((3, 4, 1), (1, 3), (3, 4, 1))
    same = ("band 1", "band 2", "band 3")
    assert match(names, same, same, wanted="3,4,1") == ((3, 4, 1), (3, 4, 1))


def test_bands_asked_for_serve_no_model_of_others(match):
    with pytest.raises(RequestError, match=r"bands of MODEL \(red, green, blue\).*FURTHER_MODELS wants nir, red"):
        match(("nir", "blue", "green", "red"), RGB, ("nir", "red"), wanted="4,3,2")

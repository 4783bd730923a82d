"""Names of bands, and how bands are asked for."""

from contextlib import ExitStack

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.engine.imagery.stacking.band_choice import (
    InputBand,
    choose_bands,
    find_name,
    identifier,
    list_bands,
    split_list,
)

BANDS = tuple(InputBand(*place) for place in ((0, 1, "blue"), (0, 2, "Near IR"), (1, 1, "s1_vh_2020"), (1, 2, "B8A")))


@pytest.fixture
def name_bands(make_raster, recorder):
    """Return the names of the bands of rasters given as (file, bands, options)."""

    def run(*rasters, names=None):
        with ExitStack() as opened:
            sources = [
                opened.enter_context(rasterio.open(make_raster(name, np.ones((count, 4, 5), np.uint8), **options)))
                for name, count, options in rasters
            ]
            return [band.name for band in list_bands(sources, names, recorder)]

    return run


def test_names_are_descriptions_colours_files_or_numbers(name_bands):
    found = name_bands(
        ("a.tif", 2, {"names": ("VV", "VH"), "photometric": "minisblack"}),
        ("b.tif", 4, {"photometric": "RGB", "alpha": "YES"}),
        ("s1_hh_2020.tif", 1, {}),
        ("d.tif", 2, {"photometric": "minisblack", "alpha": "UNSPECIFIED"}),
    )
    assert found == ["VV", "VH", "red", "green", "blue", "s1_hh_2020", "band 7", "band 8"]


def test_bands_of_one_name_are_numbered(name_bands, recorder):
    rgb = {"photometric": "RGB"}
    found = name_bands(("a.tif", 3, rgb), ("b.tif", 3, rgb), ("c.tif", 2, {"names": ("red_2", "red")}))
    assert found == ["red", "green", "blue", "red_3", "green_2", "blue_2", "red_2", "red_4"]
    assert "Several bands are named red: number 4 is called red_3." in recorder.notes


def test_names_can_be_given(name_bands):
    assert name_bands(("a.tif", 3, {}), names=" B,G , R,") == ["B", "G", "R"]
    with pytest.raises(RequestError, match="2 names, but the inputs have 3 bands"):
        name_bands(("a.tif", 3, {}), names="B, G")
    with pytest.raises(RequestError, match="G more than once"):
        name_bands(("a.tif", 3, {}), names="B, G, G")


def test_bands_are_chosen_in_the_order_asked():
    assert choose_bands("vh, 1:2, 4, blue", BANDS) == (2, 1, 3, 0)
    assert choose_bands("near_ir", BANDS) == (1,)
    assert choose_bands("2 : 1", BANDS) == (2,)
    assert choose_bands(" None", BANDS) == ()


@pytest.mark.parametrize("text", ["red", "0", "5", "1:3", "3:1", "0:1", "-1", "VV"])
def test_bands_that_do_not_exist_are_refused_with_those_that_do(text):
    with pytest.raises(RequestError, match=r"BANDS asks for .*blue, Near IR, s1_vh_2020, B8A"):
        choose_bands(text, BANDS)


def test_numbers_and_places_mean_themselves_unless_they_are_names():
    bands = [InputBand(*place) for place in ((0, 1, "1_2"), (0, 2, "_1"), (1, 1, "2"), (1, 2, "2:1"))]
    assert choose_bands("1:2, 1, 2, 2:1", bands) == (1, 0, 2, 3)
    with pytest.raises(RequestError, match="'1:3', which does not exist"):
        choose_bands("1:3", [*bands, InputBand(2, 1, "1_3")])


def test_no_band_is_chosen_twice():
    with pytest.raises(RequestError, match="blue twice"):
        choose_bands("1, 2, BLUE", BANDS)


def test_names_are_found_by_what_is_meant():
    names = ["NIR", "nir", "Band-1 (x)", "vv_a", "vv_b", "VV", "x_hv_vv", "x.HH.y"]
    assert find_name("NIR", names) == "NIR"
    assert find_name("nir", names) == "nir"
    assert find_name("band_1__x_", names) == "Band-1 (x)"
    assert find_name("VV", names) == "VV"
    assert find_name("HH", names) == "x.HH.y"
    assert find_name("HV", names) is None
    assert find_name("vvb", names) is None
    with pytest.raises(RequestError, match="Nir may be any of NIR, nir"):
        find_name("Nir", names)
    with pytest.raises(RequestError, match="VV may be any of vv_a, vv_b"):
        find_name("VV", ["vv_a", "vv_b"])


def test_identifiers_can_be_written_in_formulas():
    names = ("band 1", "8A", "ångström µ", "a-b.c", "建物", "")
    assert [identifier(name) for name in names] == ["band_1", "_8A", "ångström_μ", "a_b_c", "建物", ""]


def test_lists_ignore_blanks():
    assert split_list(" a ,, b c,") == ["a", "b c"]

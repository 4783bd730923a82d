"""Which rasters a mosaic is made of, and whether they fit together."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.imagery.mosaicking.sources import (
    check_sources,
    find_paths,
    keeps_alpha,
    mosaic_dtype,
    read_sources,
    unique_crs,
)

PIXELS = np.ones((1, 4, 5), np.uint8)


@pytest.fixture
def folder(tmp_path, make_raster):
    (tmp_path / "sub").mkdir()
    for name in ("b.tif", "a.tif", "sub/c.tif"):
        make_raster(name, PIXELS)
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset/>")
    (tmp_path / "notes.txt").write_text("no raster")
    return tmp_path


def find(folder, pattern="*.tif", output="/elsewhere/out.tif"):
    return find_paths(MosaicRasters(folder=str(folder), pattern=pattern, output=str(output)))


def names(paths):
    return [Path(path).name for path in paths]


def test_a_pattern_finds_files_by_name(folder):
    assert names(find(folder)) == ["a.tif", "b.tif"]
    assert names(find(folder, "**/*.tif")) == ["a.tif", "b.tif", "c.tif"]
    assert names(find(folder, "[b]*")) == ["b.tif"]
    assert names(find(folder, "*")) == ["a.tif", "b.tif", "notes.txt"]


def test_inputs_keep_their_order():
    assert find_paths(MosaicRasters(inputs=("b.tif", "a.tif"), output="out.tif")) == ("b.tif", "a.tif")


@pytest.mark.parametrize(("pattern", "says"), [("*.png", "no file like"), ("", "no file like"), ("/a/*", "cannot be")])
def test_patterns_that_find_nothing(folder, pattern, says):
    if not pattern:
        folder = folder / "empty"
        folder.mkdir()
    with pytest.raises(RequestError, match=says):
        find(folder, pattern or "*.tif")


def test_a_folder_must_be_one(folder):
    with pytest.raises(RequestError, match="is no folder"):
        find(folder / "a.tif")


def test_the_output_is_no_input(folder):
    with pytest.raises(RequestError, match="would overwrite"):
        find(folder, output=folder / "sub" / ".." / "b.tif")


def test_files_that_are_no_rasters_are_left_out_with_a_warning(folder, recorder):
    sources = read_sources(find(folder, "*"), recorder, from_folder=True)
    assert names(source.path for source in sources) == ["a.tif", "b.tif"]
    assert recorder.warnings[0].startswith("1 files are no rasters")
    assert recorder.fractions[-1] == 1
    with pytest.raises(InputError, match=r"notes\.txt"):
        read_sources(find(folder, "*"), recorder, from_folder=False)
    with pytest.raises(InputError, match="None of 1 files"):
        read_sources(find(folder, "*.txt"), recorder, from_folder=True)


def test_a_damaged_geotiff_is_no_stray_file(folder, recorder):
    (folder / "d.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"d\.tif cannot be opened"):
        read_sources(find(folder), recorder, from_folder=True)


def test_reading_headers_can_be_cancelled(folder, make_recorder):
    with pytest.raises(Cancelled):
        read_sources(find(folder), make_recorder(lambda recorder: True), from_folder=True)


def test_what_headers_say(make_raster, recorder):
    rgba = make_raster("rgba.tif", np.ones((4, 4, 5), np.uint8), photometric="RGB", alpha="YES")
    masked = make_raster("masked.tif", PIXELS, mask=PIXELS[0])
    floats = make_raster("float.tif", PIXELS.astype("float32"), crs="EPSG:3857")
    nodata = make_raster("nodata.tif", PIXELS, nodata=3, colours={1: (1, 2, 3, 255)})
    one, two, three, four = read_sources((rgba, masked, floats, nodata), recorder, from_folder=False)
    assert (one.bands, one.has_alpha, one.has_mask) == ((1, 2, 3), True, False)
    assert (two.bands, two.has_alpha, two.has_mask, two.may_hide) == ((1,), False, True, True)
    assert (three.may_hide, three.is_partial, three.holds_classes) == (False, True, False)
    assert (four.nodata, four.holds_classes) == (3, True)
    assert not keeps_alpha((one, two))
    assert mosaic_dtype((one, three)) == "float32"
    assert unique_crs((one, two, three, four)) == [[0, 1, 3], [2]]


def check(recorder, *paths):
    check_sources(read_sources(paths, recorder, from_folder=False), recorder)


def test_numbers_of_bands_must_be_equal(make_raster, recorder):
    one, three = make_raster("one.tif", PIXELS), make_raster("three.tif", np.ones((3, 4, 5), np.uint8))
    with pytest.raises(InputError, match=r"three\.tif has 3 bands, but .*one\.tif has 1 band\."):
        check(recorder, one, three)


def test_a_crs_for_all_or_for_none(make_raster, recorder):
    one, bare = make_raster("one.tif", PIXELS), make_raster("bare.tif", PIXELS, crs=None)
    other = make_raster("other.tif", PIXELS, crs=None, transform=Affine(1, 0, 9, 0, -1, 9))
    with pytest.raises(InputError, match=r"1 of 2 rasters have no CRS: .*bare\.tif"):
        check(recorder, one, bare)
    check(recorder, bare, other)
    assert "same plane" in recorder.warnings[0]


def test_differences_are_told(make_raster, recorder):
    one = make_raster("one.tif", PIXELS, names=("red",), colours={1: (1, 2, 3, 255)})
    check(recorder, one, make_raster("two.tif", PIXELS, names=("blue",), colours={1: (9, 9, 9, 255)}))
    assert [text.split(", whose")[0].split(" than")[0] for text in recorder.warnings] == [
        "1 rasters have other colour tables",
        "1 rasters have other band names",
    ]
    assert "two.tif" in recorder.warnings[0]

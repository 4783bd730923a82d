"""Which files of a folder a pattern finds."""

from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.engine.imagery.patterns import find_rasters

PIXELS = np.ones((1, 4, 5), np.uint8)


@pytest.fixture
def folder(tmp_path, make_raster):
    (tmp_path / "sub").mkdir()
    for name in ("b.tif", "a.tif", "sub/c.tif"):
        make_raster(name, PIXELS)
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset/>")
    (tmp_path / "notes.txt").write_text("no raster")
    return tmp_path


def find(folder, pattern="*.tif"):
    return find_rasters(str(folder), pattern)


def names(paths):
    return [Path(path).name for path in paths]


def test_a_pattern_finds_files_by_name(folder):
    assert names(find(folder)) == ["a.tif", "b.tif"]
    assert names(find(folder, "**/*.tif")) == ["a.tif", "b.tif", "c.tif"]
    assert names(find(folder, "[b]*")) == ["b.tif"]
    assert names(find(folder, "*")) == ["a.tif", "b.tif", "notes.txt"]


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


def test_capitals_do_not_matter(folder):
    (folder / "a.tif").rename(folder / "A.TIF")
    (folder / "sub").rename(folder / "Sub")
    assert names(find(folder)) == ["A.TIF", "b.tif"]
    assert names(find(folder, "sUB/*.Tif")) == ["c.tif"]


def test_folders_at_every_place_of_a_pattern(folder, make_raster):
    (folder / "sub" / "deep").mkdir()
    make_raster("sub/deep/d.tif", PIXELS)
    assert names(find(folder, "*/*.tif")) == ["c.tif"]
    assert names(find(folder, "**/deep/*.tif")) == names(find(folder, "**/**/d.tif")) == ["d.tif"]
    (folder / "sub" / "loop").symlink_to(folder)
    assert names(find(folder, "**/*.tif")) == ["a.tif", "b.tif", "c.tif", "d.tif"]


def test_what_is_hidden_is_passed_over(folder, make_raster):
    (folder / ".making").mkdir()
    make_raster(".making/h.tif", PIXELS)
    make_raster(".h.tif", PIXELS)
    assert names(find(folder, "**/*.tif")) == ["a.tif", "b.tif", "c.tif"]
    assert names(find(folder, "*.tif")) == ["a.tif", "b.tif"]


def test_a_pattern_stays_within_the_folder(folder):
    with pytest.raises(RequestError, match="leads out of FOLDER"):
        find(folder / "sub", "../*.tif")

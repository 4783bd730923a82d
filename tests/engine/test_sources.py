"""What the headers of the rasters of a mosaic say."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.engine.imagery.mosaicking.sources import keeps_alpha, mosaic_dtype, read_sources, unique_crs
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

PIXELS = np.ones((1, 4, 5), np.uint8)


@pytest.fixture
def paths(tmp_path, make_raster):
    (tmp_path / "notes.txt").write_text("no raster")
    return make_raster("a.tif", PIXELS), make_raster("b.tif", PIXELS), str(tmp_path / "notes.txt")


def names(paths):
    return [Path(path).name for path in paths]


def test_files_that_are_no_rasters_are_left_out_with_a_warning(paths, recorder):
    sources = read_sources(paths, recorder, from_folder=True)
    assert names(source.path for source in sources) == ["a.tif", "b.tif"]
    assert recorder.warnings[0].startswith("1 files are no rasters")
    assert recorder.fractions[-1] == 1
    with pytest.raises(InputError, match=r"notes\.txt"):
        read_sources(paths, recorder, from_folder=False)
    with pytest.raises(InputError, match="None of 1 files"):
        read_sources(paths[2:], recorder, from_folder=True)


def test_a_damaged_geotiff_is_no_stray_file(tmp_path, recorder):
    (tmp_path / "d.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"d\.tif cannot be opened"):
        read_sources([str(tmp_path / "d.tif")], recorder, from_folder=True)


def test_reading_headers_can_be_cancelled(paths, make_recorder):
    with pytest.raises(Cancelled):
        read_sources(paths, make_recorder(lambda recorder: True), from_folder=True)


def test_what_headers_say(make_raster, recorder):
    rgba = make_raster("rgba.tif", np.ones((4, 4, 5), np.uint8), photometric="RGB", alpha="YES")
    masked = make_raster("masked.tif", PIXELS, mask=PIXELS[0])
    floats = make_raster("float.tif", PIXELS.astype("float32"), crs="EPSG:3857")
    nodata = make_raster("nodata.tif", PIXELS, nodata=3, colours={1: (1, 2, 3, 255)})
    one, two, three, four = read_sources((rgba, masked, floats, nodata), recorder, from_folder=False)
    assert (one.bands, one.has_alpha, one.has_mask) == ((1, 2, 3), True, False)
    assert (two.bands, two.has_alpha, two.has_mask, two.may_hide) == ((1,), False, True, True)
    assert (three.may_hide, three.is_partial, three.holds_classes) == (False, True, False)
    assert (four.nodatavals, four.holds_classes) == ((3,), True)
    assert not keeps_alpha((one, two))
    assert mosaic_dtype((one, three)) == "float32"
    assert unique_crs((one, two, three, four)) == [[0, 1, 3], [2]]


def test_alpha_is_read_as_the_band_that_it_is_in_the_mosaic(make_raster, recorder):
    path = make_raster("argb.tif", np.ones((4, 4, 5), np.uint8), photometric="RGB")
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.alpha, ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    (source,) = read_sources([path], recorder, from_folder=False)
    assert (source.alpha, source.bands, source.heeds_alpha) == (1, (2, 3, 4), False)
    assert [source.bands_with_alpha(at) for at in (None, 1, 4)] == [(2, 3, 4), (1, 2, 3, 4), (2, 3, 4, 1)]


def test_a_palette_counts_in_the_first_band_alone(tmp_path, recorder):
    path = str(tmp_path / "in.img")
    with rasterio.open(
        path, "w", driver="HFA", dtype="uint8", count=2, height=1, width=2, crs="EPSG:32633",
        transform=Affine(1, 0, 9, 0, -1, 9),
    ) as dataset:  # fmt: skip
        dataset.write_colormap(2, {1: (255, 0, 0, 255)})
    (source,) = read_sources([path], recorder, from_folder=False)
    assert not source.holds_classes


def test_control_points_are_no_grid(tmp_path, recorder):
    path = str(tmp_path / "points.tif")
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=4, width=4) as dataset:
        corners = [(0, 0, 10, 50), (4, 0, 10, 49.9), (0, 4, 10.1, 50), (4, 4, 10.1, 49.9)]
        dataset.gcps = [GroundControlPoint(*corner) for corner in corners], CRS.from_epsg(4326)
    with pytest.raises(InputError, match="ground control points alone"):
        read_sources([path], recorder, from_folder=False)

"""Rasters behind a real server: read in pieces, and never silently wrong when it ends."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.raster import open_raster, read_window
from geoseg.geoseg_plugin.engine.remote import is_remote, reading_options
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.range_server import serve
from rasterio.windows import Window

SIDE = 1024


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of the folder `home/served`; GDAL is to ask once."""
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    with serve(tmp_path / "home") as server:
        yield server


@pytest.fixture
def image(server, make_raster):
    """A COG on the server that cannot be made much smaller, and its pixels."""
    pixels = np.random.default_rng(0).integers(0, 255, (1, SIDE, SIDE)).astype(np.uint8)
    path = make_raster("image.tif", pixels)
    rasterio.shutil.copy(path, server.folder / "image.tif", driver="COG", blocksize=128, compress="deflate")
    return server.address("image.tif"), pixels[0]


@pytest.fixture
def values(tmp_path):
    """What predictions ask for: a network that says where pixels are above 100."""
    card = make_card(bands=("grey",), classes={1: "low", 2: "high"}, crs="EPSG:32633", tile_size=128)
    model = write_pixelwise(tmp_path / "model.onnx", card, [[0.0], [50.0]], [0.5, 0])
    return {"model": model, "output": str(tmp_path / "out" / "map.tif")}


def test_an_image_on_a_server_is_mapped(server, image, values, recorder):
    address, pixels = image
    predict_segmentation(PredictSegmentation(input=address, **values), recorder)
    with rasterio.open(values["output"]) as found:
        assert np.array_equal(found.read(1), np.where(pixels > 100, 2, 1))
    # It is fetched once, or nearly so, without its overviews, and no folder is looked through.
    assert server.sent < 1.1 * (server.folder / "image.tif").stat().st_size
    assert not [path for _, path, _ in server.asked if path.endswith("/")]


def test_of_an_area_no_more_than_it_takes_is_fetched(server, image, values, recorder):
    address, pixels = image
    extent = "500064,500128,4999872,4999936 [EPSG:32633]"
    predict_segmentation(PredictSegmentation(input=address, extent=extent, **values), recorder)
    with rasterio.open(values["output"]) as found:
        assert np.array_equal(found.read(1), np.where(pixels[128:256, 128:256] > 100, 2, 1))
    # Nine samples of the values, and the tiles around the area.
    assert server.sent < 0.6 * (server.folder / "image.tif").stat().st_size


def test_a_virtual_raster_of_images_on_a_server(tmp_path, image, values, recorder):
    address, pixels = image
    path = str(tmp_path / "all.vrt")
    rasterio.shutil.copy(address, path, driver="VRT")
    predict_segmentation(PredictSegmentation(input=path, **values), recorder)
    with rasterio.open(values["output"]) as found:
        assert np.array_equal(found.read(1), np.where(pixels > 100, 2, 1))


def test_masks_beside_the_image_count(server, make_raster, recorder):
    mask = np.full((64, 64), 255, np.uint8)
    mask[:9] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        make_raster("home/served/masked.tif", np.ones((3, 64, 64), np.uint8), mask=mask)
    assert (server.folder / "masked.tif.msk").exists()
    with open_raster(server.address("masked.tif")) as dataset:
        assert np.array_equal(dataset.read_masks(1), mask)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_server_that_ends_in_the_middle_is_named(server, image, values, recorder, tmp_path, share):
    address, _ = image
    server.end_after(share * (server.folder / "image.tif").stat().st_size)
    with pytest.raises(InputError, match=r"image\.tif cannot be read around row \d+") as caught:
        predict_segmentation(PredictSegmentation(input=address, **values), recorder)
    assert "server does not answer" in caught.value.fix
    assert not list((tmp_path / "out").glob("*"))


def test_the_command_line_ends_with_1_and_leaves_nothing(server, image, values, tmp_path):
    address, _ = image
    server.end_after(0.5 * (server.folder / "image.tif").stat().st_size)
    plugin = Path(__file__).resolve().parents[2] / "geoseg_plugin"
    options = [f"--{name}={value}" for name, value in values.items()]
    done = subprocess.run(
        [sys.executable, str(plugin), "predict-segmentation", f"--input={address}", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be read around row" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "out").glob("*"))


def test_an_address_where_nothing_is_is_named(server):
    with (
        pytest.raises(InputError, match=r"nothing\.tif cannot be opened") as caught,
        open_raster(server.address("nothing.tif")),
    ):
        pass
    assert "Check the address" in caught.value.fix


def test_plain_addresses_are_read_in_pieces_too(server, image):
    address, pixels = image
    with open_raster(address.removeprefix("/vsicurl/")) as dataset:
        assert Grid.of(dataset).width == SIDE
        found = read_window(dataset, Window(0, 0, 100, 50))
    assert np.array_equal(found[0], pixels[:50, :100])
    assert server.sent < 0.3 * (server.folder / "image.tif").stat().st_size


@pytest.mark.parametrize(
    ("path", "remote"),
    [("/vsicurl/http://a/b.tif", True), ("https://a/b.tif", True), ("/vsizip//vsicurl/https://a.zip/b.tif", True),
     ("/data/a.tif", False), ("C:/data/a.tif", False), ("/vsizip/data/a.zip/b.tif", False), ("/vsimem/a.tif", False)],
)  # fmt: skip
def test_what_lies_elsewhere(path, remote):
    assert is_remote(path) == remote
    assert ("GDAL_DISABLE_READDIR_ON_OPEN" in reading_options(path)) == remote


def test_options_of_the_environment_count(monkeypatch):
    assert int(reading_options("/vsicurl/http://a/b.tif")["GDAL_HTTP_MAX_RETRY"]) > 0
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "9")
    assert "GDAL_HTTP_MAX_RETRY" not in reading_options("/vsicurl/http://a/b.tif")

"""How large tiles are where TILE_SIZE is 0."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.tile_sizes import settle_tile_size
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.datasets.windows.opening import open_windows


@pytest.fixture
def settled(make_raster, recorder):
    """The size that images of these heights and widths, with pixels of 0.5 m, get."""

    def run(*shapes, **options):
        paths = [make_raster(f"{n}.tif", np.ones((1, *shape), np.uint8)) for n, shape in enumerate(shapes)]
        request = MakeTiles(images=paths, output="nowhere", **options)
        return settle_tile_size(request, find_scenes(request, recorder), recorder).tile_size

    return run


@pytest.mark.parametrize(
    ("shapes", "side"),
    [
        ([(2048, 3072)], 512),
        ([(2048, 3071)], 256),
        ([(1024, 1024)] * 4, 256),  # parted by validation
        ([(1024, 1024)] * 5, 512),  # a whole image is set aside
        ([(880, 880)] * 6, 512),
        ([(790, 790)] * 5, 256),
        ([(1024, 768)], 256),
        ([(1024, 767)], 128),
        ([(400, 384)], 64),
        ([(450, 20_000)], 256),  # no tile of 512 lies inside
        ([(480, 20_000)], 512),  # nearly
        ([(250, 250)] * 20, 256),
        ([(256, 256)] * 100 + [(2048, 3072)], 256),  # most pixels are in small images
        ([(300, 300), (2048, 3072)], 512),
        ([(50, 60)], 64),
    ],
)
def test_the_images_must_hold_enough_tiles(settled, shapes, side):
    assert settled(*shapes) == side


def test_smaller_tiles_are_told(settled, recorder):
    settled((1024, 1024), (900, 1000))
    assert recorder.notes == ["The images are small: TILE_SIZE is 256 in place of 512 pixels, which gives more tiles."]
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("options", "side"),
    [
        ({"tile_size": 96}, 96),
        ({"pixel_size": 0.25}, 512),
        ({"pixel_size": 1}, 128),
        ({"layout": "DLTile grid", "pixel_size": 1}, 512),
    ],
)
def test_the_pixels_of_the_tiles_count(settled, options, side, recorder):
    assert settled((1600, 1600), **options) == side


def test_pixels_larger_than_the_image_are_refused(settled):
    with pytest.raises(InputError, match="PIXEL_SIZE is 1000"):
        settled((100, 100), pixel_size=1000)


def test_tiles_on_disk_and_windows_get_the_same(make_raster, tmp_path, recorder):
    pixels = np.random.default_rng(0).integers(1, 255, (1, 700, 900)).astype(np.uint8)
    files = {"images": [make_raster("image.tif", pixels)], "labels": [make_raster("label.tif", pixels // 128)]}
    request = MakeTiles(**files, output=str(tmp_path / "tiles"))
    make_tiles(request, recorder)
    written = open_dataset(request.output)
    with open_windows(request, recorder, 0) as windows:
        assert [tile.id for tile in windows.tiles] == [tile.id for tile in written.tiles]
        assert windows.tile_size == written.tile_size == 128
    assert written.made["request"]["parameters"]["tile_size"] == 128


@pytest.mark.parametrize("side", [1, 31])
def test_tiles_too_small_for_any_network_are_refused(side):
    with pytest.raises(RequestError, match=f"TILE_SIZE is {side} pixels") as caught:
        MakeTiles(images=["a.tif"], tile_size=side, output="tiles")
    assert caught.value.fix == "Give 32 or more, or 0."
    with pytest.raises(RequestError, match=f"TILE_SIZE is {side} pixels"):
        TrainSegmentation(images=["a.tif"], labels=["b.tif"], tile_size=side, model="m.safetensors")


def test_the_padding_of_the_dltile_grid_counts_on_the_largest():
    options = {"images": ["a.tif"], "layout": "DLTile grid", "pixel_size": 1, "output": "tiles"}
    MakeTiles(**options, padding=255)
    with pytest.raises(RequestError, match="PADDING is 256, and TILE_SIZE, which includes it on both sides, is 512"):
        MakeTiles(**options, padding=256)

"""Tiles of an earlier dataset, cut once more."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import DLTILE, EARLIER, RANDOM, SHRINK, STRIDE, MakeTiles
from geoseg.geoseg_plugin.engine.datasets.dataset import DESCRIPTION, open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.earlier import adopt_earlier, lay_out_earlier
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles

FAR = Affine(0.5, 0, 600_000, 0, -0.5, 5_000_000)


@pytest.fixture
def pixels():
    return np.random.default_rng(8).integers(1, 250, (2, 200, 170)).astype(np.uint8)


@pytest.fixture
def make(tmp_path, recorder):
    """Cuts images into a dataset."""

    def run(images, name="earlier", **options):
        request = MakeTiles(images=images, output=str(tmp_path / name), **{"tile_size": 64, "validation": 30} | options)
        return open_dataset(make_tiles(request, recorder).output)

    return run


@pytest.fixture
def again(tmp_path, recorder):
    """Lays the tiles of an earlier dataset out on images."""

    def run(images, **options):
        request = MakeTiles(
            images=images, output=str(tmp_path / "again"), layout=EARLIER, earlier=str(tmp_path / "earlier"), **options
        )
        request = adopt_earlier(request, recorder)
        return lay_out_earlier(request, find_scenes(request, recorder), recorder)

    return run


def contents(dataset):
    """Return grid and pixels of every tile by its name."""
    found = {}
    for tile in dataset.tiles:
        with rasterio.open(tile.image) as image:
            found[tile.id] = (image.transform, image.crs, image.read().tobytes())
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"layout": STRIDE, "stride": 60, "edges": SHRINK},
        {"layout": RANDOM, "count": 30, "pixel_size": 0.3},
        {"layout": DLTILE, "pixel_size": 0.5, "padding": 8},
    ],
    ids=["stride", "random", "DLTile"],
)
def test_the_same_tiles_are_cut_from_the_same_images(make, make_raster, pixels, options, recorder):
    images = [make_raster("a.tif", pixels), make_raster("b.tif", pixels, transform=FAR)]
    one = make(images, **options)
    other = make(images, name="other", layout=EARLIER, earlier=str(one.folder), tile_size=128)
    assert contents(one) == contents(other)
    assert [(tile.id, tile.scene, tile.split) for tile in one.tiles] == [
        (tile.id, tile.scene, tile.split) for tile in other.tiles
    ]
    assert (one.tile_size, one.pixel_size, one.crs) == (other.tile_size, other.pixel_size, other.crs)
    assert any(text.startswith("TILE_SIZE is 64") for text in recorder.warnings)
    third = make(images, name="third", layout=EARLIER, earlier=str(other.folder))
    assert contents(third) == contents(one)


def test_another_image_of_the_grid_takes_the_tiles(make, again, make_raster, pixels, tmp_path, recorder):
    one = make([make_raster("a.tif", pixels)])
    (tmp_path / "later").mkdir()
    (sheet,) = again([make_raster("later/z.tif", pixels[:, ::-1])])
    assert (sheet.scene.name, list(sheet.names)) == ("z", [tile.id for tile in one.tiles])
    assert sheet.splits.tolist() == [tile.split for tile in one.tiles]
    sheets = again([make_raster("y.tif", pixels), make_raster("later/z.tif", pixels[:, ::-1])])
    assert [one.names[0].rsplit("_", 1)[1] for one in sheets] == ["y", "z"]


def test_names_tell_dates_of_one_place_apart(make, again, make_raster, pixels, tmp_path):
    make([make_raster("a.tif", pixels), make_raster("b.tif", pixels)])
    (tmp_path / "new").mkdir()
    sheets = again([make_raster("new/b.tif", pixels), make_raster("new/a.tif", pixels)])
    assert [one.names[0][0] for one in sheets] == ["b", "a"]
    with pytest.raises(InputError, match=r"c\.tif has the grid of 2 scenes"):
        again([make_raster("new/c.tif", pixels)])


def test_images_and_tiles_that_do_not_fit_are_left_out(make, again, make_raster, pixels, recorder):
    make([make_raster("a.tif", pixels), make_raster("b.tif", pixels, transform=FAR)])
    (sheet,) = again([make_raster("b.tif", pixels, transform=FAR), make_raster("c.tif", pixels[:, :90])])
    assert sheet.scene.name == "b"
    assert any("1 images have the grid of no scene" in text for text in recorder.warnings)
    assert any("lie on none of the images" in text for text in recorder.warnings)
    with pytest.raises(InputError, match="No image has the grid of a scene"):
        again([make_raster("c.tif", pixels[:, :90])])


def test_a_dataset_that_was_split_anew_says_how_it_was_made(make, again, make_raster, pixels):
    image = make_raster("a.tif", pixels)
    dataset = make([image], pixel_size=0.4)
    path = dataset.folder / DESCRIPTION
    values = json.loads(path.read_text())
    values["made"] = {"request": {"stage": "splitdataset"}, "source": {"made": values["made"]}}
    path.write_text(json.dumps(values))
    (sheet,) = again([image])
    assert sheet.grid.pixel_size == pytest.approx((0.4, 0.4))


def test_a_dataset_that_does_not_say_its_grids_is_refused(again, make_raster, pixels, write_tiles, tmp_path):
    write_tiles(tmp_path / "earlier", [("train", pixels[:, :64, :64], pixels[0, :64, :64])])
    with pytest.raises(InputError, match="earlier"):
        again([make_raster("a.tif", pixels)])


def test_other_layouts_are_left_as_they_are(recorder, tmp_path):
    request = MakeTiles(images=("a.tif",), output="o")
    assert adopt_earlier(request, recorder) is request

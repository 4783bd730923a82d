"""Labels from rasters: their classes, and what is read of them."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.resampled import target_grid
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.sheet import Sheet
from geoseg.geoseg_plugin.engine.datasets.tiling.sources import LabelRasters
from geoseg.geoseg_plugin.engine.datasets.tiling.truth import read_classes
from rasterio.windows import Window

TWO = np.array([[[1, 2], [2, 1]]], np.uint8)


@pytest.fixture
def make_named(make_raster, tmp_path):
    """Writes a label raster of the values 1 and 2 with category names beside it."""

    def make(name, *categories):
        listed = "".join(f"<Category>{one}</Category>" for one in categories)
        (tmp_path / f"{name}.aux.xml").write_text(
            f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{listed}</CategoryNames></PAMRasterBand></PAMDataset>'
        )
        return make_raster(name, TWO)

    return make


def test_rasters_that_name_a_value_differently_are_refused(make_named, recorder):
    one, other = make_named("a.tif", "", "water", "roof"), make_named("b.tif", "", "roof", "water")
    with pytest.raises(InputError, match=r"a\.tif and .*b\.tif state different classes: 1 is 'water'.*'roof'"):
        read_classes((one, other), recorder)


def test_names_of_several_rasters_are_joined(make_named, recorder):
    paths = make_named("a.tif", "", "water"), make_named("b.tif", "", "", "roof"), make_named("c.tif", "", "water")
    assert read_classes(paths, recorder).names == ("water", "roof")


@pytest.mark.parametrize(("nodata", "dtype"), [(255, np.uint8), (9, np.uint8), (-1, np.int16), (-32768, np.int16)])
def test_ignored_pixels_count_in_the_most_frequent_class(make_raster, recorder, nodata, dtype):
    """Each pixel of the tiles shows 4 x 4 pixels, of which 7, 5 and 4 are alike."""
    random = np.random.default_rng(1)
    held = np.array([nodata, 1, 3], dtype)
    orders = random.permuted(np.tile([0, 1, 2], (100, 1)), axis=1)
    cells = random.permuted(np.repeat(held[orders], [7, 5, 4], axis=1), axis=1)
    pixels = cells.reshape(10, 10, 4, 4).swapaxes(1, 2).reshape(1, 40, 40)
    label = make_raster("label.tif", pixels, nodata=nodata)
    scene = make_raster("scene.tif", np.ones((1, 40, 40), np.uint8))
    request = MakeTiles(images=(scene,), labels=(label,), tile_size=32, pixel_size=2.0, output="d")
    (found,) = find_scenes(request, recorder)
    grid = target_grid(found, 2.0)
    expected = held[orders[:, 0]].reshape(10, 10)
    assert (grid.height, grid.width) == expected.shape
    source = LabelRasters({"scene": label}, read_classes((label,), recorder))
    sheet = Sheet(found, grid, ["tile"], np.array([[0, 0, 10, 10]]))
    with source.open(sheet) as truth:
        read = truth.read(Window(0, 0, 10, 10))
        assert (read.dtype, np.unique(read).tolist()) == (np.uint8, [1, 3, 255])
        assert np.array_equal(read, np.where(expected == nodata, 255, expected))


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        (np.uint8, {"nodata": 255}),
        (np.uint8, {"nodata": 7}),
        (np.int16, {"nodata": -5}),
        (np.float32, {"nodata": 255}),
        (np.int32, {}),
        (np.uint8, {"mask": True}),
    ],
)
def test_labels_are_read_alike_however_they_mark_what_is_missing(make_raster, recorder, dtype, options):
    random = np.random.default_rng(2)
    classes, missing = random.integers(0, 3, (1, 20, 20)), random.random((1, 20, 20)) > 0.8
    missing &= bool(options)
    pixels = np.where(missing, options.get("nodata", 0), classes).astype(dtype)
    label = make_raster("label.tif", pixels, **options | ({"mask": ~missing[0]} if "mask" in options else {}))
    scene = make_raster("scene.tif", np.ones((1, 20, 20), np.uint8))
    (found,) = find_scenes(MakeTiles(images=(scene,), labels=(label,), output="d"), recorder)
    source = LabelRasters({"scene": label}, read_classes((label,), recorder))
    with source.open(Sheet(found, found.grid, ["tile"], np.array([[0, 0, 20, 20]]))) as truth:
        read = truth.read(Window(2, 3, 15, 16))
    assert read.dtype == np.uint8
    assert np.array_equal(read, np.where(missing, 255, classes)[0, 3:19, 2:17])

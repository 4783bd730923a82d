"""Images that tiles are cut from."""

import shutil

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes

NAMES = ("red", "green", "blue", "nir")


@pytest.fixture
def pixels():
    return np.random.default_rng(2).integers(1, 99, (4, 20, 30)).astype(np.uint8)


@pytest.fixture
def find(recorder, tmp_path):
    def run(*images, report=recorder, **options):
        return find_scenes(MakeTiles(images=images, output=str(tmp_path / "out"), **options), report)

    return run


def test_scenes_say_what_they_are(find, make_raster, pixels):
    image = make_raster("a b#.tif", pixels, photometric="minisblack", names=NAMES)
    (scene,) = find(image, bands="nir, 2")
    assert (scene.name, scene.path, scene.bands, scene.band_names) == ("a_b_", image, (4, 2), ("nir", "green"))
    assert (scene.grid.height, scene.grid.width, scene.dtype) == (20, 30, "uint8")


def test_scenes_of_one_name_are_told_apart(find, make_raster, pixels, tmp_path):
    (tmp_path / "x").mkdir()
    images = [make_raster(name, pixels) for name in ("a.tif", "x/a.tif", "x/A.tif")]
    assert [scene.name for scene in find(*images)] == ["a", "a_2", "A_3"]


def test_images_of_a_folder_are_scenes(find, make_raster, pixels, tmp_path):
    (tmp_path / "in/x").mkdir(parents=True)
    make_raster("in/b.tif", pixels)
    make_raster("in/x/a.tif", pixels)
    shutil.copy(tmp_path / "in/b.tif", tmp_path / "in/c.png")
    assert [scene.name for scene in find(image_folder=str(tmp_path / "in"))] == ["b", "a"]


def test_the_data_type_of_the_chosen_bands_counts(find, make_raster, pixels):
    images = [make_raster("a.tif", pixels[:2]), make_raster("b.tif", pixels[:2].astype(np.float32))]
    with pytest.raises(InputError, match="differ in the data type"):
        find(*images)


def test_images_with_and_without_crs_do_not_mix(find, make_raster, pixels):
    with pytest.raises(InputError, match=r"b\.tif has no CRS, but other images have one"):
        find(make_raster("a.tif", pixels), make_raster("b.tif", pixels, crs=None))


def test_bands_that_an_image_lacks_are_named_with_it(find, make_raster, pixels):
    images = [make_raster(f"{count}.tif", pixels[:count], photometric="minisblack") for count in (4, 2)]
    with pytest.raises(RequestError, match=r"2\.tif: BANDS asks for '3'"):
        find(*images, bands="1,3")
    assert [scene.bands for scene in find(*images, bands="2,1")] == [(2, 1), (2, 1)]


def test_looking_can_be_cancelled(find, make_raster, pixels, make_recorder):
    with pytest.raises(Cancelled):
        find(make_raster("a.tif", pixels), report=make_recorder(lambda _: True))

"""Tiles that were kept, and those of them that are set aside."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.division import divide
from geoseg.geoseg_plugin.engine.datasets.tiling.layouts import lay_out
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.sheets import cut_sheets


@pytest.fixture
def divided(make_raster, recorder):
    """Divides the tiles of 64 pixels of an image, perhaps without data in its upper left corner."""

    def run(height, width, *, gap=0, splits=None, **options):
        image = np.ones((1, height, width), dtype=np.uint8)
        image[:, :gap, :gap] = 0
        path = make_raster("scene.tif", image, nodata=0)
        request = MakeTiles(images=[path], tile_size=64, output="nowhere", **{"overlap": 50, **options})
        sheets = lay_out(request, find_scenes(request, recorder), recorder)
        if splits is not None:
            sheets = [replace(sheet, splits=splits) for sheet in sheets]
        return divide(request, cut_sheets(request, sheets, None, recorder), recorder)

    return run


def test_whole_blocks_are_set_aside_and_no_pixel_is_in_both_sets(divided):
    tiles = divided(320, 640, validation=30)
    polygons, splits = tiles.footprints[:], tiles.table.splits
    learned, held_out = (shapely.union_all(polygons[splits == split]) for split in ("train", "validation"))
    assert learned.intersection(held_out).area == 0
    assert 0.15 < held_out.area / shapely.union_all(polygons).area < 0.45


def test_without_validation_all_are_for_training_and_those_left_out_have_no_footprint(divided):
    tiles = divided(128, 192, gap=64, overlap=0, validation=0)
    assert tiles.table.splits.tolist() == ["train"] * 5
    west, _, _, north = shapely.total_bounds(tiles.footprints[:])
    corners = (shapely.bounds(tiles.footprints[:])[:, [0, 3]] - (west, north)) / (32, -32)
    assert sorted(map(tuple, corners.tolist())) == [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert len(set(tiles.planes.tolist())) == 1


def test_the_splits_of_an_earlier_dataset_win(divided):
    given = np.array(["train", "test", "validation", "unused", "train", "test"], dtype=object)
    tiles = divided(128, 192, gap=64, splits=given, overlap=0, validation=50)
    assert tiles.table.splits.tolist() == given[1:].tolist()  # the first has no data


def test_an_image_that_is_a_single_tile_cannot_be_divided(divided):
    with pytest.raises(InputError, match=r"TILE_SIZE is 64, but .*scene\.tif has only 64 x 60 pixels") as caught:
        divided(60, 64, validation=20)
    assert "VALIDATION to 0" in caught.value.fix

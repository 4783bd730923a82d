"""A label layer in the CRS of images: placed once, and looked up where an image lies."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.labels.burner import Burner
from geoseg.geoseg_plugin.engine.labels.layer import read_label_layer
from geoseg.geoseg_plugin.engine.labels.placed_layer import PlacedLayer
from rasterio.crs import CRS
from rasterio.windows import Window

UTM = CRS.from_epsg(32633)
CORNER = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)


@pytest.fixture
def boxes(make_layer, recorder):
    """A layer of 50 x 50 boxes of 10 x 10 pixels, side by side, numbered row by row."""
    rows, cols = np.divmod(np.arange(2500), 50)
    shapes = [
        shapely.box(10 * col, 10 * row, 10 * col + 10, 10 * row + 10) for row, col in zip(rows, cols, strict=True)
    ]
    return read_label_layer(make_layer("boxes.gpkg", shapes, code=np.arange(1, 2501)), "code", 0, recorder)


@pytest.mark.parametrize("turn", [0, 30])
def test_what_is_near_a_grid_is_found_and_little_else(boxes, recorder, turn):
    grid = Grid(UTM, CORNER @ Affine.translation(101, 202) @ Affine.rotation(turn), 18, 27)
    placed = PlacedLayer(boxes, UTM, "image", recorder)
    near = placed.find_near(grid)
    burner = Burner(boxes, grid, "image", all_touched=True, report=recorder, placed=placed)
    label = burner.burn(Window(0, 0, 27, 18))
    assert set(np.unique(label)) - {0} <= set((placed.features[near] + 1).tolist())
    assert (label > 0).all()
    assert (np.diff(near) > 0).all()
    assert len(near) <= (20 if turn == 0 else 40)


def test_scenes_of_one_crs_share_a_layer(make_raster, make_layer, tmp_path, recorder):
    values = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64)
    scenes = tuple(make_raster(f"{name}.tif", values, crs=None) for name in "ab")
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 40, 40)], crs=None)
    request = MakeTiles(images=scenes, labels=(layer,), tile_size=32, validation=0, output=str(tmp_path / "d"))
    assert make_tiles(request, recorder).tile_count > 8
    assert sum("Neither" in text for text in recorder.warnings) == 1

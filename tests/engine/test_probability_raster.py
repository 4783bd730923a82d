"""Keeping probabilities, and reading them on another grid."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.results.probability_raster import ProbabilityRaster
from geoseg.geoseg_plugin.engine.prediction.windows.strips import Strip
from geoseg.geoseg_plugin.engine.raster import blocks, read_window
from geoseg.tests.engine.mapped import UTM, draw_probabilities
from rasterio.crs import CRS
from rasterio.windows import Window

HEIGHT, WIDTH = 60, 80


def keep(path, probabilities, valid, grid):
    raster = ProbabilityRaster(path, grid, len(probabilities))
    for left in (40, 0):
        part = slice(None), slice(left, left + 40)
        raster.write(Strip(Window(left, 0, 40, HEIGHT), probabilities[:, *part].copy(), valid[part]))
    return raster


def grids(transform, crs):
    return Grid(CRS.from_user_input(crs) if crs else None, transform, HEIGHT, WIDTH)


PLACES = {
    "north-up": grids(UTM.transform, "EPSG:32633"),
    "turned": grids(UTM.transform @ Affine.rotation(30), "EPSG:32633"),
    "south-up": grids(Affine(1e-5, 0, 10, 0, 1e-5, 50), "EPSG:4326"),
    "nowhere": grids(Affine.identity(), None),
}


def test_on_its_own_grid_it_comes_back_as_it_was(tmp_path):
    probabilities = draw_probabilities(HEIGHT, WIDTH, 6)
    valid = draw_probabilities(HEIGHT, WIDTH, seed=4)[0] < 0.5
    raster = keep(tmp_path / "kept.tif", probabilities, valid, PLACES["north-up"])
    with raster.read_on(PLACES["north-up"]) as placed:
        np.testing.assert_array_equal(placed.read(), np.where(valid, probabilities, np.nan))
    raster.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("factor", [4.0, 1.3, 0.5])
@pytest.mark.parametrize("place", PLACES)
def test_on_another_grid_a_slope_stays_where_it_is(tmp_path, place, factor):
    rows, cols = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    slope = (2 * cols + rows) / (2 * WIDTH + HEIGHT)
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[10:20, 10:30] = False
    own = PLACES[place]
    raster = keep(tmp_path / "kept.tif", np.stack([1 - slope, slope]).astype(np.float32), valid, own)
    other = Grid(own.crs, own.transform @ Affine.scale(1 / factor), round(HEIGHT * factor), round(WIDTH * factor))
    with raster.read_on(other) as placed:
        found = read_window(placed, Window(0, 0, other.width, other.height))
        for window in blocks(other.height, other.width, 23, 31):
            np.testing.assert_array_equal(read_window(placed, window), found[:, *window.toslices()])
    raster.remove()
    rows, cols = (np.mgrid[: other.height, : other.width] + 0.5) / factor
    wide = 1 if factor > 1 else 2 / factor  # where larger pixels are made of smaller ones
    near_gap = (abs(rows - 15) < 5 + wide) & (abs(cols - 20) < 10 + wide)
    inner = (abs(rows - HEIGHT / 2) < HEIGHT / 2 - wide) & (abs(cols - WIDTH / 2) < WIDTH / 2 - wide) & ~near_gap
    np.testing.assert_allclose(found[1][inner], ((2 * cols + rows) / (2 * WIDTH + HEIGHT))[inner], atol=1e-6)
    shown = ~np.isnan(found[0])
    np.testing.assert_allclose(found.sum(axis=0)[shown], 1, atol=1e-6)
    assert shown[inner].all()
    deep = (abs(rows - 15) < 3) & (abs(cols - 20) < 8)
    assert not shown[deep].any()

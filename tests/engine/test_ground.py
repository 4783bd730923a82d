"""Which tiles share ground."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.datasets.footprints import footprints, outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground, find_partners, inset, is_placed, number_planes
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS

UTM = CRS.from_epsg(32633)


def squares(corners, side):
    x, y = np.array(corners, dtype=float).T
    return shapely.box(x, y, x + side, y + side)


def test_planes_lie_side_by_side_in_pixels():
    tiles = shapely.box([100.0, 0.0, 100.0], [0.0, 0.0, 0.0], [110.0, 8.0, 110.0], [5.0, 5.0, 5.0])
    sizes = np.array([[20, 20], [20, 16], [20, 20]])
    laid = Ground.of(outlines_of(tiles), np.array([7, 3, 3]), sizes, pixel_size=(0.5, 0.25), gap=50)
    bounds = shapely.bounds(laid.shapes())
    assert np.allclose(bounds[:, 2:] - bounds[:, :2], [[20, 20], [16, 20], [20, 20]])
    assert np.allclose(laid.pixels, 1)
    assert shapely.distance(laid.shapes()[0], laid.shapes()[1:]).min() > 50
    assert np.isclose(shapely.distance(laid.shapes()[1], laid.shapes()[2]), 2 * (100 - 8))
    assert np.allclose(shapely.bounds(tiles[0]), [100, 0, 110, 5])


@pytest.mark.parametrize("side", [1, 64, 0.05])
def test_insets_are_a_tenth_of_a_pixel_of_the_tile_itself(side):
    tile = np.array([shapely.box(10, 20, 10 + 64 * side, 20 + 64 * side)])
    low, high = np.array([10, 20]), np.array([10, 20]) + 64 * side
    expected = [*(low + 0.1 * side), *(high - 0.1 * side)]
    assert np.allclose(shapely.bounds(inset(tile, np.array([[64, 64]])))[0], expected, rtol=0, atol=1e-9)


def test_insets_of_long_tiles_lose_no_more_than_a_tenth_of_a_pixel():
    tile = np.array([shapely.box(0, 0, 8, 64)])
    assert np.allclose(shapely.bounds(inset(tile, np.array([[64, 8]])))[0], [0.0125, 0.1, 7.9875, 63.9])


def test_turned_tiles_have_pixels_of_their_own_size():
    grid = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_000) @ Affine.rotation(30), 64, 64)
    laid = Ground.of(
        outlines_of(footprints([grid], UTM)), np.zeros(1, dtype=np.int64), np.array([[64, 64]]), pixel_size=(5, 5)
    )
    assert laid.pixels == pytest.approx(2)


def test_a_grid_is_placed_by_a_crs_or_by_more_than_an_offset():
    assert is_placed(Grid(UTM, Affine.identity(), 8, 8))
    assert is_placed(Grid(None, Affine(1, 0, 500_000, 0, -1, 5_000_000), 8, 8))
    assert not is_placed(Grid(None, Affine.identity(), 8, 8))
    assert not is_placed(Grid(None, Affine.translation(64, 32), 8, 8), (64, 32))


def test_scenes_that_are_not_placed_are_planes_of_their_own():
    placed = np.array([False, True, False, False, False])
    planes = number_planes(np.array(["a", "a", "b", "c", "c"], dtype=object), placed)
    assert planes[:2].tolist() == [0, 0]
    assert 0 != planes[2] != planes[3] == planes[4] != 0


def test_partners_are_tiles_of_other_sets_that_share_ground():
    tiles = inset(squares([(0, 0), (32, 0), (64, 0), (96, 0), (400, 0)], 64), np.full((5, 2), 64))
    partners = find_partners(tiles, np.array([0, 0, 1, -1, 2]))
    assert partners.tolist() == [-1, 2, 1, -1, -1]


def test_partners_are_those_of_all_pairs():
    rng = np.random.default_rng(0)
    tiles, sets = squares(rng.uniform(0, 4000, (5000, 2)), 64), rng.integers(-1, 4, 5000)
    one, other = shapely.STRtree(tiles).query(tiles, predicate="intersects")
    sharing = (sets[one] != sets[other]) & (sets[one] >= 0) & (sets[other] >= 0)
    partners = find_partners(tiles, sets)
    assert np.array_equal(np.flatnonzero(partners >= 0), np.unique(one[sharing]))
    known = partners >= 0
    assert shapely.intersects(tiles[known], tiles[partners[known]]).all()
    assert (sets[known] != sets[partners[known]]).all()


def test_cancelling_stops_the_search(make_recorder):
    with pytest.raises(Cancelled):
        find_partners(squares([(0, 0)], 64), np.zeros(1, dtype=np.int64), make_recorder(lambda one: True))

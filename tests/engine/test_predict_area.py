"""The part of an image that is to be mapped, on its own pixels and on others."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.scenes.area import Wish
from geoseg.geoseg_plugin.engine.prediction.scenes.pixel_sizes import scale_grid
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy import ndimage
from shapely import Point, box

GRID = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 80, 120)


@pytest.fixture
def wish(make_layer, recorder):
    """Wishes for an extent in pixels of GRID (left, top, right, bottom), and for polygons in pixels."""

    def make(extent=None, shapes=(), **options):
        if extent is not None:
            left, top, right, bottom = (
                500_000 + 0.5 * np.array(extent) * [1, 0, 1, 0] + [0, 1, 0, 1] * (4_500_000 - 0.5 * np.array(extent))
            )
            extent = f"{left},{right},{bottom},{top} [EPSG:32633]"
        area = make_layer("areas.gpkg", shapes, **options) if len(shapes) else None
        request = PredictSegmentation(input="image.tif", model="m.onnx", output="map.tif", extent=extent, area=area)
        return Wish(request, "image.tif", recorder)

    return make


def _whole(part, grid):
    return part.find(Window(0, 0, grid.width, grid.height))


def _is_part_by_part_what_it_is_as_a_whole(part, grid):
    whole = _whole(part, grid)
    for window in (Window(0, 0, 7, 9), Window(3, 5, grid.width - 3, 11), Window(grid.width - 9, grid.height - 9, 9, 9)):
        found = part.find(window)
        assert np.array_equal(
            np.ones((window.height, window.width)) if found is None else found, whole[window.toslices()]
        )
    return whole


def test_the_pixels_that_an_extent_touches(wish):
    part = wish((10.5, 3, 20.2, 9.9)).find_part(GRID)
    assert part.frame == Window(10, 3, 11, 7)
    assert _is_part_by_part_what_it_is_as_a_whole(part, GRID).sum() == 77


def test_pixels_whose_centres_lie_in_polygons(wish):
    part = wish(shapes=[Point(30, 40).buffer(12.3), box(100, 10, 104, 12)]).find_part(GRID)
    rows, cols = np.mgrid[:80, :120] + 0.5
    wanted = (rows - 40) ** 2 + (cols - 30) ** 2 < 12.25**2
    wanted[10:12, 100:104] = True
    found = _is_part_by_part_what_it_is_as_a_whole(part, GRID)
    assert np.count_nonzero(found != wanted) <= 4
    assert part.frame == Window(17, 10, 87, 43)


def test_polygons_count_within_the_extent_alone(wish):
    part = wish((25, 0, 60, 30), [box(0, 20, 100, 70)]).find_part(GRID)
    assert part.frame == Window(25, 20, 35, 10)
    assert _whole(part, GRID).sum() == 350


def test_what_lies_elsewhere_is_refused(wish):
    with pytest.raises(InputError, match=r"EXTENT does not overlap image\.tif: it covers x 500100 to 500150"):
        wish((200, 0, 300, 20)).find_part(GRID)
    with pytest.raises(InputError, match=r"covers x 500150 to 500200, .*; the raster is 120 x 80 pixels, EPSG:32633"):
        wish(shapes=[box(300, 0, 400, 20)]).find_part(GRID)


def test_polygons_between_all_centres_are_refused(wish):
    with pytest.raises(InputError, match=r"No pixel of image\.tif has its centre within the polygons of .*areas\.gpkg"):
        wish(shapes=[box(10.6, 10.6, 11.4, 11.4)]).find_part(GRID)


@pytest.mark.parametrize("steps", [(1 / 3, 1 / 3), (0.37, 0.5), (3.0, 3.0), (2.3, 4.7), (0.5, 2.0)])
def test_around_a_part_lies_all_that_interpolation_needs(wish, steps):
    one = wish((12.5, 3, 90, 70), [Point(30, 40).buffer(12.3), box(100, 10, 104, 12), box(5, 60, 40, 61)])
    part = one.find_part(GRID)
    grid = scale_grid(GRID, steps)
    around = one.find_around(part, grid, steps)
    found = _is_part_by_part_what_it_is_as_a_whole(around, grid)
    rows, cols = np.nonzero(_whole(part, GRID))
    centres = np.zeros_like(found)
    centres[((rows + 0.5) / steps[1]).astype(int), ((cols + 0.5) / steps[0]).astype(int)] = True
    # Cubic interpolation takes 2 pixels on each side, of the larger ones.
    reach = [int(np.ceil(2 * max(1, 1 / step))) for step in reversed(steps)]
    needed = ndimage.maximum_filter(centres, size=[2 * one + 1 for one in reach])
    assert found[needed].all()
    assert found.sum() < 3.5 * max(needed.sum(), 60)


def test_around_an_extent(wish):
    one = wish((10, 20, 40, 50))
    around = one.find_around(one.find_part(GRID), scale_grid(GRID, (2.0, 2.0)), (2.0, 2.0))
    assert around.frame == Window(2, 7, 21, 21)
    assert around.find_inside is None

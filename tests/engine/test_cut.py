"""The part of a raster that a rectangle and polygons leave."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.fields import Extent
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.cut import find_cut
from geoseg.geoseg_plugin.engine.imagery.cutout import Outline
from geoseg.geoseg_plugin.engine.labels.layer import read_areas
from rasterio.crs import CRS
from rasterio.windows import Window
from shapely import box

UTM = CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 40, 60)


def _outline(cols, rows):
    left, top = GRID.transform @ (cols[0], rows[0])
    right, bottom = GRID.transform @ (cols[1], rows[1])
    return Outline.of_extent(Extent(left, right, bottom, top), UTM)


@pytest.fixture
def cut(make_layer, recorder):
    """Cuts GRID to columns and rows of an outline, and to polygons in pixels."""

    def run(outline=None, shapes=()):
        areas = read_areas(make_layer("areas.gpkg", shapes), recorder) if shapes else None
        return find_cut(GRID, "image.tif", outline and _outline(*outline), areas, recorder)

    return run


def test_without_anything_it_is_the_whole(cut):
    found = cut()
    assert (found.place, found.grid) == (Window(0, 0, 60, 40), GRID)
    assert found.find_inside(found.place) is None


def test_an_outline_takes_the_pixels_it_touches(cut):
    found = cut(((3.5, 20.5), (2, 10)))
    assert found.place == Window(3, 2, 18, 8)
    assert found.grid == GRID.part(Window(3, 2, 18, 8))


def test_polygons_within_an_outline(cut):
    found = cut(((10, 60), (5, 40)), [box(0, 0, 20, 12), box(2, 2, 4, 4)])
    assert found.place == Window(10, 5, 10, 7)
    assert found.grid.offset_of(GRID) == (-10, -5)
    assert found.find_inside(Window(0, 0, 10, 7)).all()


def test_centres_decide(cut):
    found = cut(shapes=[box(2.4, 3.6, 6.6, 8.4)])
    assert found.place == Window(2, 3, 5, 6)
    wanted = np.zeros((6, 5), np.bool_)
    wanted[1:5] = True
    assert np.array_equal(found.find_inside(Window(0, 0, 5, 6)), wanted)
    assert np.array_equal(found.find_inside(Window(1, 2, 3, 4)), wanted[2:, 1:4])


@pytest.mark.parametrize(("outline", "shapes", "message"), [
    (((70, 80), (0, 9)), (), r"EXTENT does not overlap image\.tif: it covers x 500035 .*; the raster is 60 x 40"),
    (None, [box(70, 0, 80, 9)], r"No feature of .*areas\.gpkg lies on image\.tif"),
    (((0, 9), (0, 9)), [box(20, 20, 30, 30)], r"lies on the part of image\.tif that EXTENT covers"),
    (None, [box(60, 0, 80, 9)], r"areas\.gpkg only touches image\.tif"),
])  # fmt: skip
def test_what_lies_elsewhere_is_refused(cut, outline, shapes, message):
    with pytest.raises(InputError, match=message):
        cut(outline, shapes)

"""The grid of a mosaic, and where rasters lie on it."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.mosaicking.frame import choose_grid, place_sources
from geoseg.geoseg_plugin.engine.imagery.mosaicking.sources import Source
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

UTM = CRS.from_epsg(32633)


def source(col=0.0, row=0.0, size=0.5, width=40, height=30, crs=UTM):
    transform = Affine(size, 0, 500_000 + 0.5 * col, 0, -size, 5_000_000 - 0.5 * row)
    return Source("a.tif", Grid(crs, transform, height, width), ("uint8",), (1,))


@pytest.fixture
def choose(recorder):
    def run(*sources, **options):
        return choose_grid(MosaicRasters(inputs=("a.tif",), output="out.tif", **options), sources, recorder)

    return run


def test_the_first_raster_gives_the_grid(choose):
    grid = choose(source(), source(100.3, -20.3, 0.7))
    assert grid.offset_of(source().grid) == (0, 21)
    assert grid.pixel_size == (0.5, 0.5)
    assert (grid.width, grid.height) == (157, 51)


@pytest.mark.parametrize(("size", "said"), [(50, "more than the whole mosaic, which is 20 x 15"), (1e-6, "thousand m")])
def test_an_absurd_pixel_size_is_refused(choose, size, said):
    with pytest.raises(InputError, match=said):
        choose(source(), pixel_size=size)


def test_slivers_add_no_pixels(choose):
    grid = choose(source(), source(40.004, 30.004))
    assert (grid.width, grid.height) == (80, 60)


def test_pixel_size_keeps_the_first_corner(choose):
    grid = choose(source(), source(-3, 0), pixel_size=2)
    assert grid.transform == Affine(2, 0, 499_998, 0, -2, 5_000_000)
    assert (grid.width, grid.height) == (11, 8)


def test_another_crs_lies_at_multiples_of_the_pixel_size(choose):
    grid = choose(source(), source(40, 0), crs="EPSG:3857", pixel_size=0.7)
    assert grid.crs.to_epsg() == 3857
    assert (grid.transform.c / 0.7, grid.transform.f / 0.7) == (
        pytest.approx(round(grid.transform.c / 0.7), abs=1e-4),
        pytest.approx(round(grid.transform.f / 0.7), abs=1e-4),
    )
    bounds = transform_bounds(UTM, "EPSG:3857", 500_000, 4_999_985, 500_040, 5_000_000, densify_pts=64)
    assert np.allclose(grid.bounds, bounds, atol=0.71)
    inside = np.array(grid.bounds) - bounds
    assert (inside[:2] <= 0.01).all()
    assert (inside[2:] >= -0.01).all()


def test_an_extent_grows_to_whole_pixels(choose):
    grid = choose(source(), extent="500001.1,500009.9,4999990.1,4999999.9")
    assert grid.bounds == (500_001, 4_999_990, 500_010, 5_000_000)


def test_an_extent_needs_what_the_rasters_have(choose):
    with pytest.raises(InputError, match="rasters have none"):
        choose(source(crs=None), extent="0,1,0,1 [EPSG:4326]")
    with pytest.raises(InputError, match="rasters have no CRS"):
        choose(source(crs=None), crs="EPSG:4326")


def test_rasters_far_apart_are_refused_with_the_figures(choose):
    with pytest.raises(InputError, match=r"40000040 x 40000030 pixels \(1600003 thousand million\), .* to 0\.00%"):
        choose(source(), source(40_000_000, 40_000_000))
    assert choose(source(), source(40_000_000, 40_000_000), extent="500000,520000,4980000,5000000").width == 40_000


def place(recorder, sources, grid):
    return place_sources(sources, grid, recorder)


def test_places_of_rasters(recorder):
    grid = source().grid
    sources = [
        source(), source(5, -3), source(4.5, 0), source(0, 0, 0.7), source(4000, 0),
        Source("b.tif", Grid(CRS.from_epsg(4326), Affine(5e-6, 0, 15.0, 0, -5e-6, 45.1535), 40, 40), ("uint8",), (1,)),
    ]  # fmt: skip
    placed = place(recorder, sources, grid)
    assert [one.is_direct for one in placed] == [True, True, False, False, False]
    assert [(one.window.col_off, one.window.row_off) for one in placed[:2]] == [(0, 0), (5, -3)]
    left = placed[2].window
    assert left.col_off <= 4.5 < 44.5 <= left.col_off + left.width
    assert recorder.notes == [
        "1 of 6 rasters lie outside the mosaic: a.tif.",
        "3 of 5 rasters are resampled to the mosaic's grid: 1 in another CRS, 1 with another pixel size, "
        "1 shifted by part of a pixel.",
    ]


def test_nothing_on_the_grid(recorder):
    with pytest.raises(InputError, match="No raster lies on the grid"):
        place(recorder, [source(4000, 0)], source().grid)


def test_without_crs_nothing_is_resampled(recorder):
    with pytest.raises(InputError, match="cannot be resampled"):
        place(recorder, [source(0.5, 0, crs=None)], source(crs=None).grid)
    with pytest.raises(InputError, match="has no CRS"):
        place(recorder, [source(crs=None)], source().grid)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_rasters_across_the_antimeridian_are_refused_where_they_would_fall_apart(choose, crs):
    across = Grid(CRS.from_epsg(32660), Affine(1000, 0, 824_000, 0, -1000, 20_000), 20, 20)
    across = Source("across.tif", across, ("uint8",), (1,))
    with pytest.raises(InputError, match=rf"across\.tif lies across the line at which {crs} begins") as caught:
        choose(across, crs=crs, pixel_size=0.01 if crs == "EPSG:4326" else 1000)
    assert "UTM" in caught.value.fix
    assert choose(across, crs="EPSG:32601", pixel_size=1000).width < 30
    world = Grid(CRS.from_epsg(4326), Affine(1, 0, -180, 0, -1, 80), 160, 360)
    grid = choose(Source("world.tif", world, ("uint8",), (1,)), crs="EPSG:3857", pixel_size=100_000)
    assert grid.width in (401, 402)

"""Every odd raster through the stages that prepare images: the right pixels, or an error that names the file."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.stages.bands import RescaleImage, StackBands
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster, MosaicRasters
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.run import run
from geoseg.tests.engine.test_odd_raster import EXPECTED, check
from rasterio.enums import ColorInterp
from rasterio.windows import Window


@pytest.fixture
def odd(data):
    return data / "odd_raster"


def read_image(source):
    """All bands but alpha: their numbers, their values, and where these are known."""
    bands = [band for band in source.indexes if source.colorinterp[band - 1] != ColorInterp.alpha]
    values = source.read(bands)
    return bands, values, (source.read_masks(bands) > 0) & np.isfinite(values)


def middle(path):
    """The middle quarter of a raster: its window, and its extent in map units; a guess where it cannot be opened."""
    try:
        with rasterio.open(path) as dataset:
            grid = Grid.of(dataset)
    except rasterio.errors.RasterioError:
        return None, "0,1,0,1"
    window = Window(grid.width // 4, grid.height // 4, max(1, grid.width // 2), max(1, grid.height // 2))
    left, bottom, right, top = grid.part(window).bounds
    return window, f"{left!r},{right!r},{bottom!r},{top!r}"


@pytest.mark.parametrize("name", EXPECTED)
def test_clip(name, odd, tmp_path, recorder):
    path = str(odd / name)
    window, extent = middle(path)
    request = ClipRaster(input=path, extent=extent, output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].clip, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(path) as source, rasterio.open(result.output) as clipped:
        if source.transform.is_rectilinear:
            assert Grid.of(clipped).is_same(Grid.of(source).part(window))
        col, row = ~source.transform @ (clipped.transform.c, clipped.transform.f)
        there = Window(round(col), round(row), clipped.width, clipped.height)
        assert np.array_equal(clipped.read(), source.read(window=there), equal_nan=source.dtypes[0].startswith("f"))
        assert np.array_equal(clipped.dataset_mask(), source.dataset_mask(window=there))
        assert (clipped.dtypes, clipped.colorinterp) == (source.dtypes, source.colorinterp)
        assert clipped.nodata == source.nodata or np.isnan([clipped.nodata, source.nodata]).all()


@pytest.mark.parametrize("name", EXPECTED)
def test_stack(name, odd, tmp_path, recorder):
    path = str(odd / name)
    request = StackBands(inputs=[path], zero_nodata=False, output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].stack, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(path) as source, rasterio.open(result.output) as made:
        bands, values, known = read_image(source)
        assert Grid.of(made).is_same(Grid.of(source))
        assert made.dtypes == tuple(source.dtypes[band - 1] for band in bands)
        assert made.colorinterp == tuple(source.colorinterp[band - 1] for band in bands)
        assert np.array_equal(made.read()[known], values[known])
        assert np.array_equal(made.read_masks() > 0, known)


@pytest.mark.parametrize("name", EXPECTED)
def test_mosaic(name, odd, tmp_path, recorder):
    path = str(odd / name)
    request = MosaicRasters(inputs=[path, path], output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].mosaic, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(path) as source, rasterio.open(result.output) as made:
        grid, there = Grid.of(made), Grid.of(source)
        _, values, known = read_image(source)
        _, found, shown = read_image(made)
    if not grid.is_same(there):
        row, col, inside = look_up(grid, there)
        values, known, found, shown = values[:, row, col], known[:, row, col], found[:, inside], shown[:, inside]
    least = 1 if there.transform.is_rectilinear else 0.99
    assert found.shape == values.shape
    assert ((found == values) | ~known).mean() >= least
    assert (shown == known).mean() >= least


def look_up(grid, there):
    """The rows and columns of another grid's pixels below the centres of a grid's; and where there are such."""
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    col, row = (np.floor(one).astype(int) for one in ~there.transform @ grid.transform @ (cols, rows))
    inside = (col >= 0) & (col < there.width) & (row >= 0) & (row < there.height)
    return row[inside], col[inside], inside


@pytest.mark.parametrize("name", EXPECTED)
def test_rescale(name, odd, tmp_path, recorder):
    path = str(odd / name)
    request = RescaleImage(input=path, output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].rescale, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(path) as source, rasterio.open(result.output) as made:
        assert Grid.of(made).is_same(Grid.of(source))
        assert made.colorinterp == source.colorinterp
        bands, values, known = read_image(source)
        rescaled, shown = made.read(bands), made.dataset_mask() > 0
    if values.dtype.kind != "f":
        known[:] = known.any(axis=0)
    assert np.array_equal(shown, known.all(axis=0))
    for band, truth, there in zip(rescaled, values.astype(np.float64), known, strict=True):
        low, high = np.percentile(truth[there], (2, 98))
        scaled = np.clip((truth[shown] - low) / (high - low), 0, 1) if high > low else truth[shown] > low
        assert np.array_equal(band[shown], np.rint(255 * scaled))

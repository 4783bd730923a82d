"""Every odd raster through the stages that prepare images: the right pixels, or an error that names the file."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.stages.bands import RescaleImage
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.run import run
from geoseg.tests.engine.test_odd_raster import EXPECTED, check
from rasterio.enums import ColorInterp
from rasterio.windows import Window


@pytest.fixture
def odd(data):
    return data / "odd_raster"


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
        is_image = np.array([meaning != ColorInterp.alpha for meaning in source.colorinterp])
        values, known = source.read()[is_image], source.read_masks()[is_image] > 0
        rescaled, shown = made.read()[is_image], made.dataset_mask() > 0
    known = known & np.isfinite(values) if values.dtype.kind == "f" else known.any(axis=0) & np.ones_like(known)
    assert np.array_equal(shown, known.all(axis=0))
    for band, truth, there in zip(rescaled, values.astype(np.float64), known, strict=True):
        low, high = np.percentile(truth[there], (2, 98))
        scaled = np.clip((truth[shown] - low) / (high - low), 0, 1) if high > low else truth[shown] > low
        assert np.array_equal(band[shown], np.rint(255 * scaled))

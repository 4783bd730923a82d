"""Maps of known probabilities, written as predictions are."""

import itertools
from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.results.results import open_results
from geoseg.geoseg_plugin.engine.prediction.windows.strips import Strip
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from rasterio.crs import CRS
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

UTM = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 0, 0)


def draw_probabilities(height, width, classes=3, seed=0, blur=3.0):
    """Return probabilities (K, H, W) float32 of a landscape with areas of each class."""
    logits = np.random.default_rng(seed).normal(size=(classes, height, width))
    logits = np.exp(8 * gaussian_filter(logits, (0, blur, blur)))
    return (logits / logits.sum(axis=0)).astype(np.float32)


def make_scene(grid, result_grid=None, shown=None):
    """Return what results need of a scene: `shown` (H, W) tells which pixels of its result grid have data."""
    return SimpleNamespace(
        grid=grid, frame=Window(0, 0, grid.width, grid.height), result_grid=result_grid or grid,
        read_shown=lambda window: shown[window.toslices()],
    )  # fmt: skip


def write_map(
    folder, values, valid=None, report=None, *, grid=UTM, result_grid=None, shown=None, card=None, rows=256,
    cols=None, whole_rows=True, **options,
):  # fmt: skip
    """Write what a prediction with probabilities `values` (K, H, W) writes; `options` are of its request.

    Files are named by their parameters, such as folder / "entropy.tif", where an option says True.

    Returns:
        The results.
    """
    count, height, width = values.shape
    grid = Grid(grid.crs, grid.transform, height, width)
    card = card or make_card(classes={number: f"class {number}" for number in range(count)})
    folder.mkdir(exist_ok=True)
    model = folder.parent / "model.onnx"
    model.write_bytes(b"model")
    suffixes = {"polygons": ".gpkg", "picture": ".png", "array": ".npy"}
    paths = {
        name: str(folder / f"{name}{suffixes.get(name, '.tif')}") for name, value in options.items() if value is True
    }
    output = str(folder / "classes.tif")
    request = PredictSegmentation(input="image.tif", model=str(model), **{"output": output, **options, **paths})
    valid = np.ones((height, width), bool) if valid is None else valid
    cols = cols or width
    with ExitStack() as stack:
        results = open_results(
            request, make_scene(grid, result_grid, shown), card, stack, report or Listener(), whole_rows=whole_rows
        )
        # Regions from left to right, each from top to bottom.
        for left, top in itertools.product(range(0, width, cols), range(0, height, rows)):
            part = slice(top, top + rows), slice(left, left + cols)
            strip = values[:, *part].copy()
            window = Window(left, top, strip.shape[2], strip.shape[1])
            results.write(Strip(window, strip, valid[part].copy()))
        results.finish(report or Listener())
    return results

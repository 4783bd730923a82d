"""Predictions of small scenes whose results can be compared."""

from pathlib import Path

import numpy as np
import pyogrio
import rasterio
import shapely
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.rasters import write_raster
from scipy.ndimage import gaussian_filter

RESULTS = {"probabilities": "p.tif", "confidence": "c.tif", "polygons": "areas.gpkg", "picture": "map.png"}


def write_scene(folder, shape=(1300, 300), seed=0):
    """Write a scene with a gap, and a model that answers it pixel by pixel; return their paths."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(3, *shape)), (0, 8, 8))
    image = (noise / noise.std() * 50 + 120).clip(1, 254).astype(np.uint8)
    image[:, 100:420, 40:200] = 0
    model = write_pixelwise(folder / "model.onnx", make_card(), [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2])
    return write_raster(folder / "image.tif", image, nodata=0), model


def ask(scene, folder, **options):
    """Return a request for all kinds of results of a scene."""
    results = {name: str(folder / file) for name, file in RESULTS.items()}
    values = {
        "input": scene[0],
        "model": scene[1],
        "output": str(folder / "map.tif"),
        "tile_size": 128,
        **results,
        **options,
    }
    return PredictSegmentation(**values)


def read_results(folder):
    """Return the pixels of all rasters, and the polygons, of a folder, by name; the order of polygons is no matter."""
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix in (".tif", ".png"):
            with rasterio.open(path) as dataset:
                found[path.name] = dataset.read().tobytes()
        elif path.suffix == ".gpkg":
            _, _, shapes, columns = pyogrio.raw.read(path)
            texts = shapely.to_wkt(shapely.normalize(shapely.from_wkb(shapes)), rounding_precision=-1)
            found[path.name] = sorted(zip(texts, *(column.tolist() for column in columns), strict=True))
        else:
            found[path.name] = None
    return found

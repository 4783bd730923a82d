"""The labels part of the bench: burning polygons beside gdal_rasterize, and what further results cost."""

import shutil
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from bench_imagery import CORNER, ENGINE, LARGE, PIXEL_M, Figures, call, check_equal, race
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.raster import geotiff_profile
from geoseg.geoseg_plugin.engine.run import run
from geoseg.geoseg_plugin.engine.vector import write_features
from rasterio.crs import CRS

POLYGONS, CLASSES = 20_000, 5
UTM = CRS.from_epsg(32645)
# Outline of a house in its own axes; sides of houses in pixels.
HOUSE = np.array([(-1, -1), (1, -1), (1, 0.2), (0.1, 0.2), (0.1, 1), (-1, 1), (-1, -1)]) / 2
SIDES = (8, 50)
SETTINGS = ["-co", "TILED=YES", "-co", "COMPRESS=DEFLATE", "-co", "PREDICTOR=2", "-co", "BIGTIFF=IF_SAFER"]


def measure_labels(figures: Figures, folder: Path, report: Report) -> None:
    """Polygons of a GeoPackage on a large grid, against gdal_rasterize and with further results."""
    layer, like = draw_houses(folder / "houses.gpkg"), draw_grid(folder / "grid.tif")
    if shutil.which("gdal_rasterize"):
        measure_burning(figures, folder, layer, like, report)
    else:
        print("The GDAL commands are not installed: nothing to compare rasterizing with.")
    measure_results(figures, folder, layer, like, report)


def measure_burning(figures: Figures, folder: Path, layer: str, like: str, report: Report) -> None:
    """Burn in the running engine, with the start of its process, and with gdal_rasterize, which starts anew too."""
    ours, whole, theirs = folder / "labels.tif", folder / "process.tif", folder / "gdal.tif"
    right, bottom = CORNER[0] + PIXEL_M * LARGE, CORNER[1] - PIXEL_M * LARGE
    gdal = [
        "gdal_rasterize", "-q", "-a", "code", "-init", 0, "-a_nodata", 255, "-te", CORNER[0], bottom, right, CORNER[1],
        "-ts", LARGE, LARGE, "-ot", "Byte", *SETTINGS, layer, theirs,
    ]  # fmt: skip
    process = [*ENGINE, "rasterize-labels", "--labels", layer, "--field", "code", "--like", like, "--output", whole]
    times = race(
        {
            ours: lambda: run(RasterizeLabels(labels=layer, field="code", like=like, output=str(ours)), report),
            whole: lambda: call(process),
            theirs: lambda: call(gdal),
        }
    )
    check_equal(theirs, ours, whole)
    figures.add("rasterize / gdal_rasterize", times[ours], times[theirs])
    figures.add("rasterize with start / gdal", times[whole], times[theirs])


def measure_results(figures: Figures, folder: Path, layer: str, like: str, report: Report) -> None:
    """What instances and weights cost beside labels alone."""
    plain, numbered, weighted = (folder / f"{name}.tif" for name in ("plain", "numbered", "weighted"))

    def burn(path: Path, **results: str) -> None:
        run(RasterizeLabels(labels=layer, field="code", like=like, output=str(path), **results), report)

    times = race(
        {
            plain: lambda: burn(plain),
            numbered: lambda: burn(numbered, instances=str(folder / "instances.tif")),
            weighted: lambda: burn(weighted, weights=str(folder / "weights.tif")),
        },
        repeats=1,
    )
    check_equal(plain, numbered, weighted)
    figures.add("rasterize with instances / without", times[numbered], times[plain])
    figures.add("rasterize with weights / without", times[weighted], times[plain])


def draw_houses(path: Path) -> str:
    """Write houses of all sizes and directions, some of which overlap, each of one of five classes."""
    random = np.random.default_rng(0)
    sides, angles = random.uniform(*SIDES, (POLYGONS, 1, 2)), random.uniform(0, np.pi, POLYGONS)
    turned = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    pixels = np.einsum("xyn,npy->npx", turned, HOUSE * sides) + random.uniform(0, LARGE, (POLYGONS, 1, 2))
    codes = random.integers(1, CLASSES + 1, POLYGONS)
    outlines = shapely.polygons(CORNER + pixels * [PIXEL_M, -PIXEL_M])
    write_features(path, outlines, {"code": codes}, UTM, geometry_type="Polygon")
    return str(path)


def draw_grid(path: Path) -> str:
    """Write an image of one band, which has data everywhere and so need not be read."""
    transform = Affine(PIXEL_M, 0, CORNER[0], 0, -PIXEL_M, CORNER[1])
    profile = geotiff_profile("uint8", LARGE, LARGE, 1)
    rasterio.open(path, "w", crs=UTM, transform=transform, **profile).close()
    return str(path)

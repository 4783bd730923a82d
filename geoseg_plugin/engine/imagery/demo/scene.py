"""The stage that draws a synthetic scene and writes the land cover that it was drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from ....contract.classes import ClassTable
from ....contract.events import Part, Report, stop_if_cancelled
from ....contract.stages.imagery import DemoScene, DemoSceneResult
from ...grid import Grid
from ...output import whole_file
from ...provenance import request_tags
from ...raster import blocks, geotiff_profile
from ...style import write_polygon_style
from ...vector import reproject, write_features
from .landscape import Landscape, plan_landscape
from .painting import BANDS, Painter

CLASSES = ClassTable.named({1: "field", 2: "water", 3: "road", 4: "tree", 5: "building"})
PIXEL_SIZE_M = 0.5
_CRS = CRS.from_epsg(32633)
_LABEL_CRS = CRS.from_epsg(4326)
_LEFT_M, _TOP_M = 463_000.0, 5_427_000.0
_BLOCK = 1024


def draw_demo_scene(request: DemoScene, report: Report) -> DemoSceneResult:
    """Draw a scene and write it with its land cover.

    Raises:
        Cancelled: The user has asked to stop.
        OutputError: A result cannot be written.
    """
    grid = Grid(
        _CRS, Affine(PIXEL_SIZE_M, 0, _LEFT_M, 0, -PIXEL_SIZE_M, _TOP_M), height=request.size, width=request.size
    )
    landscape = plan_landscape(request.size, np.random.default_rng([request.seed, 0]), Part(report, 0.01, 0.15))
    stop_if_cancelled(report)
    report.progress(0.15, "Preparing to paint")
    painter = Painter(landscape, request.seed)
    with whole_file(request.output, report) as output, whole_file(request.labels, report) as labels:
        _write_image(output, grid, painter, request_tags(request), report)
        report.progress(0.95, "Writing land cover")
        _write_land_cover(labels, grid, landscape)
    report.note(f"{len(landscape.buildings)} buildings, {len(landscape.trees)} trees, {len(landscape.parcels)} fields.")
    return DemoSceneResult(output=request.output, labels=request.labels)


def _write_image(path: Path, grid: Grid, painter: Painter, tags: dict[str, str], report: Report) -> None:
    profile = geotiff_profile("uint16", grid.height, grid.width, len(BANDS))
    with rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, **profile) as image:
        image.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
        image.update_tags(**tags)
        for number, name in enumerate(BANDS, start=1):
            image.set_band_description(number, name)
        done = 0
        for window in blocks(grid.height, grid.width, _BLOCK, _BLOCK):
            stop_if_cancelled(report)
            image.write(painter.paint(window), window=window)
            done += window.width * window.height
            report.progress(0.2 + 0.75 * done / (grid.width * grid.height), "Painting")


def _write_land_cover(path: Path, grid: Grid, landscape: Landscape) -> None:
    """Write all polygons in the order in which they were drawn, cut to the scene."""
    kinds: tuple[tuple[str, Any], ...] = (
        ("field", [parcel.outline for parcel in landscape.parcels]),
        ("water", landscape.water),
        ("road", [road.outline for road in landscape.roads]),
        ("tree", landscape.trees),
        ("building", [building.outline for building in landscape.buildings]),
    )
    value_of = dict(zip(CLASSES.names, CLASSES.values, strict=True))
    scene = shapely.box(0, 0, grid.width, grid.height)
    polygons, names = [], []
    for name, outlines in kinds:
        parts = shapely.get_parts(shapely.intersection(np.asarray(outlines, dtype=object), scene))
        parts = parts[(shapely.get_dimensions(parts) == 2) & ~shapely.is_empty(parts)]
        polygons.append(parts)
        names += [name] * len(parts)
    on_ground = shapely.transform(np.concatenate(polygons), lambda points: _to_map(points, grid))
    columns = {
        "class": np.array(names, dtype=object),
        "class_id": np.array([value_of[name] for name in names], dtype=np.int32),
    }
    write_features(path, reproject(on_ground, grid.crs, _LABEL_CRS), columns, _LABEL_CRS, geometry_type="Polygon")
    write_polygon_style(path, CLASSES, "class", by_name=True)


def _to_map(points: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    return np.column_stack(grid.transform @ (points[:, 0], points[:, 1]))

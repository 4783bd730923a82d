"""The images that tiles are cut from: what they share, and which label belongs to which."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...grid import Grid
from ...raster import band_names, image_bands, open_raster
from ...sampling import warn_of_odd_alpha


@dataclass(frozen=True)
class Scene:
    """One image: its name in the dataset, where it lies, its grid, bands (numbers and names) and data type."""

    name: str
    path: str
    grid: Grid
    bands: tuple[int, ...]
    band_names: tuple[str, ...]
    dtype: str


def find_scenes(request: MakeTiles, report: Report) -> tuple[Scene, ...]:
    """Return the images that tiles are cut from.

    Raises:
        InputError: See `read_scenes`.
    """
    return read_scenes(request.images, report)


def read_scenes(paths: Sequence[str], report: Report) -> tuple[Scene, ...]:
    """Look at all images.

    Raises:
        InputError: One cannot be read or is given twice, or they differ in their number of bands, in data type, or in
            having a CRS.
    """
    _check_distinct(paths)
    scenes: list[Scene] = []
    taken: set[str] = set()
    for path in paths:
        with open_raster(path) as dataset:
            warn_of_odd_alpha(dataset, report)
            scenes.append(_describe(dataset, path, _unique_name(path, taken)))
    first = scenes[0]
    for scene in scenes[1:]:
        _check_alike(first, scene, report)
    return tuple(scenes)


def match_labels(scenes: Sequence[Scene], labels: Sequence[str]) -> dict[str, str]:
    """Return the label raster of every scene, by scene name: the one on the same grid, or also with the same stem.

    Raises:
        InputError: A label raster cannot be read, or a scene has none, or several that fit equally well.
    """
    grids = {}
    for path in labels:
        with open_raster(path) as dataset:
            grids[path] = Grid.of(dataset)
    matched = {}
    for scene in scenes:
        fitting = [path for path, grid in grids.items() if grid.is_same(scene.grid)]
        if len(fitting) > 1:
            fitting = [path for path in fitting if _stem(path) == _stem(scene.path)] or fitting
        if not fitting:
            described = "; ".join(f"{path} is {grid.describe()}" for path, grid in list(grids.items())[:3])
            raise InputError(
                f"No label raster has the grid of {scene.path}, {scene.grid.describe()}: {described}.",
                "Make the labels with 'Rasterize labels' and this image, or clip them to its grid.",
            )
        if len(fitting) > 1:
            raise InputError(
                f"{len(fitting)} label rasters have the grid of {scene.path}: {', '.join(fitting[:3])}.",
                "Give the right one the name of the image.",
            )
        matched[scene.name] = fitting[0]
    return matched


def _check_distinct(paths: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            what = "is given twice" if seen[real] == path else f"is the same file as {seen[real]}"
            raise InputError(f"The image {path} {what}.", "Give every image once.")
        seen[real] = path


def _describe(dataset: DatasetReader, path: str, name: str) -> Scene:
    bands = image_bands(dataset)
    dtype = str(np.result_type(*(dataset.dtypes[band - 1] for band in bands)))
    return Scene(name, path, Grid.of(dataset), bands, band_names(dataset, bands), dtype)


def _check_alike(first: Scene, scene: Scene, report: Report) -> None:
    for what, one, other in (
        ("bands", len(first.bands), len(scene.bands)),
        ("the data type", first.dtype, scene.dtype),
    ):
        if one != other:
            raise InputError(
                f"The images differ in {what}: {first.path} has {one}, {scene.path} has {other}.",
                "Make tiles of images of one kind only.",
            )
    if (first.grid.crs is None) != (scene.grid.crs is None):
        without = first if first.grid.crs is None else scene
        raise InputError(f"{without.path} has no CRS, but other images have one.", "Give it its CRS first.")
    if first.band_names != scene.band_names:
        report.warn(
            f"The bands of {scene.path} are named {', '.join(scene.band_names)}, those of {first.path} "
            f"{', '.join(first.band_names)}: they are taken to be the same, in this order."
        )


def _unique_name(path: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.-]", "_", _stem(path)) or "scene"
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.casefold())
    return name


def _stem(path: str) -> str:
    return Path(path).stem

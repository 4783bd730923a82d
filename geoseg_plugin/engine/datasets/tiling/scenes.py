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
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.datasets import MakeTiles
from ...grid import Grid
from ...imagery.stacking.band_choice import InputBand
from ...raster import open_raster
from ...sampling import warn_of_odd_alpha
from .folders import find_images
from .scene_bands import find_bands, find_bands_like


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
    """Look at the images that tiles are cut from: IMAGES, or those of IMAGE_FOLDER.

    Raises:
        InputError: One cannot be read or is given twice, none is found, or they differ in their number of bands, in
            data type, or in having a CRS.
        RequestError: A band of BANDS does not exist.
    """
    paths = request.images or find_images(request)
    _check_distinct(paths)
    scenes: list[Scene] = []
    taken: set[str] = set()
    first: tuple[InputBand, ...] = ()
    for path in paths:
        stop_if_cancelled(report)
        with open_raster(path) as dataset:
            warn_of_odd_alpha(dataset, report)
            if not first:
                first = bands = find_bands(dataset, request.bands)
            else:
                bands = find_bands_like(dataset, request.bands, first, paths[0], report)
            scenes.append(_describe(dataset, path, _unique_name(path, taken), bands))
        _check_alike(scenes[0], scenes[-1])
    return tuple(scenes)


def _check_distinct(paths: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            what = "is given twice" if seen[real] == path else f"is the same file as {seen[real]}"
            raise InputError(f"The image {path} {what}.", "Give every image once.")
        seen[real] = path


def _describe(dataset: DatasetReader, path: str, name: str, bands: Sequence[InputBand]) -> Scene:
    numbers = tuple(band.number for band in bands)
    dtype = str(np.result_type(*(dataset.dtypes[number - 1] for number in numbers)))
    return Scene(name, path, Grid.of(dataset), numbers, tuple(band.name for band in bands), dtype)


def _check_alike(first: Scene, scene: Scene) -> None:
    if first.dtype != scene.dtype:
        raise InputError(
            f"The images differ in the data type: {first.path} has {first.dtype}, {scene.path} has {scene.dtype}.",
            "Make tiles of images of one kind only.",
        )
    if (first.grid.crs is None) != (scene.grid.crs is None):
        without = first if first.grid.crs is None else scene
        raise InputError(f"{without.path} has no CRS, but other images have one.", "Give it its CRS first.")


def _unique_name(path: str, taken: set[str]) -> str:
    stem = re.sub(r"[^\w.-]", "_", Path(path).stem) or "scene"
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name.casefold())
    return name

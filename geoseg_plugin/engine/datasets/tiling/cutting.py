"""Cutting one scene into tiles: a GeoTIFF pair on disk for each, and what the split must know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from ....contract.classes import ClassTable
from ...class_raster import class_dtype
from ...grid import Grid
from ...moments import Moments
from ...raster import read_valid, read_window
from ..dataset import IMAGES, LABELS
from .positions import tile_offsets
from .scenes import Scene
from .sheet import Truth


@dataclass(frozen=True)
class CutTile:
    """One tile on disk.

    Attributes:
        id: Its file name without suffix.
        scene: Name of its scene.
        grid: Its grid; of full tile size also where it reaches over the edge of a small scene.
        row: Offset in the scene, in pixels.
        col: Offset in the scene, in pixels.
        counts: Pixels of each class (K,), in the order of the class table.
        nodata_share: Share of pixels without image data, 0 to 1.
        moments: Statistics of its valid pixels.
    """

    id: str
    scene: str
    grid: Grid
    row: int
    col: int
    counts: NDArray[np.int64]
    nodata_share: float
    moments: Moments


def tile_windows(grid: Grid, size: int, overlap: float) -> tuple[Window, ...]:
    """Return the windows of the tiles of a scene, row by row.

    Args:
        grid: The scene's grid.
        size: Side of a tile in pixels.
        overlap: Smallest overlap of neighbours in percent.
    """
    shared = round(size * overlap / 100)
    cols = tile_offsets(grid.width, size, shared)
    return tuple(Window(col, row, size, size) for row in tile_offsets(grid.height, size, shared) for col in cols)


class Cutter:
    """Writes tiles of scenes into the folders of a dataset.

    Args:
        folder: The dataset; its folders for images and labels must exist.
        classes: The classes of the labels.
        tags: Tags for every GeoTIFF.
    """

    def __init__(self, folder: Path, classes: ClassTable, tags: Mapping[str, str]) -> None:
        self._folder = folder
        self._values = np.asarray(classes.values)
        self._dtype, self._ignore = class_dtype(classes)
        self._colours = {one.value: (*one.rgb, 255) for one in classes} if self._dtype == "uint8" else None
        self._tags = tags

    def cut(
        self, scene: Scene, dataset: DatasetReader, truth: Truth, windows: tuple[Window, ...]
    ) -> Iterator[CutTile | None]:
        """Write the tiles of a scene one by one; None stands for a tile without data or without labels.

        Pixels without data are ignored in the label. They keep the scene's nodata value or, where it has none, get a
        mask band.

        Raises:
            InputError: The scene or its labels are damaged.
        """
        for window in windows:
            inside = Window(
                window.col_off, window.row_off,
                min(window.width, scene.grid.width - window.col_off),
                min(window.height, scene.grid.height - window.row_off),
            )  # fmt: skip
            image, valid = self._read_image(scene, dataset, inside, window)
            label = np.full(valid.shape, self._ignore, dtype=self._dtype)
            label[: inside.height, : inside.width] = truth.read(inside)
            label[~valid] = self._ignore
            if (label == self._ignore).all():
                yield None
                continue
            name = f"{scene.name}_{window.row_off:06d}_{window.col_off:06d}"
            grid = scene.grid.part(window)
            self._write_image(name, grid, image, valid, dataset)
            self._write_label(name, grid, label)
            counts = np.array([np.count_nonzero(label == value) for value in self._values], dtype=np.int64)
            yield CutTile(
                name, scene.name, grid, int(window.row_off), int(window.col_off), counts, float(1 - valid.mean()),
                Moments.of(image, valid),
            )  # fmt: skip

    def _read_image(
        self, scene: Scene, dataset: DatasetReader, inside: Window, window: Window
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        pixels = read_window(dataset, inside, scene.bands)
        shown = read_valid(dataset, inside, pixels, scene.bands)
        if inside == window:
            return pixels, shown
        fill = 0 if dataset.nodata is None else dataset.nodata
        image = np.full((len(pixels), window.height, window.width), fill, dtype=pixels.dtype)
        image[:, : inside.height, : inside.width] = pixels
        valid = np.zeros(image.shape[1:], dtype=np.bool_)
        valid[: inside.height, : inside.width] = shown
        return image, valid

    def _write_image(
        self, name: str, grid: Grid, image: NDArray[Any], valid: NDArray[np.bool_], dataset: DatasetReader
    ) -> None:
        path = self._folder / IMAGES / f"{name}.tif"
        with rasterio.open(path, "w", nodata=dataset.nodata, **_profile(grid, image)) as output:
            output.write(image)
            output.update_tags(**self._tags)
            if dataset.nodata is None and not valid.all():
                output.write_mask(valid)

    def _write_label(self, name: str, grid: Grid, label: NDArray[Any]) -> None:
        path = self._folder / LABELS / f"{name}.tif"
        with rasterio.open(path, "w", nodata=self._ignore, **_profile(grid, label[None])) as output:
            output.write(label, 1)
            output.update_tags(**self._tags)
            if self._colours:
                output.write_colormap(1, {**self._colours, self._ignore: (0, 0, 0, 0)})


def _profile(grid: Grid, pixels: NDArray[Any]) -> dict[str, Any]:
    """Return creation options that read fast: uncompressed tiles open and read in 0.8 ms, zstd ones in 1.2 ms."""
    return {
        "driver": "GTiff", "dtype": pixels.dtype, "count": pixels.shape[0], "height": grid.height, "width": grid.width,
        "crs": grid.crs, "transform": grid.transform, "interleave": "band", "blockysize": grid.height,
        "photometric": "minisblack",  # else GDAL marks the fourth band of 8-bit pixels as alpha
    }  # fmt: skip

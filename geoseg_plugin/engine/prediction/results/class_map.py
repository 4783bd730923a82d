"""The class raster of a map."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ....contract.classes import ClassTable
from ....contract.events import Report
from ...class_raster import create_class_raster
from ...grid import Grid
from ...imagery.cog import turn_into_cog
from .map_part import MapPart

THRESHOLDS_TAG = "GEOSEG_THRESHOLDS"


class ClassMap:
    """Writes class values, with nodata where there is no class.

    Args:
        path: The GeoTIFF to create.
        grid: Its grid.
        classes: The classes in the order of their indices.
        tags: What it says of itself.
        cog: Whether it becomes a Cloud Optimized GeoTIFF.
    """

    def __init__(self, path: Path, grid: Grid, classes: ClassTable, tags: Mapping[str, str], *, cog: bool) -> None:
        self._path = path
        self._cog = cog
        self._dataset = create_class_raster(path, grid, classes, dict(tags))
        self._values = np.array(classes.values, dtype=self._dataset.dtypes[0])

    def note_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Say in the file which probability classes, by name, had to reach."""
        self._dataset.update_tags(**{THRESHOLDS_TAG: json.dumps(thresholds)})

    def write(self, part: MapPart) -> None:
        """Write the class values of a part."""
        values = self._values[part.indices]
        values[~part.valid] = self._dataset.nodata
        self._dataset.write(values, 1, window=part.window)

    def finish(self, report: Report) -> None:
        """Finish the file."""
        self._dataset.close()
        if self._cog:
            turn_into_cog(self._path, averaged=False, report=report)

    def close(self) -> None:
        """Close the file, finished or not."""
        self._dataset.close()

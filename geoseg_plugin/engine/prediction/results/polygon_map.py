"""The polygons of a map whose parts come in any order."""

from __future__ import annotations

from pathlib import Path

from ....contract.classes import ClassTable
from ....contract.events import Report, stop_if_cancelled
from ...grid import Grid
from .choices import ChoiceRaster
from .map_part import MapPart
from .polygon_file import PolygonFile
from .polygons import PolygonWriter


class PolygonMap:
    """Draws polygons while the map is made or, where its parts are narrower than the map, at the end.

    Args:
        path: The vector file to create.
        grid: The grid of the map.
        classes: The classes in the order of their indices.
        whole_rows: Whether parts are as wide as the map and come from top to bottom.
    """

    def __init__(self, path: Path, grid: Grid, classes: ClassTable, *, whole_rows: bool) -> None:
        self._height = grid.height
        self._writer = PolygonWriter(PolygonFile(path, grid, classes), classes, grid.width)
        self._choices = None if whole_rows else ChoiceRaster(path.with_name("choices.tif"), grid)

    def write(self, part: MapPart) -> None:
        """Take a part."""
        if self._choices is not None:
            self._choices.write(part.window, part.indices, part.confidence, part.valid)
        else:
            self._writer.add(int(part.window.row_off), part.indices, part.confidence, part.valid)

    def finish(self, report: Report) -> None:
        """Draw what is left, and finish the file.

        Raises:
            Cancelled: The user has asked to stop.
        """
        if self._choices is not None:
            for first, indices, confidence, valid in self._choices.strips():
                stop_if_cancelled(report)
                self._writer.add(first, indices, confidence, valid)
                report.progress((first + len(indices)) / self._height, "Drawing polygons")
        self._writer.close(report)

    def close(self) -> None:
        """Remove what was kept."""
        if self._choices is not None:
            self._choices.remove()

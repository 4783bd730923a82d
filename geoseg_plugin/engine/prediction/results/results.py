"""The files that a prediction writes: all of them opened, in the order in which they are finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .....models.card import Card
from ....contract.classes import BACKGROUND_NAME, ClassTable
from ....contract.events import Report
from ....contract.stages.imagery import COG
from ....contract.stages.prediction import PredictSegmentation
from ...grid import Grid
from ...imagery.writing import block_shape
from ...output import whole_file
from ...provenance import MODEL_TAG, digest_models, request_tags
from ..decisions.thresholds import known_decision, needs_map
from ..scenes.scene import Scene
from .array_file import ArrayFile
from .certainty import measure_confidence, measure_entropy, measure_margin
from .class_map import ClassMap
from .deferred import DeferredResults
from .direct import DirectResults, Results
from .map_part import Result
from .picture import Picture
from .probability_raster import ProbabilityRaster
from .share_raster import ShareRaster

_FINISHING_SHARE = 0.1
_ARRAYS_IN_MEMORY = 3  # of probabilities, while a block is worked on
_MEASURES = {"confidence": measure_confidence, "entropy": measure_entropy, "margin": measure_margin}


def open_results(
    request: PredictSegmentation, scene: Scene, card: Card, stack: ExitStack, report: Report, *, whole_rows: bool
) -> Results:
    """Create every result that is asked for; they are finished, or removed, when the stack closes.

    Args:
        request: What is asked for.
        scene: What is mapped.
        card: The card of the model.
        stack: What closes the files.
        report: Hears of styles of other files that are left as they are.
        whole_rows: Whether strips come from top to bottom in the whole width of the map.

    Raises:
        RequestError: THRESHOLD names what is no class, the card has no thresholds, or the map is too large for PICTURE.
        OutputError: A file cannot be written.
    """
    decision = known_decision(request, card)
    grid, frame, classes = scene.result_grid, scene.grid.part(scene.frame), card.classes
    waits = needs_map(request) or request.smoothing > 0 or not frame.is_same(grid)
    shape = block_shape(grid.width, _ARRAYS_IN_MEMORY * len(classes) * np.dtype(np.float32).itemsize)
    whole_rows = shape[1] == grid.width if waits else whole_rows
    files = _Files(request, grid, classes, _tags(request), stack, report)
    others = files.open_others(whole_rows=whole_rows)
    # Opened last, the map is finished first: it is the file that other programs may hold, and it gets a shared style.
    path = stack.enter_context(whole_file(request.output, report))
    class_map = ClassMap(path, grid, classes, files.tags, cog=files.cog)
    stack.callback(class_map.close)
    lasts = files.cog or request.picture or (request.polygons and not whole_rows)
    results = DirectResults(
        classes,
        decision,
        class_map,
        others,
        finishing_share=_FINISHING_SHARE if lasts else 0.0,
        hides=_takes_probabilities(request),
    )
    if not waits:
        return results
    kept = ProbabilityRaster(path.with_name(f"all_{path.name}"), frame, len(classes))
    stack.callback(kept.remove)
    read_shown = None if frame.is_same(grid) else scene.read_shown
    return DeferredResults(
        results, kept, grid=grid, shape=shape, request=request, classes=classes, read_shown=read_shown
    )


@dataclass(frozen=True)
class _Files:
    """Opens the files beside the class raster."""

    request: PredictSegmentation
    grid: Grid
    classes: ClassTable
    tags: Mapping[str, str]
    stack: ExitStack
    report: Report

    @property
    def cog(self) -> bool:
        return self.request.format == COG

    def open_others(self, *, whole_rows: bool) -> list[Result]:
        request, grid, classes = self.request, self.grid, self.classes
        files = [
            self._open(request.polygons, lambda path: _create_polygons(path, grid, classes, whole_rows=whole_rows)),
            self._open(request.picture, lambda path: Picture(path, grid, classes, self.tags)),
            self._open(request.array, lambda path: ArrayFile(path, (grid.height, grid.width, len(classes)))),
            self._open(request.probabilities, self._create_probabilities),
            *(self._open(getattr(request, name), partial(self._create_measure, name)) for name in _MEASURES),
        ]
        return [file for file in files if file is not None]

    def _open(self, wanted: str | None, create: Callable[[Path], Result]) -> Result | None:
        if not wanted:
            return None
        file = create(self.stack.enter_context(whole_file(wanted, self.report)))
        self.stack.callback(file.close)
        return file

    def _create_probabilities(self, path: Path) -> Result:
        names = self.classes.names
        things = [at for at, name in enumerate(names, start=1) if name.strip().lower() != BACKGROUND_NAME]
        return ShareRaster(
            path, self.grid, names, _take_all, shown=things[0] if things else 1, dtype=self.request.probability_type,
            tags=self.tags, cog=self.cog,
        )  # fmt: skip

    def _create_measure(self, name: str, path: Path) -> Result:
        return ShareRaster(
            path, self.grid, [name], _MEASURES[name], shown=1, dtype=self.request.probability_type, tags=self.tags,
            cog=self.cog,
        )  # fmt: skip


def _takes_probabilities(request: PredictSegmentation) -> bool:
    return any(getattr(request, name) for name in ("probabilities", "array", *_MEASURES))


def _take_all(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    return probabilities


def _create_polygons(path: Path, grid: Grid, classes: ClassTable, *, whole_rows: bool) -> Result:
    # Imported late: shapely, scipy, pyogrio and pyproj are for polygons only.
    from .polygon_map import PolygonMap

    return PolygonMap(path, grid, classes, whole_rows=whole_rows)


def _tags(request: PredictSegmentation) -> dict[str, str]:
    return {**request_tags(request), MODEL_TAG: digest_models((request.model, *request.further_models))}

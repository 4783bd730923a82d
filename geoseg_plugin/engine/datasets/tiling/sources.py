"""The labels of all scenes, whether they come as rasters or as one vector layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol

from rasterio.crs import CRS

from ....contract.classes import ClassTable
from ....contract.errors import RequestError
from ....contract.events import QuietReport, Report
from ....contract.stages.datasets import MakeTiles
from ....contract.stages.labels import background_value
from ...grid import Grid
from ...imagery.paths import name_some
from ...imagery.view import view_on_grid
from ...labels.burner import Burner
from ...labels.layer import LabelLayer, read_label_layer
from ...labels.placed_layer import PlacedLayer
from ...raster import open_raster
from ...vector import is_vector
from .pairing import match_rasters
from .resampled import is_coarser
from .scenes import Scene
from .sheet import Sheet, Truth
from .truth import LayerTruth, RasterTruth, missing_value, read_classes


class LabelSource(Protocol):
    """Opens the labels of sheets, any of them again and in any thread."""

    @property
    def classes(self) -> ClassTable:
        """The classes of all labels."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The label rasters, or the layer."""

    def open(self, sheet: Sheet) -> AbstractContextManager[Truth]:
        """Open the labels of a sheet, on its grid."""

    def check_use(self) -> None:
        """Raise InputError when, after all sheets, the labels turn out to belong to none."""


def find_labels(
    request: MakeTiles, scenes: tuple[Scene, ...], report: Report, *, ready: int = 1
) -> LabelSource | None:  # fmt: skip
    """Return where the labels of the scenes come from, None where there are none.

    Args:
        request: What is asked for.
        scenes: The scenes.
        report: Hears what is odd about them.
        ready: Of how many sheets labels that must be prepared stay so, to be opened again.

    Raises:
        InputError: Labels cannot be read, or do not fit the scenes.
        RequestError: A vector layer comes together with other labels, or FIELD with label rasters.
    """
    if not request.labels and not request.label_folder:
        return None
    layers = [path for path in request.labels if is_vector(path)]
    if not layers:
        if request.field:
            raise RequestError("FIELD is given, but LABELS are rasters.", "Leave FIELD empty, or give a vector layer.")
        matched = match_rasters(request, scenes, report)
        return LabelRasters(matched, read_classes(tuple(matched.values()), report))
    if len(request.labels) > 1:
        raise RequestError(
            f"LABELS holds the vector layer {layers[0]} beside other labels.",
            "Give one vector layer alone, or label rasters.",
        )
    layer = read_label_layer(layers[0], request.field, background_value(request.background), report)
    return BurntLayer(layer, all_touched=request.all_touched, report=report, ready=ready)


class LabelRasters:
    """Labels from label rasters.

    Args:
        paths: The label raster of every scene, by scene name.
        classes: Their classes.
    """

    def __init__(self, paths: Mapping[str, str], classes: ClassTable) -> None:
        self._paths = paths
        self.classes = classes
        self.paths = tuple(paths.values())

    @contextmanager
    def open(self, sheet: Sheet) -> Iterator[Truth]:
        """Open the label raster of a sheet's scene.

        Where the sheet is coarser the most frequent value counts, that of ignored pixels among them unless a mask band,
        and no value, tells which these are.
        """
        method = "mode" if sheet.is_resampled and is_coarser(sheet.grid, sheet.scene.grid) else "nearest"
        with open_raster(self._paths[sheet.scene.name]) as dataset:
            with_nodata = method == "mode" and missing_value(dataset) is not None
            with view_on_grid(dataset, sheet.grid, method, with_nodata=with_nodata) as view:
                yield RasterTruth(view, self.classes)

    def check_use(self) -> None:
        """Do nothing: every scene has its label raster."""


class BurntLayer:
    """Labels from a vector layer.

    Args:
        layer: The layer.
        all_touched: Burn every pixel that a feature touches.
        report: Hears of scenes without features, and of each sheet when it is opened for the first time.
        ready: Of how many sheets, those opened last, the layer stays prepared.
    """

    def __init__(self, layer: LabelLayer, *, all_touched: bool, report: Report, ready: int = 1) -> None:
        self._layer = layer
        self._all_touched = all_touched
        self._report = report
        self._ready = ready
        self._placed: dict[CRS | None, PlacedLayer] = {}
        self._burners: OrderedDict[tuple[str, Grid], Burner] = OrderedDict()
        self._opened: set[tuple[str, Grid]] = set()
        self._met: dict[str, bool] = {}
        self._lock = Lock()
        self.classes = layer.classes
        self.paths = (layer.source,)

    @contextmanager
    def open(self, sheet: Sheet) -> Iterator[Truth]:
        """Prepare the layer for the grid of a sheet."""
        with self._lock:
            truth = LayerTruth(self._prepare(sheet))
        yield truth

    def _prepare(self, sheet: Sheet) -> Burner:
        path, crs = sheet.scene.path, sheet.grid.crs
        key = path, sheet.grid
        burner = self._burners.pop(key, None)
        if burner is None:
            if crs not in self._placed:
                self._placed[crs] = PlacedLayer(self._layer, crs, path, self._report)
            burner = Burner(
                self._layer, sheet.grid, path, all_touched=self._all_touched, placed=self._placed[crs],
                report=QuietReport(self._report) if key in self._opened else self._report,
            )  # fmt: skip
            self._opened.add(key)
            self._met[path] = burner.overlaps() or self._met.get(path, False)
        self._burners[key] = burner
        while len(self._burners) > self._ready:
            self._burners.popitem(last=False)
        return burner

    def check_use(self) -> None:
        """Raise InputError when no feature lay on any scene, and warn of single ones without."""
        if self._burners and not any(self._met.values()):
            next(reversed(self._burners.values())).check_overlap()
        without = [path for path, met in self._met.items() if not met]
        if without:
            self._report.warn(f"No feature of {self._layer.source} lies on {name_some(without)}.")

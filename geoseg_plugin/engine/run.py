"""Leads every request to the one function that does it, importing no more than that function needs."""

from __future__ import annotations

import errno
import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..contract.about import about
from ..contract.errors import GeosegError, OutputError, first_line
from ..contract.events import Report
from ..contract.fields import VRT_SUFFIX
from ..contract.stages.stage import Stage

_FUNCTIONS = {
    "demoscene": ("imagery.demo.scene", "draw_demo_scene"),
    "clipraster": ("imagery.clip", "clip_raster"),
    "stackbands": ("imagery.stacking.stack", "stack_bands"),
    "stackfolder": ("imagery.stacking.stack_folder", "stack_folder"),
    "mosaicrasters": ("imagery.mosaicking.mosaic", "mosaic_rasters"),
    "rescaleimage": ("imagery.rescaling.rescale", "rescale_image"),
    "rasterizelabels": ("labels.rasterize", "rasterize_labels"),
    "maketiles": ("datasets.tiling.tiles", "make_tiles"),
    "tilestatistics": ("datasets.statistics.tile_statistics", "measure_tiles"),
    "splitdataset": ("datasets.splitting.split_dataset", "split_dataset"),
    "checkdataset": ("datasets.checking.check_dataset", "check_dataset"),
    "trainsegmentation": ("training.train", "train_segmentation"),
    "trackingserver": ("tracking_server", "serve_tracking"),
    "predictsegmentation": ("prediction.predict", "predict_segmentation"),
    "predictscenes": ("prediction.batch.predict_scenes", "predict_scenes"),
    "exportmodel": ("prediction.export", "export_model"),
    "checkengine": ("check", "check_engine"),
}


def run(request: Stage, report: Report) -> Any:
    """Do what the request asks for and return its Result dataclass.

    Raises:
        GeosegError: It cannot be done; nothing was left behind.
    """
    module_name, function_name = _FUNCTIONS[request.id()]
    report.progress(0.0, f"{request.title}: starting")
    started = time.monotonic()
    module = importlib.import_module(f"{__package__}.{module_name}")
    function: Callable[[Any, Report], Any] = getattr(module, function_name)
    report.detail(f"Imports took {time.monotonic() - started:.2f} s")
    with in_own_words(request):
        _protect_inputs(request)
        result = function(request, report)
    report.progress(1.0, f"{request.title}: done in {time.monotonic() - started:.1f} s")
    return result


@contextmanager
def in_own_words(request: Stage) -> Iterator[None]:
    """Say what it means for a request when memory or disk fail in the block.

    Raises:
        GeosegError: There was not enough memory.
        OutputError: A file could not be read or written.
    """
    try:
        yield
    except MemoryError as error:
        raise GeosegError(
            "There was not enough memory.", "Use a smaller tile, window or batch size, or close other programs."
        ) from error
    except OSError as error:
        raise _explain(error, request) from error


def _explain(error: OSError, request: Stage) -> OutputError:
    if error.errno == errno.ENOSPC:
        results = ", ".join(path for _, path in request.paths(written=True))
        return OutputError(f"There is no room left on the disk for {results}.", "Make room, or choose another folder.")
    fix = "Check that the disk has room and that the paths can be used."
    return OutputError(f"A file could not be read or written: {first_line(error)}.", fix)


def _protect_inputs(request: Stage) -> None:
    if any(path.lower().endswith(VRT_SUFFIX) for _, path in request.paths(written=False)):
        from .virtual_inputs import check_virtual_inputs  # late: most requests need no rasterio for it

        check_virtual_inputs(request)


def version() -> str:
    """Return GeoSeg's version, which metadata.txt states."""
    return about("version")

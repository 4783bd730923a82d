"""The folder beside OUTPUT in which a prediction with RESUME keeps what it has finished."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ....contract.errors import Cancelled, OutputError
from ....contract.events import Report
from ....contract.stages.prediction import PredictSegmentation
from ....contract.staging import unfinished_name
from ...grid import Grid
from ...output import discard_left
from ...provenance import digest_file
from ...raster import open_raster
from ...unfinished import check_same_run, describe_run, read_run, stamp_layer, stamp_raster, write_run
from .store import Store

_RUN = "run.json"
_RUN_UNFINISHED = f"{_RUN}.part"
_OF_THE_MACHINE = ("device", "devices", "batch_size", "resume")
_SETTLED, _COMPUTER, _PROCESS = "settled", "computer", "process"


def folder_of(request: PredictSegmentation) -> Path:
    """Return the folder in which finished parts of a prediction are kept."""
    output = Path(request.output).absolute()
    return output.with_name(unfinished_name(output.name))


def warn_of_unfinished(request: PredictSegmentation, report: Report) -> None:
    """Warn when an earlier run has left what this one, without RESUME, does not use."""
    folder = folder_of(request)
    if (folder / _RUN).exists():
        report.warn(
            f"{folder} holds an unfinished run, which RESUME would go on with. It is left alone: remove it if it is of "
            "no use any more."
        )


class UnfinishedFolder:
    """What earlier runs with the same values have finished, and what they have chosen.

    Args:
        request: What is asked for.

    Raises:
        OutputError: The folder holds a run with other values, models or images, or something else.
        InputError: The image cannot be opened.
    """

    def __init__(self, request: PredictSegmentation) -> None:
        self.path = folder_of(request)
        self._results = [path for _, path in request.paths(written=True)]
        self._stated = describe_run(request, _stamp_all(request), apart=_OF_THE_MACHINE)
        self._before = self._look()
        self.settled: dict[str, Any] = dict(self._before.get(_SETTLED, {}))

    def begin(self, settled: Mapping[str, Any], class_count: int) -> Store:
        """Make the folder where it is not there yet, and return the store in it.

        Args:
            settled: What was chosen for the parameters that left it open; a later run takes it as it is.
            class_count: Number of classes, K.

        Raises:
            OutputError: The folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            by = {_COMPUTER: platform.node(), _PROCESS: os.getpid()}
            write_run(self.path / _RUN_UNFINISHED, {**self._stated, _SETTLED: dict(settled), **by})
            (self.path / _RUN_UNFINISHED).replace(self.path / _RUN)
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be written to: {error.strerror}.", "Choose another folder."
            ) from error
        if self._before.get(_COMPUTER) == platform.node():
            # After a power cut nobody was left to remove it.
            discard_left(self._results, int(self._before.get(_PROCESS, 0)))
        store = Store(self.path, class_count)
        store.clear()
        return store

    def remove(self, report: Report) -> None:
        """Remove what was kept; what others have put into the folder stays."""
        for path in (*self.path.glob("*.strip"), *self.path.glob("*.part"), self.path / _RUN):
            with suppress(OSError):
                path.unlink()
        try:
            self.path.rmdir()
        except OSError as error:
            report.warn(f"{self.path} is of no use any more, but cannot be removed: {error.strerror}.")

    def _look(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        run = self.path / _RUN
        if not run.exists():
            if self.path.is_dir() and {path.name for path in self.path.iterdir()} <= {_RUN_UNFINISHED}:
                return {}
            raise OutputError(
                f"{self.path} is in the way: finished parts are kept there, but it holds something else.",
                "Move it, or choose another OUTPUT.",
            )
        fix = f"Give the same values and files, remove {self.path}, or choose another OUTPUT."
        before = read_run(run, fix)
        check_same_run(self.path, before, self._stated, fix)
        return before


@contextmanager
def telling_how_to_go_on(folder: UnfinishedFolder, report: Report) -> Iterator[None]:
    """Say what is kept where the block fails or is cancelled."""
    try:
        yield
    except Cancelled as error:
        if not folder.path.exists():
            raise
        raise Cancelled(
            f"Cancelled; what is finished is kept in {folder.path}.", "RESUME goes on from it with the same values."
        ) from error
    except Exception:
        if folder.path.exists():
            report.note(f"What is finished is kept in {folder.path}: RESUME goes on from it with the same values.")
        raise


def _stamp_all(request: PredictSegmentation) -> dict[str, Any]:
    """Return all files that are read, each with what tells whether it has changed."""
    stamps: dict[str, Any] = dict(stamp_raster(request.input))
    with open_raster(request.input) as dataset:
        stamps[request.input] = [*stamps.get(request.input, []), Grid.of(dataset).to_json()]
    if request.area:
        stamps |= stamp_layer(request.area)
    for model in (request.model, *request.further_models):
        stamps[model] = digest_file(model)
    return stamps

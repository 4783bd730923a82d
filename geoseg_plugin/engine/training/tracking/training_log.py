"""The training log: a folder that grows with every epoch, for people, tables, TensorBoard and pandas."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ....contract.errors import OutputError
from .epoch_table import EpochTable
from .panels import Panels

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

PARAMETERS = "parameters.json"
EPOCHS = "epochs.csv"
PANELS = "panels"


class TrainingLog:
    """Writes the files of a training log.

    Attributes:
        folder: Where they are.
        is_empty: Whether no epoch has been added.

    Args:
        folder: Where they are.
        table: The table of epochs.
        events: What TensorBoard reads.
    """

    def __init__(self, folder: Path, table: EpochTable, events: SummaryWriter) -> None:
        self.folder = folder
        self.is_empty = True
        self._table = table
        self._events = events

    def add(self, number: int, figures: Mapping[str, float], examples: Iterable[Panels]) -> None:
        """Write what is known of an epoch.

        Args:
            number: The number of the epoch.
            figures: Its figures by name; NaN where there is none.
            examples: Panels of some tiles; none where the epoch is not the best so far.

        Raises:
            OSError: It cannot be written.
        """
        self.is_empty = False
        self._table.add(number, figures.values())
        for name, value in figures.items():
            if not math.isnan(value):
                self._events.add_scalar(name, value, number)
        for panels in examples:
            picture = panels.side_by_side()
            folder = _folder_of_epoch(self.folder, number)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / panels.file_name)
            self._events.add_image(f"{PANELS}/{panels.tile}", picture, number, dataformats="HWC")
        self._events.flush()


def refuse_full_folder(folder: Path, *, resume: bool) -> None:
    """Refuse a folder that something else is in, or another training unless one goes on.

    Args:
        folder: Where the log shall be.
        resume: Whether a training goes on, in whose log it may then do so.

    Raises:
        OutputError: The folder is none, or is not empty.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Give another folder as LOG.")
    if not (folder / PARAMETERS).is_file():
        raise OutputError(f"The folder {folder} already exists and is not empty.", "Give a new folder as LOG.")
    if not resume:
        raise OutputError(
            f"The folder {folder} holds the log of another training.",
            "Give a new folder as LOG; RESUME goes on with that training where its checkpoint is still there.",
        )


@contextmanager
def open_log(
    folder: Path, names: Iterable[str], parameters: Mapping[str, Any], *, first_epoch: int
) -> Iterator[TrainingLog]:
    """Open a training log, and close it in the end; a new one to which no epoch was added is removed again.

    What an earlier run wrote of epochs that are trained again is removed too.

    Args:
        folder: The folder, one that `refuse_full_folder` lets pass; it is made where it is missing.
        names: The names of an epoch's figures.
        parameters: What to tell of this run, as plain values, beside `first_epoch`.
        first_epoch: The first epoch that this run trains, from 1.

    Raises:
        OutputError: The folder cannot be written to.
    """
    is_new, log = not (folder / PARAMETERS).is_file(), None
    try:
        with ExitStack() as files:
            try:
                log = _begin(folder, tuple(names), {"first_epoch": first_epoch, **parameters}, first_epoch, files)
            except OSError as error:
                raise OutputError(f"The log {folder} cannot be written: {error}.", "Choose another folder.") from error
            yield log
    finally:
        if is_new and log is not None and log.is_empty:
            shutil.rmtree(folder, ignore_errors=True)


def _begin(
    folder: Path, names: Sequence[str], parameters: Mapping[str, Any], first_epoch: int, files: ExitStack
) -> TrainingLog:
    from torch.utils.tensorboard import SummaryWriter  # late: it takes time, and not every training has a log

    folder.mkdir(parents=True, exist_ok=True)
    table = EpochTable(folder / EPOCHS, names, first_epoch)
    files.callback(_close, table)
    events = SummaryWriter(str(folder), purge_step=first_epoch)
    files.callback(_close, events)
    _remove_later_panels(folder, first_epoch)
    _tell_run(folder / PARAMETERS, parameters)
    return TrainingLog(folder, table, events)


def _close(file: EpochTable | SummaryWriter) -> None:
    with suppress(OSError):  # what could not be written has been told of, and ends no training
        file.close()


def _tell_run(path: Path, parameters: Mapping[str, Any]) -> None:
    """Add what is to be told of a run to those of earlier runs of the same training."""
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or one that was cut short
        earlier = []
    path.write_text(json.dumps({"runs": [*earlier, parameters]}, indent=2, ensure_ascii=False), encoding="utf-8")


def _folder_of_epoch(folder: Path, number: int) -> Path:
    return folder / PANELS / f"epoch_{number:04d}"


def _remove_later_panels(folder: Path, first_epoch: int) -> None:
    kept = {_folder_of_epoch(folder, number) for number in range(1, first_epoch)}
    for later in set((folder / PANELS).glob("epoch_*")) - kept:
        shutil.rmtree(later)

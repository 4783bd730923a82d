"""The checkpoint: all that a training needs to go on as if it had never ended, in a file beside the model."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...contract.errors import InputError, RequestError, first_line
from ...contract.events import Report
from ...contract.stages.training import TrainSegmentation
from ...contract.staging import staging_name
from ..datasets.dataset import Dataset
from .course import Epoch
from .metrics import Scores
from .validation import Measurement

FORMAT_VERSION = 2
_KNOWN_BY = ("version", "request", "fingerprint")
_NEARLY_FULL = 1 << 24  # bytes
_SUFFIX = ".checkpoint.pt"
# What may differ from the run that is gone on with: where it runs, where results go, and how they are told.
_FREE = ("resume", "report", "preview", "log", "mlflow", "experiment", "device", "devices")


def checkpoint_of(request: TrainSegmentation) -> Path:
    """Return where the checkpoint of a training is, beside its model."""
    model = Path(request.model).absolute()
    return model.with_name(model.stem + _SUFFIX)


class Checkpoint:
    """The file of one training. It is read without pickle (weights_only), so that one from a stranger does no harm.

    Args:
        request: The training.
        dataset: What it learns from.
    """

    def __init__(self, request: TrainSegmentation, dataset: Dataset) -> None:
        self.path = checkpoint_of(request)
        self._model = Path(request.model).name
        self._wanted = {name: value for name, value in asdict(request).items() if name not in _FREE}
        self._fingerprint = _fingerprint(dataset)
        self._warned = False

    def save(self, state: dict[str, Any], report: Report) -> None:
        """Write what a training needs, in place of what was written before. Where that fails, warn once and go on.

        Args:
            state: Plain values and tensors.
            report: Where the warning goes.
        """
        values = {
            "version": FORMAT_VERSION, "request": _plain(self._wanted), "fingerprint": self._fingerprint, **state,
        }  # fmt: skip
        # Where the model is built too, so that it goes with it when the engine dies meanwhile.
        unfinished = self.path.with_name(staging_name(self._model, os.getpid())) / self.path.name
        try:
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            torch.save(values, unfinished)
            unfinished.replace(self.path)
        except (OSError, RuntimeError) as error:  # torch has RuntimeErrors of its own for a full disk
            unfinished.unlink(missing_ok=True)
            if not self._warned:
                self._warned = True
                report.warn(
                    f"The checkpoint {self.path} cannot be written ({self._explain(error)}): RESUME will not work, and "
                    "at the end there may be no room for the model."
                )

    def _explain(self, error: Exception) -> str:
        try:
            is_full = shutil.disk_usage(self.path.parent).free < _NEARLY_FULL
        except OSError:
            is_full = False
        return "the disk is full" if is_full else first_line(error)

    def load(self) -> dict[str, Any] | None:
        """Return what was saved, None where there is no checkpoint.

        Raises:
            InputError: The file is damaged, of another GeoSeg, or of another dataset.
            RequestError: It is of a training with other values.
        """
        values = self._read("Move it elsewhere, and train without RESUME.")
        if values is None:
            return None
        version, wanted, fingerprint = (values.pop(name) for name in _KNOWN_BY)
        if version != FORMAT_VERSION:
            raise InputError(f"The checkpoint {self.path} is of another GeoSeg.", "Train without RESUME.")
        different = [name for name, value in _plain(self._wanted).items() if wanted.get(name) != value]
        if different:
            each = ", ".join(f"{name.upper()} was {wanted.get(name)!r}" for name in different)
            raise RequestError(
                f"The checkpoint {self.path} is of a training with other values: {each}.",
                "Give the same values, or train without RESUME.",
            )
        if fingerprint != self._fingerprint:
            raise InputError(
                f"The dataset is not as it was when the checkpoint {self.path} was written.", "Train without RESUME."
            )
        return values

    def warn_if_replaced(self, report: Report) -> None:
        """Warn where there is a checkpoint, which this training replaces.

        Raises:
            InputError: The file that stands in its place is none, and must not be replaced.
        """
        values = self._read("Move it elsewhere, or give another MODEL: a training keeps its checkpoint there.")
        if values is None:
            return
        way = " To go on with that training, cancel, and set RESUME." if values["version"] == FORMAT_VERSION else ""
        report.warn(f"{self.path} is of a training that ended early, and is replaced after the first epoch.{way}")

    def _read(self, fix: str) -> dict[str, Any] | None:
        """Return what the file holds, None where there is none.

        Args:
            fix: What to do where it cannot be read.

        Raises:
            InputError: It cannot.
        """
        if not self.path.exists():
            return None
        try:
            values: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            itemgetter(*_KNOWN_BY)(values)
        except Exception as error:  # whatever torch makes of a damaged file, or a value that lacks
            raise InputError(
                f"The checkpoint {self.path} cannot be read: it is damaged, or none of GeoSeg.", fix
            ) from error
        return values

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def pack_epoch(epoch: Epoch) -> dict[str, Any]:
    """Return an epoch as plain values and tensors."""
    measured = epoch.measured
    return {
        "number": epoch.number,
        "loss": epoch.loss,
        "seconds": epoch.seconds,
        "learning_rate": epoch.learning_rate,
        "measured_loss": measured.loss,
        **{name: torch.from_numpy(np.array(getattr(measured, name))) for name in _ARRAYS},
    }


_ARRAYS = ("matrix", "tile_ious", "loss_parts", "mean_probability", "top_probability")


def unpack_epoch(values: dict[str, Any]) -> Epoch:
    """Return the epoch that `pack_epoch` has packed."""
    arrays = {name: values[name].numpy() for name in _ARRAYS}
    measured = Measurement(scores=Scores.of(arrays["matrix"]), loss=values["measured_loss"], **arrays)
    return Epoch(values["number"], values["loss"], measured, values["seconds"], values["learning_rate"])


def _fingerprint(dataset: Dataset) -> str:
    """Return what tells whether a dataset is as it was: its own fingerprint, and sizes and times of its files."""
    digest = hashlib.sha256(dataset.fingerprint.encode())
    for tile in dataset.tiles if dataset.source is None else ():
        for path in (tile.image, tile.label):
            facts = path.stat()
            digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

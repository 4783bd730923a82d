"""The figures of an epoch by name, the same in the table, in TensorBoard and in MLflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from ....contract.classes import ClassTable
from ..course import Epoch

_OF_EPOCH = ("seconds", "learning rate", "loss", "validation loss")
_OF_ALL_CLASSES = ("mean IoU", "foreground IoU", "accuracy")
_OF_EACH_CLASS = ("IoU", "F1", "precision", "recall")


def figure_names(classes: ClassTable, losses: Sequence[str]) -> tuple[str, ...]:
    """Return what an epoch is told in.

    Args:
        classes: Each has its own figures, named as IoU/roof.
        losses: The losses that are summed up (T,); where there are several, each has its own, as validation loss/dice.
    """
    parts = [f"validation loss/{name}" for name in tell_apart(losses)] if len(losses) > 1 else []
    each = [f"{kind}/{name}" for kind in _OF_EACH_CLASS for name in tell_apart(classes.names)]
    return (*_OF_EPOCH, *parts, *_OF_ALL_CLASSES, *each)


def name_figures(epoch: Epoch, names: Sequence[str]) -> dict[str, float]:
    """Return the figures of an epoch: seconds, rates, losses, and shares of pixels from 0 to 1.

    Args:
        epoch: The epoch.
        names: What `figure_names` returned.

    Returns:
        A figure for each name; NaN where there is none, as of a class that the validation tiles lack.
    """
    measured, scores = epoch.measured, epoch.measured.scores
    values = [
        *(epoch.seconds, epoch.learning_rate, epoch.loss, measured.loss),
        *(measured.loss_parts if len(measured.loss_parts) > 1 else ()),
        *(scores.mean_iou, scores.foreground_iou, scores.accuracy),
        *(*scores.iou, *scores.f1, *scores.precision, *scores.recall),
    ]
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def tell_apart(names: Sequence[str]) -> Iterator[str]:
    """Yield the names, with a number behind each that has come before."""
    seen: set[str] = set()
    for name in names:
        distinct = next(one for one in (name if n == 1 else f"{name} {n}" for n in count(1)) if one not in seen)
        seen.add(distinct)
        yield distinct

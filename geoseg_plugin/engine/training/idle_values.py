"""Values that a request gives, and that have no effect because of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...contract.events import Report
from ...contract.fields import fields_of, value_in_words
from ...contract.presets import PRESET
from ...contract.stages.training import TrainSegmentation
from ...contract.stages.training_parts.augmentation import VariesTiles
from ...contract.stages.training_parts.sampling import HARD, TARGET
from ...contract.stages.training_parts.steps import PLATEAU, POLY, SGD

_ALL = 100  # percent


@dataclass(frozen=True)
class _Rule:
    """Which values have an effect only in some requests.

    Attributes:
        names: Their fields.
        counts: Tells whether they have one in a request.
        why: Why they have none in others, as a sentence.
    """

    names: tuple[str, ...]
    counts: Callable[[TrainSegmentation], bool]
    why: str


def _has_single_tiles(request: TrainSegmentation) -> bool:
    """Whether a batch is one tile, which nothing can be mixed with."""
    return request.batch_size == 1 and request.devices == 1


_VARIED = tuple(field.name for field in fields_of(VariesTiles) if field.name != "augment")
_RULES = (
    _Rule(
        ("tile_size", "overlap", "validation"), lambda request: request.dataset is None,
        "The tiles of DATASET are as 'Make training tiles' has made them.",
    ),
    _Rule(_VARIED, lambda request: request.augment, "AUGMENT is off."),
    _Rule(("cutout_size",), lambda request: request.cutout > 0 or not request.augment, "CUTOUT is 0."),
    _Rule(
        ("mixup", "cutmix"), lambda request: not _has_single_tiles(request) or not request.augment,
        "Tiles are mixed with others of their batch, but BATCH_SIZE is 1.",
    ),
    _Rule(
        ("sampling",),
        lambda request: (
            request.sampling != HARD
            or not request.augment
            or request.mixup + request.cutmix < _ALL
            or _has_single_tiles(request)
        ),
        "Tiles are judged where batches are not mixed: set MIXUP and CUTMIX to less than 100 together.",
    ),
    _Rule(("border_width",), lambda request: request.border_weight > 0, "BORDER_WEIGHT is 0."),
    _Rule(("target_share",), lambda request: request.sampling == TARGET, f"It is for SAMPLING '{TARGET}'."),
    _Rule(("power",), lambda request: request.schedule == POLY, f"It is for SCHEDULE {POLY}."),
    _Rule(("plateau_epochs",), lambda request: request.schedule == PLATEAU, f"It is for SCHEDULE {PLATEAU}."),
    _Rule(("momentum",), lambda request: request.optimizer == SGD, f"It is for OPTIMIZER {SGD}."),
    _Rule(("experiment",), lambda request: request.mlflow, "It is for MLFLOW."),
)  # fmt: skip


def warn_of_idle_values(request: TrainSegmentation, report: Report) -> None:
    """Warn of values that have no effect, where the user has set them: neither defaults nor those of PRESET.

    Args:
        request: What was asked for.
        report: Where warnings go.
    """
    usual = {field.name: {field.default} for field in fields_of(request)}
    if request.preset in PRESET:
        for name, value in PRESET[request.preset].values.items():
            usual[name].add(value)
    for rule in _RULES:
        own = [name for name in rule.names if getattr(request, name) not in usual[name]]
        if own and not rule.counts(request):
            given = ", ".join(f"{name.upper()} {value_in_words(getattr(request, name))}" for name in own)
            report.warn(f"{given} {'has' if len(own) == 1 else 'have'} no effect. {rule.why}")

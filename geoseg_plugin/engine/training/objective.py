"""What a training minimises, from what was asked for and from the dataset."""

from __future__ import annotations

from ....models.losses.class_weights import weigh_classes
from ....models.losses.loss import LossSettings
from ...contract.amounts import DECIMALS
from ...contract.errors import InputError, RequestError
from ...contract.given_weights import parse_given_weights
from ...contract.stages.training import TrainSegmentation
from ...contract.stages.training_parts.objective import GIVEN, UNWEIGHTED
from ..datasets.dataset import TRAIN, Dataset
from .checks import check_that_some_count
from .class_counts import read_class_counts

_WITHOUT_COUNTS = f"Or set CLASS_WEIGHTS to {UNWEIGHTED} or {GIVEN}."


def choose_loss(request: TrainSegmentation, dataset: Dataset) -> LossSettings:
    """Return what is to be minimised.

    Raises:
        RequestError: GIVEN_WEIGHTS does not name the classes of the dataset, or is 0 for all that tiles show.
        InputError: tiles.gpkg does not tell how many pixels of each class the training tiles have.
    """
    return LossSettings(
        request.loss_terms(), _class_weights(request, dataset), request.label_smoothing, request.border_weight,
        request.border_width,
    )  # fmt: skip


def describe_loss(settings: LossSettings, names: tuple[str, ...]) -> str:
    """Return in words what is minimised.

    Args:
        settings: The loss.
        names: The names of the classes.
    """
    parts = [" + ".join(str(term) for term in settings.terms)]
    if settings.class_weights:
        each = zip(names, settings.class_weights, strict=True)
        parts.append(f"class weights {', '.join(f'{name} {weight:.4g}' for name, weight in each)}")
    if settings.label_smoothing:
        parts.append(f"label smoothing {settings.label_smoothing:g}")
    if settings.border_weight:
        parts.append(f"border weight {settings.border_weight:g} within {settings.border_width} pixels")
    return "; ".join(parts)


def _class_weights(request: TrainSegmentation, dataset: Dataset) -> tuple[float, ...]:
    if request.class_weights == UNWEIGHTED:
        return ()
    if request.class_weights == GIVEN:
        weights = _given_weights(request.given_weights or "", dataset.classes.names)
        if not all(weights):
            _check_that_some_count(weights, dataset)
        return weights
    return weigh_classes(request.class_weights, read_class_counts(dataset, dataset.split(TRAIN), _WITHOUT_COUNTS))


def _check_that_some_count(weights: tuple[float, ...], dataset: Dataset) -> None:
    try:
        counts = read_class_counts(dataset, dataset.split(TRAIN), _WITHOUT_COUNTS)
    except InputError:  # given weights do not need the layer, and the first epoch tells the same
        return
    check_that_some_count(weights, counts.sum(axis=0), dataset.classes)


def _given_weights(text: str, names: tuple[str, ...]) -> tuple[float, ...]:
    given = parse_given_weights(text)
    unknown, missing = [name for name in given if name not in names], [name for name in names if name not in given]
    if unknown or missing:
        what = (
            f"a weight to '{unknown[0]}', which is no class of the dataset" if unknown else f"'{missing[0]}' no weight"
        )
        fix = f"Give each of these a weight: {', '.join(names)}. {DECIMALS}"
        raise RequestError(f"GIVEN_WEIGHTS gives {what}.", fix)
    return tuple(given[name] for name in names)

"""Opens all models that are to answer, and joins them."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from .....models.card import Card
from ....contract.errors import ModelError
from ....contract.events import Report
from ..networks.runtime import Runtime, open_network
from .joint_predictor import JointPredictor
from .predictor import Predictor, SinglePredictor
from .variations import Variation, list_variations


class PredictorRequest(Protocol):
    """What the stages that predict say of models, opinions and runtimes, under the names of their parameters."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def model(self) -> str: ...  # noqa: D102

    @property
    def further_models(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def test_time_augmentation(self) -> str: ...  # noqa: D102

    @property
    def scales(self) -> str | None: ...  # noqa: D102

    @property
    def ensemble(self) -> str: ...  # noqa: D102

    @property
    def device(self) -> str: ...  # noqa: D102

    @property
    def precision(self) -> str: ...  # noqa: D102

    @property
    def backend(self) -> str: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102

    @property
    def tile_size(self) -> int: ...  # noqa: D102


def open_predictor(request: PredictorRequest, report: Report) -> Predictor:
    """Load MODEL and FURTHER_MODELS, and return what joins their answers.

    Where PRECISION and BACKEND are auto they run in float32, with the library that each file is made for:
    `settling.settle` finds out whether they run faster otherwise.

    Raises:
        RequestError: A library cannot run a model, or not in this precision; or SCALES cannot be read.
        ModelError: A model is missing, damaged, no model of GeoSeg, or does not go with the first one.
        GeosegError: The device is not there.
        Cancelled: The user has asked to stop.
    """
    variations = list_variations(request.test_time_augmentation, request.scales)
    runtime = Runtime(request.device, request.precision, request.backend, request.batch_size, request.tile_size)
    paths = (request.model, *request.further_models)
    networks = []
    for number, path in enumerate(paths, start=1):
        if len(paths) > 1:
            report.progress(0.0, f"Loading model {number} of {len(paths)}")
        networks.append(open_network(path, runtime, report))
        check_classes(networks[0].card, networks[-1].card, path)
    if len(networks) == 1 and variations == (Variation(),):
        return SinglePredictor(networks[0])
    return JointPredictor(networks, variations, request.ensemble, report)


def check_classes(first: Card, other: Card, path: str) -> None:
    """Make sure that a further model knows the same classes as the first one, by value and name.

    Raises:
        ModelError: It does not.
    """
    ours, theirs = (dict(zip(card.classes.values, card.classes.names, strict=True)) for card in (first, other))
    if ours != theirs:
        raise ModelError(
            f"The classes of {path} are {_in_words(theirs)}, those of MODEL {_in_words(ours)}.",
            "Give as FURTHER_MODELS only models with the same class values and names.",
        )


def _in_words(classes: dict[int, str]) -> str:
    return ", ".join(f"{value} {name}" for value, name in sorted(classes.items()))

"""Where a training is recorded beside others."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage


@dataclass(frozen=True, init=False, repr=False, eq=False)
class TracksTraining(Stage):
    """Runs of MLflow."""

    mlflow: bool = ask(
        Kind.FLAG, "Track with MLflow", "Record parameters, the figures of every epoch, model and report as a run of "
        "MLflow: on the server that the variable MLFLOW_TRACKING_URI names, else in a store on this computer, which "
        "'Tracking server' shows.", default=False, advanced=True,
    )  # fmt: skip
    experiment: str = ask(
        Kind.TEXT, "Experiment", "For MLFLOW: the experiment that the run belongs to; it is made where it is missing.",
        default="GeoSeg", advanced=True,
    )  # fmt: skip

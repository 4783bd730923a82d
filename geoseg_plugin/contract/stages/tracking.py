"""The stage that starts and stops pages on which trainings can be watched."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .stage import Stage

START, STOP, STATUS = "start", "stop", "status"
ACTIONS = {
    START: "start the server, unless it runs already.",
    STOP: "end the server that was started here.",
    STATUS: "only say whether it runs.",
}
MLFLOW, TENSORBOARD = "mlflow", "tensorboard"
TOOLS = {
    MLFLOW: "compares all trainings with MLFLOW of this computer.",
    TENSORBOARD: "shows the training log in LOG, also while it grows.",
}


@dataclass(frozen=True)
class TrackingServerResult:
    """What TrackingServer gives back."""

    address: str | None = give(Kind.TEXT, "Address", "The page to open in a browser; empty where no server runs.")
    port: int = give(Kind.NUMBER, "Port", "The port of the server, 0 where none runs.")
    running: int = give(Kind.NUMBER, "Running", "1 where a server runs, else 0.")


@dataclass(frozen=True)
class TrackingServer(Stage):
    """Start or stop a server with pages that show how trainings go, to be opened in a browser on this computer.

    The server goes on when QGIS is closed, until it is stopped here. It answers this computer only. MLflow shows every
    training that was run with MLFLOW, TensorBoard the training log of one, or of all in a folder of several.
    """

    title = "Tracking server"
    group = "Training"
    tags = ("mlflow", "tensorboard", "dashboard", "watch", "monitor", "metrics", "compare", "experiments", "browser")
    result = TrackingServerResult

    action: str = ask(
        Kind.CHOICE, "Action", "What to do.", default=START, choices=tuple(ACTIONS), notes=tuple(ACTIONS.values())
    )
    tool: str = ask(
        Kind.CHOICE, "Tool", "Which server.", default=MLFLOW, choices=tuple(TOOLS), notes=tuple(TOOLS.values())
    )
    log: str | None = ask(
        Kind.FOLDER, "Training log", "For TensorBoard: LOG of a training, or a folder of several.", optional=True
    )
    port: int = ask(
        Kind.NUMBER, "Port", "Where the server listens; 0 takes one that is free.", default=0, integer=True, minimum=0,
        maximum=65535, advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """TensorBoard needs a log to show."""
        if self.action == START and self.tool == TENSORBOARD and self.log is None:
            raise RequestError("TensorBoard has nothing to show: LOG is empty.", "Give LOG of a training.")

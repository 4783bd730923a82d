"""A training as a run of MLflow."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....contract.errors import Cancelled, GeosegError, first_line
from ....contract.events import Report
from .epoch_figures import tell_apart
from .mlflow_store import URI_VARIABLE, artifacts_of, connect, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

TRAINING_TAG = "geoseg.training"

# What MLflow takes at once.
_MOST_METRICS = 1000
_MOST_PARAMETERS = 100
_LONGEST_NAME = 240
_REFUSED = re.compile(r"[^\w.\- /]")
# Of the time that has gone by, no more than this part is lost to a server that does not answer.
_LOST_SHARE = 0.05


@dataclass(frozen=True)
class RunFacts:
    """What is known of a training before its first epoch.

    Attributes:
        experiment: The experiment that it belongs to.
        model: The model file to write.
        fingerprint: That of the dataset.
        dataset: What the dataset is, in words.
        parameters: What was asked for and chosen, by name.
        first_epoch: The first epoch that will be trained.
    """

    experiment: str
    model: Path
    fingerprint: str
    dataset: str
    parameters: Mapping[str, Any]
    first_epoch: int

    @property
    def training(self) -> str:
        """A name of this training that a run which goes on with it has too."""
        return hashlib.sha256(f"{self.model.absolute()} {self.fingerprint}".encode()).hexdigest()


class MlflowRun:
    """Sends what becomes known of a training. Where that fails it warns once, and tries again with a later epoch.

    Attributes:
        finished: Whether the training has come to its end, where it does without an error.

    Args:
        client: The way to the store.
        run_id: The run.
        report: Where the warning goes.
    """

    def __init__(self, client: MlflowClient, run_id: str, report: Report) -> None:
        self.finished = True
        self._client = client
        self._id = run_id
        self._report = report
        self._waiting: list[Metric] = []
        self._warned = False
        self._not_before = 0.0

    def add(self, number: int, figures: Mapping[str, float]) -> None:
        """Send the figures of an epoch.

        Args:
            number: The number of the epoch.
            figures: Its figures by name; NaN, where there is none, is left out.
        """
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        names = name_metrics(tuple(figures))
        self._waiting += [
            Metric(names[name], value, now, number) for name, value in figures.items() if not math.isnan(value)
        ]
        if time.monotonic() < self._not_before:
            return
        error = self._try(self._send)
        if error and not self._warned:
            self._warned = True
            self._report.warn(
                f"MLflow does not take what it is told ({error}). Training goes on, and its figures are sent when it "
                "answers again."
            )

    def add_file(self, path: Path) -> None:
        """Send a file that belongs to the run."""
        error = self._try(lambda: self._client.log_artifact(self._id, str(path)))
        if error:
            self._report.warn(f"MLflow has not taken {path.name} ({error}).")

    def end(self, status: str) -> None:
        """Send what is still waiting, and say how the training ended: FINISHED, FAILED or KILLED."""
        error = self._try(self._send) or self._try(lambda: self._client.set_terminated(self._id, status))
        if error:
            self._report.warn(f"MLflow does not know how the training ended ({error}).")

    def _send(self) -> None:
        while self._waiting:
            self._client.log_batch(self._id, metrics=self._waiting[:_MOST_METRICS], synchronous=True)
            del self._waiting[:_MOST_METRICS]

    def _try(self, send: Callable[[], None]) -> str:
        """Do it and return "", or why it has failed: whatever that was, no training ends because of it."""
        started = time.monotonic()
        try:
            send()
        except Exception as error:  # noqa: BLE001 - the client has errors of its own, of its HTTP and of its database
            now = time.monotonic()
            self._not_before = now + (now - started) / _LOST_SHARE
            return first_line(error)
        return ""


@contextmanager
def open_run(facts: RunFacts, report: Report) -> Iterator[MlflowRun]:
    """Begin a run, or go on with that of the same training which ended early; in the end say how the training ended.

    Raises:
        GeosegError: The store cannot be reached or does not take the run.
    """
    uri = store_uri()
    try:
        client = connect(uri)
        run_id = _find_run(client, facts) or _begin_run(client, facts, uri)
    except Exception as error:  # the client has errors of its own, of its HTTP and of its database
        raise GeosegError(f"MLflow cannot be used at {uri}: {first_line(error)}.", _advice(uri)) from error
    report.note(f"Tracked by MLflow in the experiment '{facts.experiment}' at {uri}, run {run_id}.")
    run = MlflowRun(client, run_id, report)
    try:
        yield run
    except BaseException as error:
        run.end("KILLED" if isinstance(error, (Cancelled, KeyboardInterrupt)) else "FAILED")
        raise
    run.end("FINISHED" if run.finished else "KILLED")


def _advice(uri: str) -> str:
    if uri.startswith("http"):
        return f"Start that server, correct {URI_VARIABLE}, or train without MLFLOW."
    return f"Give another EXPERIMENT, correct {URI_VARIABLE} if it is set, or train without MLFLOW."


def _find_run(client: MlflowClient, facts: RunFacts) -> str | None:
    experiment = client.get_experiment_by_name(facts.experiment)
    if facts.first_epoch == 1 or experiment is None:
        return None
    mine = f"tags.`{TRAINING_TAG}` = '{facts.training}' and attributes.status != 'FINISHED'"
    found = client.search_runs([experiment.experiment_id], mine, max_results=1, order_by=["start_time DESC"])
    if not found:
        return None
    client.update_run(found[0].info.run_id, status="RUNNING")
    return str(found[0].info.run_id)


def _begin_run(client: MlflowClient, facts: RunFacts, uri: str) -> str:
    from mlflow.entities import Param

    experiment = client.get_experiment_by_name(facts.experiment)
    if experiment is None:
        experiment_id = client.create_experiment(facts.experiment, artifact_location=artifacts_of(uri))
    else:
        experiment_id = experiment.experiment_id
    tags = {
        "dataset": facts.dataset,
        "fingerprint": facts.fingerprint,
        "model": str(facts.model),
        TRAINING_TAG: facts.training,
        "mlflow.source.name": "GeoSeg",
    }
    run_id = str(client.create_run(experiment_id, tags=tags, run_name=facts.model.stem).info.run_id)
    told = [Param(name, str(value)) for name, value in facts.parameters.items() if value not in (None, "", ())]
    for start in range(0, len(told), _MOST_PARAMETERS):
        client.log_batch(run_id, params=told[start : start + _MOST_PARAMETERS], synchronous=True)
    return run_id


def name_metrics(names: Sequence[str]) -> dict[str, str]:
    """Return for each name one that MLflow takes: it refuses some letters, and parts of paths that lead elsewhere."""
    cleaned = []
    for name in names:
        parts = (part.strip(". ") or "_" for part in _REFUSED.sub("_", name).split("/"))
        cleaned.append("/".join(parts)[:_LONGEST_NAME])
    return dict(zip(names, tell_apart(cleaned), strict=True))

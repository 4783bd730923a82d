"""Where MLflow keeps the runs of trainings, and the way to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ....contract.home import engine_home

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI_VARIABLE = "MLFLOW_TRACKING_URI"

# MLflow tells its makers how it is used unless told not to, would start helpers of its server that nothing here needs,
# and by default tries for minutes to reach a server that is gone. What the user has set is left.
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


def store_uri() -> str:
    """Return where runs go: what MLFLOW_TRACKING_URI says, else the store of this computer."""
    return os.environ.get(URI_VARIABLE) or local_uri()


def local_uri() -> str:
    """Return the store of this computer, a file of SQLite as MLflow recommends; its folder is made."""
    _local_folder().mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(_local_folder() / 'mlflow.db').as_posix()}"


def local_artifacts() -> Path:
    """Return the folder of the files that belong to runs in the store of this computer."""
    return _local_folder() / "artifacts"


def artifacts_of(uri: str) -> str | None:
    """Return where the files of runs in a store belong, None where the store knows.

    A database does not: MLflow would put them into whatever folder it happens to be started in.
    """
    from mlflow.store.db.db_types import DATABASE_ENGINES

    is_database = uri.partition(":")[0].partition("+")[0] in DATABASE_ENGINES
    return local_artifacts().as_uri() if is_database else None


def _local_folder() -> Path:
    return engine_home() / "mlflow"


def connect(uri: str) -> MlflowClient:
    """Return a client of a store. Only here is MLflow imported: it takes seconds."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(uri)

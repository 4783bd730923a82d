"""Where MLflow's runs go, and which settings its client works with."""

import os

import pytest
from geoseg.geoseg_plugin.engine.training.tracking.mlflow_store import (
    SETTINGS,
    artifacts_of,
    connect,
    local_artifacts,
    local_uri,
    store_uri,
)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "hüme"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "hüme"


def test_the_variable_comes_first(monkeypatch, home):
    assert store_uri() == local_uri() == f"sqlite:///{home}/mlflow/mlflow.db"
    assert (home / "mlflow").is_dir()
    assert local_artifacts() == home / "mlflow" / "artifacts"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert store_uri() == "http://tracking:5000"


@pytest.mark.parametrize("uri", ["sqlite:////data/runs.db", "postgresql+psycopg2://me@tracking/runs"])
def test_files_of_runs_in_a_database_have_a_place_too(uri, home):
    assert artifacts_of(uri) == artifacts_of(local_uri()) == (home / "mlflow" / "artifacts").as_uri()


@pytest.mark.parametrize("uri", ["http://tracking:5000", "file:///data/runs", "/data/runs", "databricks"])
def test_other_stores_keep_files_themselves(uri):
    assert artifacts_of(uri) is None


def test_nothing_is_told_to_others_and_the_users_own_settings_are_left(monkeypatch):
    # Set, so that what `connect` sets is taken back after the test.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    for name in SETTINGS:
        if name != "MLFLOW_HTTP_REQUEST_TIMEOUT":
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
    assert connect("http://tracking:5000").tracking_uri == "http://tracking:5000"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"

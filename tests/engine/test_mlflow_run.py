"""A training as a run of MLflow, read back with MLflow's own client."""

import math
import socket
import time
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError
from geoseg.geoseg_plugin.engine.training.tracking import mlflow_run, mlflow_store
from geoseg.geoseg_plugin.engine.training.tracking.mlflow_run import MlflowRun, RunFacts, name_metrics, open_run
from geoseg.geoseg_plugin.engine.training.tracking.mlflow_store import connect, local_uri


@pytest.fixture(scope="module", autouse=True)
def client(tmp_path_factory):
    """A client of the store of this computer, whose making takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOSEG_HOME", str(tmp_path_factory.mktemp("home") / "größe"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name, value in mlflow_store.SETTINGS.items():
            patch.setenv(name, value)
        yield connect(local_uri())


@pytest.fixture
def facts(tmp_path):
    return RunFacts(
        experiment="GeoSeg", model=tmp_path / "roofs.safetensors", fingerprint="abc", dataset="/data/roofs",
        parameters={"epochs": 3, "loss": "dice", "report": None, "augment": True}, first_epoch=1,
    )  # fmt: skip


def newest(client, experiment="GeoSeg"):
    number = client.get_experiment_by_name(experiment).experiment_id
    return client.search_runs([number], order_by=["start_time DESC"])[0]


def test_all_of_it_can_be_read_back(client, facts, recorder, tmp_path):
    facts.model.write_bytes(b"weights")
    page = tmp_path / "page.html"
    page.write_text("<p>")
    with open_run(facts, recorder) as run:
        run.add(1, {"loss": 0.1 + 0.2, "IoU/big roof": math.nan})
        assert newest(client).data.metrics == {"loss": 0.1 + 0.2}
        assert newest(client).info.status == "RUNNING"
        run.add(2, {"loss": 0.25, "IoU/big roof": 0.5})
        run.add_file(facts.model)
        run.add_file(page)
    found = newest(client)
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "roofs"
    assert found.data.params == {"epochs": "3", "loss": "dice", "augment": "True"}
    assert found.data.metrics == {"loss": 0.25, "IoU/big roof": 0.5}
    assert [(one.step, one.value) for one in client.get_metric_history(found.info.run_id, "loss")] == [
        (1, 0.1 + 0.2), (2, 0.25)
    ]  # fmt: skip
    assert found.data.tags["dataset"] == "/data/roofs"
    assert found.data.tags["fingerprint"] == "abc"
    assert [one.path for one in client.list_artifacts(found.info.run_id)] == ["page.html", "roofs.safetensors"]
    assert (mlflow_store.local_artifacts() / found.info.run_id / "artifacts" / facts.model.name).exists()
    assert recorder.warnings == []
    assert any(found.info.run_id in note for note in recorder.notes)


@pytest.mark.parametrize(("error", "status"), [(Cancelled(), "KILLED"), (ValueError("no"), "FAILED")])
def test_how_a_training_ended_is_told(client, facts, recorder, error, status):
    with pytest.raises(type(error)), open_run(facts, recorder):
        raise error
    assert newest(client).info.status == status


def test_one_that_was_cancelled_and_keeps_its_best_is_not_finished(client, facts, recorder):
    with open_run(facts, recorder) as run:
        run.finished = False
    assert newest(client).info.status == "KILLED"


def test_a_training_that_goes_on_does_so_in_its_run(client, facts, recorder):
    with pytest.raises(Cancelled), open_run(facts, recorder) as run:
        run.add(1, {"loss": 1.0})
        raise Cancelled
    first = newest(client).info.run_id
    later = RunFacts(**{**vars(facts), "first_epoch": 2, "parameters": {"epochs": 9}})
    with open_run(later, recorder) as run:
        run.add(2, {"loss": 0.5})
    assert newest(client).info.run_id == first
    assert [one.step for one in client.get_metric_history(first, "loss")] == [1, 2]
    assert newest(client).data.params["epochs"] == "3"
    with open_run(later, recorder):
        assert newest(client).info.run_id != first, "that one was finished"
    with open_run(RunFacts(**{**vars(later), "experiment": "Another"}), recorder):
        assert newest(client, "Another").info.status == "RUNNING"


def test_a_server_that_cannot_be_reached_is_an_error_at_the_start(monkeypatch, facts, recorder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with (
        pytest.raises(GeosegError, match=f"MLflow cannot be used at {uri}: .*correct MLFLOW_TRACKING_URI"),
        open_run(facts, recorder),
    ):
        pass


class Flaky:
    """A client that fails as long as it is told to."""

    def __init__(self):
        self.fails = False
        self.sent = []
        self.tries = 0

    def log_batch(self, run_id, metrics, synchronous):
        self.tries += 1
        if self.fails:
            time.sleep(0.01)
            raise ConnectionError("the server is gone\nlong story")
        self.sent += [(one.key, one.step) for one in metrics]

    def log_artifact(self, run_id, path):
        raise OSError("no room")

    def set_terminated(self, run_id, status):
        self.log_batch(run_id, [], synchronous=True)


def test_a_server_that_fails_later_is_warned_of_once_and_gets_all_when_it_is_back(monkeypatch, recorder):
    flaky = Flaky()
    run = MlflowRun(flaky, "1", recorder)
    run.add(1, {"loss": 1.0})
    flaky.fails = True
    monkeypatch.setattr(mlflow_run, "_LOST_SHARE", 1e9)
    run.add(2, {"loss": 1.0})
    run.add(3, {"loss": 1.0})
    assert len(recorder.warnings) == 1
    assert "(the server is gone). Training goes on" in recorder.warnings[0]
    flaky.fails = False
    run.add(4, {"loss": 1.0})
    assert flaky.sent == [("loss", 1), ("loss", 2), ("loss", 3), ("loss", 4)]


def test_little_time_is_lost_to_a_server_that_is_gone(recorder):
    flaky = Flaky()
    flaky.fails = True
    run = MlflowRun(flaky, "1", recorder)
    for number in range(1, 5):
        run.add(number, {"loss": 1.0})
    assert flaky.tries == 1
    flaky.fails = False
    run.end("FINISHED")
    assert [step for _, step in flaky.sent] == [1, 2, 3, 4]
    assert len(recorder.warnings) == 1


def test_what_is_lost_in_the_end_is_said(recorder):
    flaky = Flaky()
    flaky.fails = True
    run = MlflowRun(flaky, "1", recorder)
    run.add_file(Path("a/page.html"))
    run.end("FINISHED")
    assert recorder.warnings == [
        "MLflow has not taken page.html (no room).",
        "MLflow does not know how the training ended (the server is gone).",
    ]


def test_many_figures_go_in_parts(recorder):
    flaky = Flaky()
    MlflowRun(flaky, "1", recorder).add(1, {f"IoU/{number}": 0.5 for number in range(2345)})
    assert flaky.tries == 3
    assert len(set(flaky.sent)) == 2345


def test_names_become_such_as_mlflow_takes(client, facts, recorder):
    hard = (
        "IoU/a:b*c",
        "IoU/a?b*c",
        "IoU/../x",
        "IoU//",
        "IoU/Straße 地図",
        "loss/2 * f-beta(0.5)",
        "IoU/" + "x" * 300,
    )
    names = name_metrics(hard)
    assert len(set(names.values())) == len(hard)
    assert names["IoU/Straße 地図"] == "IoU/Straße 地図"
    assert names["IoU/a:b*c"] == "IoU/a_b_c"
    with open_run(facts, recorder) as run:
        run.add(1, dict.fromkeys(hard, 0.5))
    assert set(newest(client).data.metrics) == set(names.values())
    assert recorder.warnings == []

"""The servers of TensorBoard and MLflow, started and stopped for real."""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, EngineError, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.tracking import TrackingServer, TrackingServerResult
from geoseg.geoseg_plugin.engine import tracking_server
from geoseg.geoseg_plugin.engine.lasting_process import start_lasting
from geoseg.geoseg_plugin.engine.tracking_server import serve_tracking
from torch.utils.tensorboard import SummaryWriter

ROOT = Path(__file__).resolve().parents[2]
NOTHING = TrackingServerResult(None, 0, 0)


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "hüme of mine"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield tmp_path / "hüme of mine"
    for tool in ("mlflow", "tensorboard"):
        place = tmp_path / "hüme of mine" / "servers" / f"{tool}.json"
        server = tracking_server.Lasting.load(place)
        if server is not None:
            server.end()


@pytest.fixture
def serve(recorder):
    return lambda action, **values: serve_tracking(TrackingServer(action=action, **values), recorder)


def fetch(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return answer.read()


def command(action, **values):
    """Run the stage as a command, in a process of its own."""
    options = [part for name, value in values.items() for part in (f"--{name}", str(value))]
    line = [sys.executable, ROOT / "geoseg_plugin", "tracking-server", "--action", action, *options]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def test_tensorboard_outlives_the_process_that_started_it(tmp_path):
    with SummaryWriter(str(tmp_path / "log" / "run 1")) as writer:
        writer.add_scalar("mean IoU", 0.5, 1)
    options = {"tool": "tensorboard", "log": tmp_path / "log"}
    assert command("status", tool="tensorboard") == {"address": None, "port": 0, "running": 0}
    started = command("start", **options)
    assert started == {"address": f"http://127.0.0.1:{started['port']}", "port": started["port"], "running": 1}
    assert json.loads(fetch(f"{started['address']}/data/runs")) == ["run 1"]
    assert command("start", **options) == started
    assert command("stop", tool="tensorboard") == {"address": None, "port": 0, "running": 0}
    with pytest.raises(OSError, match="refused"):
        fetch(started["address"])


def test_mlflow_shows_the_store_of_this_computer(serve, recorder, home):
    started = serve("start", tool="mlflow")
    assert started.running == 1
    assert b"<!doctype html>" in fetch(started.address)[:100].lower()
    default = json.loads(fetch(f"{started.address}/api/2.0/mlflow/experiments/get?experiment_id=0"))["experiment"]
    assert default["artifact_location"].startswith((home / "mlflow" / "artifacts").as_uri())
    assert (home / "mlflow" / "mlflow.db").is_file()
    assert serve("start", tool="mlflow") == serve("status", tool="mlflow") == started
    assert serve("stop", tool="mlflow") == serve("stop", tool="mlflow") == serve("status", tool="mlflow") == NOTHING
    with pytest.raises(OSError, match="refused"):
        fetch(started.address)
    assert recorder.notes[0] == f"MLflow runs at {started.address} and shows sqlite:///{home}/mlflow/mlflow.db"


@pytest.fixture
def stand_in(monkeypatch):
    """Lets a plain HTTP server of Python stand in for TensorBoard."""

    def line(folder, port):
        return [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", folder]

    monkeypatch.setitem(tracking_server._COMMANDS, "tensorboard", line)


def test_one_that_runs_is_not_put_aside_for_another(serve, stand_in, tmp_path):
    started = serve("start", tool="tensorboard", log=str(tmp_path))
    (tmp_path / "other").mkdir()
    with pytest.raises(RequestError, match=r"shows .*, not .*other\. Stop it first"):
        serve("start", tool="tensorboard", log=str(tmp_path / "other"))
    with pytest.raises(RequestError, match=f"runs already on port {started.port}, not 1234"):
        serve("start", tool="tensorboard", log=str(tmp_path), port=1234)
    assert serve("start", tool="tensorboard", log=str(tmp_path), port=started.port) == started
    serve("stop", tool="tensorboard")


def test_a_port_in_use_is_refused(serve, stand_in, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"Port {port} cannot be used: Address already in use"):
            serve("start", tool="tensorboard", log=str(tmp_path), port=port)
    started = serve("start", tool="tensorboard", log=str(tmp_path), port=port)
    assert started.address == f"http://127.0.0.1:{port}"


def test_why_a_server_did_not_start_is_told(serve, monkeypatch, tmp_path, home):
    fails = [sys.executable, "-c", "import sys; sys.exit('first\\nno such store')"]
    monkeypatch.setitem(tracking_server._COMMANDS, "tensorboard", lambda *_: fails)
    with pytest.raises(EngineError, match=r"TensorBoard ended before it answered\. .* first / no such store"):
        serve("start", tool="tensorboard", log=str(tmp_path))
    assert not (home / "servers" / "tensorboard.json").exists()


@pytest.fixture
def silent(monkeypatch):
    """Lets a process that never answers stand in for TensorBoard; those that were started are listed."""
    started = []

    def start(*arguments):
        started.append(start_lasting(*arguments))
        return started[-1]

    line = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setitem(tracking_server._COMMANDS, "tensorboard", lambda *_: line)
    monkeypatch.setattr(tracking_server, "start_lasting", start)
    return started


def test_one_that_does_not_answer_in_time_is_ended(serve, silent, monkeypatch, tmp_path):
    monkeypatch.setattr(tracking_server, "_PATIENCE_S", 0.3)
    with pytest.raises(EngineError, match="did not answer within 0 s"):
        serve("start", tool="tensorboard", log=str(tmp_path))
    assert [one.find() for one in silent] == [None]
    assert serve("status", tool="tensorboard") == NOTHING


def test_cancelling_ends_it(make_recorder, silent, tmp_path):
    recorder = make_recorder(lambda one: bool(one.texts))
    with pytest.raises(Cancelled):
        serve_tracking(TrackingServer(tool="tensorboard", log=str(tmp_path)), recorder)
    assert [one.find() for one in silent] == [None]
    assert serve_tracking(TrackingServer(tool="tensorboard", action="status"), recorder) == NOTHING


def test_what_speaks_no_http_is_no_answer(monkeypatch, recorder):
    monkeypatch.setattr(tracking_server, "_PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak():
            caller, _ = other.accept()
            with caller:
                caller.sendall(b"220 ready for mail\r\n")

        speaker = threading.Thread(target=speak)
        speaker.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}/"
        monkeypatch.setattr(tracking_server, "_ANSWER_S", 0.1)
        assert tracking_server._wait(SimpleNamespace(find=lambda: True), url, recorder) == "did not answer within 0 s"
        speaker.join()


def test_a_record_of_a_process_that_is_gone_is_nothing(serve, home):
    place = home / "servers" / "mlflow.json"
    place.parent.mkdir(parents=True)
    facts = {"address": "http://127.0.0.1:1", "port": 1, "shows": "x"}
    tracking_server.Lasting(os.getpid(), 1.0, ("python", "-m", "mlflow"), facts).save(place)
    assert serve("status", tool="mlflow") == serve("stop", tool="mlflow") == NOTHING


def test_what_cannot_be_shown_is_refused(serve, monkeypatch, tmp_path):
    with pytest.raises(RequestError, match="LOG is empty"):
        TrackingServer(tool="tensorboard")
    with pytest.raises(InputError, match="There is no folder"):
        serve("start", tool="tensorboard", log=str(tmp_path / "nowhere"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    with pytest.raises(InputError, match="tracked at http://tracking:5000, as MLFLOW_TRACKING_URI says"):
        serve("start", tool="mlflow")

"""The other processes of a run: given the request, ended with the block, and their last words told."""

import json
import sys
import time

import psutil
import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError, InputError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.processes import fellows
from geoseg.geoseg_plugin.engine.processes.fellows import start_fellows

REQUEST = TrainSegmentation(dataset="d", model="m.safetensors", epochs=7)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a script in place of workers."""

    def go(text, size=2, **variables):
        script = tmp_path / "script.py"
        script.write_text(f"import json, os, sys, time\n{text}\n")
        monkeypatch.setattr(fellows, "_ENTRY", script)
        return start_fellows(REQUEST, variables, size)

    return go


def wait_for_end(running):
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        error = running.why_ended()
        if error is not None:
            return error
        time.sleep(0.02)
    return None


def test_each_is_given_the_request_and_knows_which_it_is(start, tmp_path):
    text = (
        "request = json.loads(sys.stdin.readline())['parameters']\n"
        "told = [request['epochs'], os.environ['RANK'], os.environ['LOCAL_RANK'], os.environ['SAID'], sys.argv[1]]\n"
        f"open({str(tmp_path)!r} + '/' + os.environ['RANK'], 'w').write(json.dumps(told))\n"
    )
    with start(text, size=3, SAID="x") as running:
        give_up = time.monotonic() + 20
        while time.monotonic() < give_up and not all((tmp_path / one).is_file() for one in "12"):
            time.sleep(0.02)
        for process in psutil.Process().children():
            process.wait(timeout=20)
        assert running.why_ended() is None
    for rank in "12":
        assert json.loads((tmp_path / rank).read_text()) == [7, rank, rank, "x", "worker"]


def test_they_end_with_the_block_whatever_they_do(start):
    with start("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"):
        (process,) = psutil.Process().children()
        started = time.monotonic()
    assert not process.is_running()
    assert time.monotonic() - started < 5


def test_their_input_ends_with_the_first(start):
    """It is open as long as the first runs; nothing but that end is sent."""
    with start("sys.stdin.readline(); sys.exit(0 if sys.stdin.readline() else 9)") as running:
        (process,) = psutil.Process().children()
        time.sleep(0.2)
        assert process.is_running()
        running._started[0][0].stdin.close()
        assert "exit 9" in str(wait_for_end(running))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("print(json.dumps({'event': 'progress'})); sys.exit('no such module')", EngineError, "words: no such module"),
        ("import signal; os.kill(os.getpid(), signal.SIGKILL)", EngineError, "(SIGKILL). Perhaps memory was short"),
        (
            "print(json.dumps({'event': 'error', 'kind': 'InputError', 'message': 'Bad.', 'fix': ''})); sys.exit(1)",
            InputError, "Bad.",
        ),
    ],
    ids=["exit", "signal", "error"],
)  # fmt: skip
def test_why_one_has_ended_is_told(start, text, kind, said):
    with start(text) as running:
        error = wait_for_end(running)
    assert type(error) is kind
    assert said in str(error)


def test_they_run_on_the_python_of_the_first(start, tmp_path):
    text = f"open({str(tmp_path / 'which')!r}, 'w').write(sys.executable); sys.exit(1)"
    with start(text) as running:
        wait_for_end(running)
    assert (tmp_path / "which").read_text() == sys.executable


def test_of_many_events_none_is_told_in_part(start):
    events = "for _ in range(2000): print(json.dumps({'event': 'progress', 'percent': 1.0, 'text': 'x' * 40}))\n"
    with start(f"{events}sys.stdout.flush(); os.kill(os.getpid(), 9)") as running:
        error = wait_for_end(running)
    assert "SIGKILL" in error.message
    assert error.fix == "Perhaps memory was short: use fewer DEVICES."


def test_an_error_with_a_long_trace_is_told(start):
    told = {"event": "error", "kind": "InputError", "message": "It is damaged.", "fix": "", "trace": "line\n" * 3000}
    with start(f"print(json.dumps({told!r})); sys.exit(1)") as running:
        error = wait_for_end(running)
    assert isinstance(error, InputError)
    assert error.message == "It is damaged."

"""The worker speaks JSON lines alone on standard output, and ends as it should."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ENTRY = str(Path(__file__).resolve().parents[2] / "geoseg_plugin")


def start():
    return subprocess.Popen(
        [sys.executable, "-u", ENTRY, "worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def serve(line):
    worker = start()
    # Standard input stays open until the worker has ended: its end means that the host has died.
    worker.stdin.write(line + "\n")
    worker.stdin.flush()
    events = [json.loads(text) for text in worker.stdout]
    code = worker.wait(timeout=60)
    worker.stdin.close()
    worker.stdout.close()
    worker.stderr.close()
    return events, code


@pytest.fixture
def demo(tmp_path):
    parameters = {"size": 128, "output": str(tmp_path / "scene.tif"), "labels": str(tmp_path / "labels.gpkg")}
    return json.dumps({"stage": "demoscene", "parameters": parameters})


def test_a_request_ends_in_a_result(demo, tmp_path):
    events, code = serve(demo)

    assert code == 0
    assert events[0]["event"] == "hello"
    assert events[-1] == {
        "event": "result",
        "values": {"output": str(tmp_path / "scene.tif"), "labels": str(tmp_path / "labels.gpkg")},
    }
    percents = [event["percent"] for event in events if event["event"] == "progress"]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert not list(tmp_path.glob(".geoseg-*"))


@pytest.mark.parametrize(
    ("line", "said", "is_traced"),
    [
        ('{"stage": "clipraster", "parameters": {"input": "a"}}', "missing", False),
        ('{"stage": "none", "parameters": {}}', "no stage", False),
        ("no json", "fault of its own", True),
    ],
)
def test_a_wrong_request_ends_in_an_error(line, said, is_traced):
    events, code = serve(line)

    assert code == 1
    assert events[-1]["event"] == "error"
    assert said in events[-1]["message"]
    assert ("trace" in events[-1]) == is_traced


def test_a_name_that_is_no_text_is_sent_too():
    """On Linux names are bytes; those that are no UTF-8 come as lone surrogates."""
    events, _ = serve(json.dumps({"stage": "none \udcff", "parameters": {}}))

    assert events[-1]["event"] == "error"
    assert "none \udcff" in events[-1]["message"]


def test_the_worker_ends_when_the_host_has_gone(tmp_path):
    worker = start()
    parameters = {"size": 8192, "output": str(tmp_path / "scene.tif"), "labels": str(tmp_path / "labels.gpkg")}
    worker.stdin.write(json.dumps({"stage": "demoscene", "parameters": parameters}) + "\n")
    worker.stdin.flush()
    for line in worker.stdout:
        if json.loads(line)["event"] == "progress":
            break
    worker.stdin.close()
    worker.stdout.close()

    assert worker.wait(timeout=10) == 1
    worker.stderr.close()
    assert list(tmp_path.iterdir()) == []

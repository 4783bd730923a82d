"""Processes that go on: found again, and only those that were started are ended."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from geoseg.geoseg_plugin.engine.lasting_process import Lasting, start_lasting, tail

SLEEP = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)"]


@pytest.fixture
def start(tmp_path):
    """Starts a process; it is ended after the test."""
    started = []

    def go(command=SLEEP):
        started.append(start_lasting(command, tmp_path / "it.log", os.environ, {"port": 7}))
        return started[-1]

    yield go
    for one in started:
        one.end()


def test_it_is_found_again_from_what_was_written_down(start, tmp_path):
    lasting = start()
    assert lasting.find() is not None, "also in its first moments"
    lasting.save(tmp_path / "it.json")
    again = Lasting.load(tmp_path / "it.json")
    assert again == lasting
    assert again.facts["port"] == 7
    while "hello" not in tail(tmp_path / "it.log"):
        time.sleep(0.02)
    again.end()
    assert again.find() is None
    again.end()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"process_id": "x"}'])
def test_what_cannot_be_read_is_nothing(tmp_path, text):
    assert Lasting.load(tmp_path / "no.json") is None
    (tmp_path / "it.json").write_text(text)
    assert Lasting.load(tmp_path / "it.json") is None


def test_another_process_with_its_id_is_left_alone(tmp_path):
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    seen = psutil.Process(other.pid)
    while not seen.cmdline():
        time.sleep(0.01)
    true = Lasting(other.pid, seen.create_time(), tuple(seen.cmdline()), {})
    assert true.find() is not None
    for false in (replace(true, started=true.started - 60), replace(true, command=("python", "-m", "mlflow"))):
        assert false.find() is None
        false.end()
    assert other.poll() is None
    other.communicate(b"\n")
    assert other.returncode == 0


def test_what_it_has_started_ends_with_it(start, tmp_path):
    child = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    lasting = start([sys.executable, "-c", child + "print('hello', flush=True); time.sleep(60)"])
    while "hello" not in tail(tmp_path / "it.log"):
        time.sleep(0.02)
    (below,) = psutil.Process(lasting.process_id).children()
    lasting.end()
    assert not below.is_running() or below.status() == psutil.STATUS_ZOMBIE


def test_it_is_apart_from_the_process_that_started_it(start):
    lasting = start()
    assert os.getsid(lasting.process_id) == lasting.process_id != os.getsid(0)


def test_the_end_of_what_it_said_is_told(tmp_path):
    (tmp_path / "long.log").write_text("x" * 10_000 + "\nlast words\n")
    assert tail(tmp_path / "long.log").endswith("\nlast words")
    assert len(tail(tmp_path / "long.log")) <= 4000

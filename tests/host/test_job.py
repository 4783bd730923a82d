"""One worker per run: what it says arrives, and whatever becomes of it, nothing stays behind."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, EngineError, InputError
from geoseg.geoseg_plugin.contract.stages.imagery import DemoScene
from geoseg.geoseg_plugin.contract.stages.many_scenes import PredictScenes
from geoseg.geoseg_plugin.host import job, process

PYTHON = Path(sys.executable)
ROOT = Path(__file__).resolve().parents[2]


def is_running(process_id):
    return Path(f"/proc/{process_id}").exists()


PROLOGUE = """
import ctypes, json, os, signal, subprocess, sys, threading, time
from pathlib import Path

def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)

def result():
    say("result", values={"output": str(output), "labels": "labels"})

request = json.loads(sys.stdin.readline())
output = Path(request["parameters"]["output"])
staging, parts = [output.parent / f".geoseg-{output.name}{end}-{os.getpid()}" for end in ("", ".unfinished")]
for folder in (staging, parts):
    folder.mkdir()
    (folder / "part").write_text("half")
(output.parent / "pid").write_text(str(os.getpid()))
say("hello", version="9", python="3", pid=os.getpid())
say("progress", percent=50.0, text="half")
"""


@pytest.fixture
def run(tmp_path, listener):
    """Run a fake worker whose work is the given Python code."""
    folder = tmp_path / "größe 地"
    folder.mkdir()

    def run_fake(work, report=None, request=None):
        entry = tmp_path / "fake.py"
        entry.write_text(PROLOGUE + work, encoding="utf-8")
        request = request or DemoScene(output=str(folder / "scène.tif"), labels=str(folder / "l.shp"))
        return job.run_job(request, report or listener(), PYTHON, entry)

    run_fake.folder = folder
    yield run_fake
    assert not list(folder.glob(".geoseg-*"))
    pid = folder / "pid"
    assert not pid.exists() or not is_running(int(pid.read_text()))


FINISH = """
import shutil
shutil.rmtree(staging)
shutil.rmtree(parts)
result()
"""


def test_a_folder_that_is_filled_step_by_step_keeps_what_is_finished(run):
    maps = run.folder / "maps"
    request = PredictScenes(inputs=("a.tif",), model="m.onnx", output=str(maps))
    with pytest.raises(EngineError, match=r"The engine died .*Run it again to go on: finished scenes are skipped"):
        run(
            "for folder in (output, output / 'deep'):\n"
            "    (folder / f'.geoseg-b_classes.tif-{os.getpid()}').mkdir(parents=True)\n"
            "    (folder / '.geoseg-b_classes.tif-1').mkdir()\n"
            "    (folder / 'a_classes.tif').write_text('whole')\n"
            "os.kill(os.getpid(), 9)\n",
            request=request,
        )
    names = sorted(str(path.relative_to(maps)) for path in maps.rglob("*"))
    others = [".geoseg-b_classes.tif-1", "a_classes.tif"]  # of a process that may be at work
    assert names == sorted([*others, "deep", *(f"deep/{name}" for name in others)])


def test_events_arrive_in_order_on_the_calling_thread(run, listener):
    report = listener()
    answer = run(
        'for level in ("info", "warning", "debug"): say("log", level=level, text=level[0])\n'
        'say("metric", name="loss", value=0.5, step=2)\n' + FINISH,
        report,
    )
    assert answer.output == str(run.folder / "scène.tif")
    assert [heard for heard in report.heard if heard[0] != "detail"] == [
        ("progress", 0.5, "half"), ("note", "i"), ("warn", "w"), ("metric", "loss", 0.5, 2),
    ]  # fmt: skip
    assert "d" in report.texts("detail")
    assert len(report.thread_ids) == 1


def test_prints_do_not_disturb(run, listener):
    report = listener()
    run('print("some library says hello")' + FINISH, report)
    assert "some library says hello" in report.texts("detail")


def test_much_on_standard_error_does_not_block(run):
    assert run('sys.stderr.write("x" * 3_000_000)' + FINISH).labels == "labels"


def test_error_of_the_engine_arrives_whole(run):
    with pytest.raises(InputError) as caught:
        run(
            'say("error", kind="InputError", message="The raster is broken.", fix="Copy it again.", trace="T")\n'
            "sys.exit(1)"
        )
    assert caught.value.message == "The raster is broken."
    assert caught.value.fix == "Copy it again."


@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", r"exit -9: killed, probably out of memory"),
        ("ctypes.string_at(0)", r"exit -11: it crashed.*"),
        ("sys.exit(3)", r"exit 3"),
        ("sys.exit(0)", r"exit 0"),
        ("result(); sys.exit(3)", r"exit 3"),
        ("raise ValueError('some fault')", r"exit 1\).*some fault"),
    ],
)
def test_death_is_told_and_cleared_up(run, work, message):
    started = time.monotonic()
    with pytest.raises(EngineError, match=message):
        run(work)
    assert time.monotonic() - started < 3


def test_where_it_crashed_is_told(run, listener):
    report = listener()
    with pytest.raises(EngineError):
        run("ctypes.string_at(0)", report)
    assert "Segmentation fault" in report.texts("detail")[-1]


def test_children_that_keep_the_output_open_do_not_hold_us_up(run):
    with pytest.raises(EngineError, match="exit -9"):
        run("subprocess.Popen(['sleep', '60'])\nos.kill(os.getpid(), signal.SIGKILL)")


def test_last_words_that_are_heard_late_count(run, monkeypatch):
    """QGIS can keep the thread that reads from running while the worker ends."""

    def parse_late(line):
        time.sleep(0.6 if '"result"' in line else 0)
        return parse(line)

    parse = process._parse
    monkeypatch.setattr(process, "_parse", parse_late)
    assert run(FINISH).labels == "labels"


WAIT_FOR_CANCEL = 'assert sys.stdin.readline().strip() == "cancel"\n'


def test_cancel_is_passed_on(run, listener):
    started = time.monotonic()
    with pytest.raises(Cancelled, match="nothing was written"):
        run(
            WAIT_FOR_CANCEL + 'say("cancelled", kind="Cancelled", message="Cancelled; nothing was written.", fix="")\n'
            "import shutil; shutil.rmtree(staging); sys.exit(1)",
            listener(cancel_at="half"),
        )
    assert time.monotonic() - started < 2


def test_result_after_cancel_is_kept(run, listener):
    report = listener(cancel_at="half")
    assert run(WAIT_FOR_CANCEL + FINISH, report).labels == "labels"
    assert "kept" in report.texts("warn")[-1]


def test_result_after_cancel_is_kept_also_of_a_worker_that_does_not_end(run, listener):
    assert run(WAIT_FOR_CANCEL + FINISH + "time.sleep(60)\n", listener(cancel_at="half")).labels == "labels"


def test_hung_worker_is_killed_with_its_children(run, listener):
    started = time.monotonic()
    with pytest.raises(Cancelled, match="did not stop by itself"):
        run(
            "child = subprocess.Popen(['sleep', '60'])\n(output.parent / 'child').write_text(str(child.pid))\n"
            "time.sleep(60)",
            listener(cancel_at="half"),
        )
    assert 2.5 < time.monotonic() - started < 5
    time.sleep(0.2)
    state = Path(f"/proc/{(run.folder / 'child').read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_worker_that_still_speaks_may_finish(run, listener, monkeypatch):
    monkeypatch.setattr(job, "GRACE_S", 0.5)
    saving = 'for step in range(8):\n    say("progress", percent=60.0 + step, text="saving"); time.sleep(0.2)\n'
    assert run(WAIT_FOR_CANCEL + saving + FINISH, listener(cancel_at="half")).labels == "labels"


def test_worker_that_speaks_for_ever_is_killed(run, listener, monkeypatch):
    monkeypatch.setattr(job, "LONGEST_GRACE_S", 1.0)
    with pytest.raises(Cancelled, match="did not stop by itself"):
        run('while True:\n    say("progress", percent=60.0, text="busy"); time.sleep(0.1)', listener(cancel_at="half"))


def test_fault_of_the_host_ends_the_worker(run, listener):
    class Broken(listener):
        def progress(self, fraction, text=""):
            raise RuntimeError("the dialog has gone")

    with pytest.raises(RuntimeError, match="the dialog has gone"):
        run("time.sleep(60)", Broken())


def test_python_that_is_not_there(tmp_path, listener):
    request = DemoScene(output=str(tmp_path / "a.tif"), labels=str(tmp_path / "l.shp"))
    with pytest.raises(EngineError, match=r"cannot be started.*Install engine"):
        job.run_job(request, listener(), tmp_path / "python")


HOST = """
import importlib.util, sys
from pathlib import Path
root = sys.argv[1]
spec = importlib.util.spec_from_file_location("geoseg", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["geoseg"] = importlib.util.module_from_spec(spec)
from geoseg.geoseg_plugin.contract.stages.imagery import DemoScene
from geoseg.geoseg_plugin.contract.stages.many_scenes import PredictScenes
from geoseg.geoseg_plugin.host.job import run_job

class Report:
    def progress(self, fraction, text=""):
        print("progress", text, flush=True)
    def detail(self, text):
        print(text, flush=True)
    note = warn = detail
    def metric(self, name, value, step):
        pass
    def is_cancelled(self):
        return False

run_job(DemoScene(size=2500, output=sys.argv[3], labels=sys.argv[4]), Report(), Path(sys.argv[2]))
"""


def test_real_worker_goes_when_its_host_is_killed(tmp_path, engine):
    output = tmp_path / "scene.tif"
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(ROOT), str(engine), str(output), str(tmp_path / "l.shp")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    worker = None
    for line in host.stdout:
        found = re.match(r"Worker (\d+):", line)
        worker = int(found.group(1)) if found else worker
        if list(tmp_path.glob(".geoseg-scene.tif-*")):
            break
    else:
        raise AssertionError("The worker ended before it wrote anything.")
    assert worker is not None
    host.kill()
    host.communicate()
    deadline = time.monotonic() + 8
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(worker)
    assert list(tmp_path.iterdir()) == []


def test_real_worker_stops_on_cancel(tmp_path, engine, listener):
    report = listener()
    original = report.progress

    def progress(fraction, text=""):
        original(fraction, text)
        if list(tmp_path.glob(".geoseg-scene.tif-*")):
            report._cancelled = report._cancelled or time.monotonic()

    report.progress = progress
    request = DemoScene(size=2500, output=str(tmp_path / "scene.tif"), labels=str(tmp_path / "l.shp"))
    with pytest.raises(Cancelled):
        job.run_job(request, report, engine)
    assert time.monotonic() - report._cancelled < 2.5
    assert list(tmp_path.iterdir()) == []

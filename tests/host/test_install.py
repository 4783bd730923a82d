"""The engine's installation, with small programs in the place of the large ones."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, EngineError
from geoseg.geoseg_plugin.contract.stages.environment import CheckEngineResult, InstallEngine
from geoseg.geoseg_plugin.host import base_python, environment, install, lock
from geoseg.geoseg_plugin.host.install_log import explain_failure, read_progress

UV_LOG = """Using Python 3.11.2 environment at: .
Resolved 6 packages in 343ms
Downloading scipy (30.0MiB)
Downloading numpy (10.0MiB)
Downloading torch (1.0GiB)
 Downloaded numpy
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """An installation of one tiny wheel folder: no network, and a check that needs no packages."""
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GEOSEG_PYTHON", raising=False)
    requirements = tmp_path / "engine.txt"
    requirements.write_text("# nothing\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", requirements)
    monkeypatch.setattr(install, "REQUIREMENTS", requirements)
    monkeypatch.setattr(install, "run_job", lambda *_: CheckEngineResult(summary="all is well"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100e9))
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    real = InstallEngine(wheels=str(wheels))
    return SimpleNamespace(real=real, quick=InstallEngine(python=make_base(tmp_path, QUICK)), requirements=requirements)


# A base Python whose `venv` makes an environment at once, with itself as its Python and a pip that does nothing.
QUICK = """
for last; do :; done
case "$*" in
  *"-m venv"*) mkdir -p "$last/bin"; ln -s "$0" "$last/bin/python";;
  *"-m pip"*|*"-m uv"*) echo "$@";;
  *) exec PYTHON "$@";;
esac
"""
WITHOUT_UV = QUICK.replace(
    '*"-m pip"*|',
    '*"uv==0"*) echo "Connection refused"; exit 1;;\n'
    '  *"-m pip"*) echo "No matching distribution found for torch"; exit 1;;\n  *"-m pip"*|',
)
SLOW = """
case "$*" in *"-m venv"*) sleep 60;; *) exec PYTHON "$@";; esac
"""


def make_base(folder, script):
    python = folder / "python3"
    python.write_text("#!/bin/sh\n" + script.replace("PYTHON", sys.executable))
    python.chmod(0o755)
    return str(python)


def test_engine_is_made_once(small, listener):
    report = listener()
    answer = install.install_engine(small.real, report)
    folder = environment.engine_folder()
    assert answer.python == str(environment.python_in(folder))
    assert json.loads((folder / environment.STAMP).read_text())["summary"] == "all is well"
    assert any("uv cannot be had" in text for text in report.texts("detail"))
    again = listener()
    assert install.install_engine(small.real, again) == answer
    assert "already installed" in again.texts("note")[0]


def test_package_that_cannot_be_had_leaves_nothing(small, listener):
    small.requirements.write_text("a-package-that-is-in-no-folder==1\n")
    with pytest.raises(EngineError, match="not to be had for this Python") as caught:
        install.install_engine(small.real, listener())
    folder = environment.engine_folder()
    assert str(folder.with_suffix(".log")) in caught.value.fix
    assert not folder.exists()


def test_cause_is_that_of_the_program_that_failed(small, listener, tmp_path):
    """Not of the attempt to get uv, for which pip then stands in."""
    with pytest.raises(EngineError, match="not to be had for this Python"):
        install.install_engine(InstallEngine(python=make_base(tmp_path, WITHOUT_UV)), listener())
    assert "Connection refused" in environment.engine_folder().with_suffix(".log").read_text()


def test_uv_does_the_work_where_it_can_be_had(small, listener):
    install.install_engine(small.quick, listener())
    log = environment.engine_folder().with_suffix(".log").read_text()
    assert f"-m uv pip install --python {environment.python_in(environment.engine_folder())} -r" in log


def test_failed_check_leaves_nothing(small, listener, monkeypatch):
    def fail(*_):
        raise EngineError("torch does not work.")

    monkeypatch.setattr(install, "run_job", fail)
    with pytest.raises(EngineError, match="torch does not work"):
        install.install_engine(small.quick, listener())
    assert not environment.engine_folder().exists()


def test_old_engine_stays_until_the_new_one_works(small, listener, monkeypatch):
    def fail(*_):
        raise EngineError("torch does not work.")

    folder = environment.engine_folder()
    install.install_engine(small.quick, listener())
    (folder / "mark").write_text("")
    again = InstallEngine(python=small.quick.python, reinstall=True)
    with monkeypatch.context() as broken, pytest.raises(EngineError, match="torch does not work"):
        broken.setattr(install, "run_job", fail)
        install.install_engine(again, listener())
    assert environment.is_ready(folder)
    assert (folder / "mark").exists()
    install.install_engine(again, listener())
    assert environment.is_ready(folder)
    assert not (folder / "mark").exists()
    assert not folder.with_suffix(".old").exists()


def test_old_engine_comes_back_after_an_installation_was_killed(small, listener):
    folder = environment.engine_folder()
    install.install_engine(small.quick, listener())
    folder.rename(folder.with_suffix(".old"))
    folder.mkdir()
    report = listener()
    install.install_engine(small.quick, report)
    assert "already installed" in report.texts("note")[0]
    assert not folder.with_suffix(".old").exists()


def test_half_made_engine_is_made_anew(small, listener):
    half = environment.engine_folder() / "bin"
    half.mkdir(parents=True)
    (half / "left over").write_text("")
    install.install_engine(small.quick, listener())
    assert not (half / "left over").exists()
    assert environment.is_ready(environment.engine_folder())


def test_cancel_takes_less_than_two_seconds(small, listener, tmp_path):
    report = listener(cancel_at="Making a Python environment")
    started = time.monotonic()
    with pytest.raises(Cancelled):
        install.install_engine(InstallEngine(python=make_base(tmp_path, SLOW)), report)
    assert time.monotonic() - started < 2
    assert not environment.engine_folder().exists()


def test_full_disk_is_told_before(small, listener, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3.2e9))
    with pytest.raises(EngineError, match=r"has 3\.2 GB free; installing the engine needs about 14 GB"):
        install.install_engine(small.quick, listener())


def test_second_installation_waits_for_the_first(tmp_path):
    path = tmp_path / "engine.lock"
    held = pytest.raises(EngineError, match=f"installed already, by process {os.getpid()}")
    with lock.locked(path), held, lock.locked(path):
        pass
    with lock.locked(path):
        pass


HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_lock_of_another_process_holds_until_it_dies(tmp_path):
    """Whatever the file says: another may have opened it but not yet written."""
    path = tmp_path / "engine.lock"
    path.write_text("")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(EngineError, match="installed already"), lock.locked(path):
            pass
        holder.kill()
    with lock.locked(path):
        assert str(os.getpid()) in path.read_text()


def test_base_python_is_believed_only_after_it_answered(tmp_path):
    qgis = tmp_path / "qgis-bin"
    qgis.write_text("#!/bin/sh\nexit 0\n")
    qgis.chmod(0o755)
    with pytest.raises(EngineError, match="qgis-bin: it does not run"):
        base_python.find_base_python(str(qgis))
    assert base_python.find_base_python(sys.executable) == Path(sys.executable)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('{"version": [3, 9], "bits": 64, "missing": ""}', "it is version 3.9"),
        ('{"version": [3, 15], "bits": 64, "missing": ""}', "it is version 3.15"),
        ('{"version": [3, 12], "bits": 32, "missing": ""}', "32-bit"),
        ('{"version": [3, 12], "bits": 64, "missing": "ensurepip"}', "it lacks ensurepip"),
    ],
)
def test_unfit_base_python_is_refused(tmp_path, answer, reason):
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o755)
    with pytest.raises(EngineError, match=reason):
        base_python.find_base_python(str(python))


def test_progress_follows_what_uv_has_downloaded():
    fraction, text = read_progress(UV_LOG, 6)
    assert fraction == pytest.approx(0.05 + 0.85 * 10 / 1064)
    assert text == "Downloading 1064 MiB, 10 MiB done (largest now: torch)"
    later, _ = read_progress(UV_LOG + " Downloaded torch\n", 6)
    prepared, _ = read_progress(UV_LOG + "Prepared 6 packages in 2s\n", 6)
    assert fraction < later < prepared <= 1


def test_progress_follows_what_pip_has_collected():
    assert read_progress("", 10)[0] == 0
    fraction, text = read_progress("Collecting numpy==1\nCollecting scipy==1\n", 10)
    assert (round(fraction, 6), text) == (0.18, "Downloading package 2 of 10")
    assert read_progress("Collecting numpy==1\nInstalling collected packages: numpy\n", 10)[0] == 0.9


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("cause: invalid peer certificate: UnknownIssuer", "certificate"),
        ("SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed", "certificate"),
        ("cause: tunnel error: failed\ncause: Connection refused (os error 111)", "proxy server"),
        ("ProxyError('Cannot connect to proxy.')", "proxy server"),
        ("error sending request for url (https://pypi.org/simple/click/)", "could not be reached"),
        ("Because nosuch was not found in the package registry", "not to be had"),
        ("ERROR: No matching distribution found for torch==99", "not to be had"),
        ("PermissionError: [WinError 32] being used by another process", "locked"),
        ("ImportError: DLL load failed while importing _C", "Visual C"),
    ],
)
def test_cause_of_failure_is_named(log, message):
    error = explain_failure(log, "/logs/engine.log")
    assert message in error.message
    assert error.fix.endswith("Log: /logs/engine.log.")


def test_unknown_failure_shows_the_last_line():
    assert "something odd" in explain_failure("one\nsomething odd\n\n", "log").message

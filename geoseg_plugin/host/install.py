"""Makes the engine's Python environment: built where it will stay, verified, and only then stamped as ready.

Standard library alone: it runs in QGIS and from a bare command line.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Sequence

from ..contract.errors import EngineError
from ..contract.events import Part, Report, stop_if_cancelled
from ..contract.stages.environment import CheckEngine, InstallEngine, InstallEngineResult
from .base_python import find_base_python
from .environment import REQUIREMENTS, STAMP, clean_environment, engine_folder, engine_key, is_ready, python_in
from .install_log import explain_failure, read_progress
from .job import run_job
from .lock import locked
from .process import kill_group, start_group

UV = "uv==0.13.9"

# Measured: 6.9 GB installed with the CUDA build of torch; the downloads need about as much while they are unpacked.
_NEEDED_GB = 14
_POLL_S = 0.2
_TAIL_CHARACTERS = 20_000


def install_engine(request: InstallEngine, report: Report) -> InstallEngineResult:
    """Install and verify the engine, or say that it is there already.

    Raises:
        EngineError: It cannot be installed; nothing half-made stays behind.
        Cancelled: The user stopped it; likewise.
    """
    folder = engine_folder()
    if os.environ.get("GEOSEG_PYTHON"):
        report.warn("GEOSEG_PYTHON is set: GeoSeg uses that Python and not the one installed here.")
    # Looked at again under the lock: another process may just have finished, or been killed.
    if is_ready(folder) and not request.reinstall:
        return _already_installed(folder, report)
    with locked(folder.with_suffix(".lock")):
        _clear_up(folder)
        if is_ready(folder) and not request.reinstall:
            return _already_installed(folder, report)
        base = find_base_python(request.python)
        _check_disk(folder.parent)
        report.note(f"Installing the engine in {folder}, on {base}.")
        _put_aside(folder)
        try:
            _build(folder, base, request, report)
        finally:
            # What has no stamp makes room for the old engine again.
            _clear_up(folder)
    report.note("The engine is ready.")
    return InstallEngineResult(python=str(python_in(folder)))


def _already_installed(folder: Path, report: Report) -> InstallEngineResult:
    report.note(f"The engine is already installed in {folder}.")
    return InstallEngineResult(python=str(python_in(folder)))


def _old(folder: Path) -> Path:
    """Return where a working engine waits until the new one, which must have its path, has proved to work."""
    return folder.with_suffix(".old")


def _put_aside(folder: Path) -> None:
    try:
        if folder.exists():
            folder.rename(_old(folder))
    except OSError as error:
        raise _in_use(error) from error


def _clear_up(folder: Path) -> None:
    """Leave one working engine or none: the new one if it is ready, else the old one if there is one."""
    if is_ready(folder):
        _remove(_old(folder))
        return
    _remove(folder)
    try:
        if _old(folder).exists():
            _old(folder).rename(folder)
    except OSError as error:
        raise _in_use(error) from error


def _build(folder: Path, base: Path, request: InstallEngine, report: Report) -> None:
    installation = _Installation(folder, request, report)
    report.progress(0.01, "Making a Python environment")
    installation.must_run([str(base), "-I", "-m", "venv", str(folder)])
    report.progress(0.03, "Getting the installer")
    installation.install_packages()
    report.progress(0.85, "Checking every package")
    python = python_in(folder)
    checked = run_job(CheckEngine(), Part(report, 0.85, 1.0), python)
    stamp = {"requirements": engine_key(), "verified": time.strftime("%Y-%m-%dT%H:%M:%S"), "summary": checked.summary}
    (folder / STAMP).write_text(json.dumps(stamp, indent=2), encoding="utf-8")


class _Installation:
    """Runs the programs that fill one environment; what they write goes to a log file beside it."""

    def __init__(self, folder: Path, request: InstallEngine, report: Report) -> None:
        self._python = str(python_in(folder))
        self._log = folder.with_suffix(".log")
        self._log.write_text("", encoding="utf-8")
        self._offline = ["--no-index", "--find-links", request.wheels] if request.wheels else []
        self._report = report
        self._start = 0
        self._variables = clean_environment()
        if "PIP_INDEX_URL" in self._variables:
            # uv does not read pip's settings.
            self._variables.setdefault("UV_DEFAULT_INDEX", self._variables["PIP_INDEX_URL"])

    def install_packages(self) -> None:
        """Install the pinned requirements with uv, or with pip where uv cannot be had."""
        pip = [self._python, "-I", "-m", "pip", "--disable-pip-version-check", "install", *self._offline]
        if self._run([*pip, UV]) == 0:
            # The index of Windows packages has torch for the processor alone; uv knows where the other builds are.
            backend = ["--torch-backend=auto"] if sys.platform == "win32" and not self._offline else []
            installer = [self._python, "-I", "-m", "uv", "pip", "install", "--python", self._python, *self._offline]
            installer += backend
        else:
            self._report.detail("uv cannot be had, pip does the work: this takes longer.")
            installer = pip
        self.must_run([*installer, "-r", str(REQUIREMENTS)], Part(self._report, 0.05, 0.85))

    def must_run(self, command: Sequence[str], part: Part | None = None) -> None:
        """Run a program to its end.

        Raises:
            EngineError: It failed, for the reason that the log shows.
        """
        if self._run(command, part) != 0:
            log = self._read_log()
            self._report.detail(log[-_TAIL_CHARACTERS:])
            raise explain_failure(log[-_TAIL_CHARACTERS:], str(self._log))

    def _run(self, command: Sequence[str], part: Part | None = None) -> int:
        count = _package_count() if part else 0
        with self._log.open("ab") as log:
            self._start = log.tell()
            process = _start([*command], self._variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                while process.poll() is None:
                    stop_if_cancelled(self._report)
                    if part is not None:
                        part.progress(*read_progress(self._read_log(), count))
                    time.sleep(_POLL_S)
            finally:
                kill_group(process)
        return int(process.returncode)

    def _read_log(self) -> str:
        """Return what the last program wrote: an earlier one may have failed for another reason."""
        return self._log.read_bytes()[self._start :].decode("utf-8", errors="replace")


def _start(command: List[str], variables: dict[str, str], **streams: object) -> subprocess.Popen[bytes]:
    try:
        return start_group(command, variables, **streams)
    except OSError as error:
        raise EngineError(f"{command[0]} cannot be started: {error.strerror}.", "Try again.") from error


def _package_count() -> int:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if line.strip() and not line.lstrip().startswith(("#", "-")))


def _check_disk(folder: Path) -> None:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < _NEEDED_GB:
        raise EngineError(
            f"{folder} has {free_gb:.1f} GB free; installing the engine needs about {_NEEDED_GB} GB.",
            "Free some space, or set GEOSEG_HOME to a folder on another disk.",
        )


def _remove(folder: Path) -> None:
    """Remove an environment.

    Raises:
        EngineError: A file in it is in use.
    """
    try:
        # First the stamp: what is half removed must not look ready.
        (folder / STAMP).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise _in_use(error) from error


def _in_use(error: OSError) -> EngineError:
    return EngineError(f"The old environment cannot be removed: {error}.", "Close other QGIS windows and try again.")

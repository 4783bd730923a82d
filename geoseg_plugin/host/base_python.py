"""Finds a Python program on which the engine's environment can be built.

QGIS's own `sys.executable` is the QGIS program on Windows and macOS, so no candidate is believed before it has been
run and has answered. Standard library alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from ..contract.errors import EngineError
from .environment import clean_environment

OLDEST = (3, 11)
NEWEST = (3, 14)

_PROBE = """
import json, struct, sys
missing = ""
try:
    import venv, ensurepip
except ImportError as error:
    missing = error.name
print(json.dumps({"version": sys.version_info[:2], "bits": 8 * struct.calcsize("P"), "missing": missing}))
"""
_PROBE_S = 20.0


def find_base_python(chosen: Optional[str] = None) -> Path:
    """Return a working 64-bit Python of a version that the packages are made for, with venv and pip.

    Args:
        chosen: The only one to try, None to look for one.

    Raises:
        EngineError: There is none; the message says why each candidate was refused.
    """
    refused = []
    for python in [Path(chosen)] if chosen else _candidates():
        fault = _fault(python)
        if fault is None:
            return python
        refused.append(f"{python}: {fault}")
    looked_at = "; ".join(refused) or "none was found"
    raise EngineError(
        f"There is no Python {_text(OLDEST)} to {_text(NEWEST)} to build the engine on ({looked_at}).",
        "Install Python 3.12 from python.org (Debian and Ubuntu: apt install python3-venv) and try again, or name one.",
    )


def _text(version: Tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _fault(python: Path) -> Optional[str]:
    """Return why a program cannot be the base, None when it can."""
    try:
        answer = subprocess.run(  # nosec B603 - no shell
            [str(python), "-I", "-c", _PROBE],
            capture_output=True,
            timeout=_PROBE_S,
            check=True,
            stdin=subprocess.DEVNULL,
            env=clean_environment(),
        )
        facts = json.loads(answer.stdout)
        version = int(facts["version"][0]), int(facts["version"][1])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, IndexError, TypeError):
        return "it does not run"
    if not OLDEST <= version <= NEWEST:
        return f"it is version {_text(version)}"
    if facts["bits"] != 64:
        return "it is a 32-bit program"
    return f"it lacks {facts['missing']}" if facts["missing"] else None


def _candidates() -> Iterator[Path]:
    """Yield programs that may be a Python, each once: the running one, those on PATH, common places, QGIS's own."""
    seen = set()
    for python in _places():
        if python.is_file() and python not in seen:
            seen.add(python)
            yield python


def _places() -> Iterator[Path]:
    executable = Path(sys.executable or "")
    if executable.name.lower().startswith("python") and not _belongs_to_qgis(executable):
        yield executable
    versions = [(3, minor) for minor in (12, 13, 11, 14)]
    for name in [f"python{_text(version)}" for version in versions] + ["python3", "python"]:
        found = shutil.which(name)
        if found:
            yield Path(found)
    for version in versions:
        yield from _usual_places(version)
    yield Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")


def _belongs_to_qgis(python: Path) -> bool:
    return any(part in str(python).lower() for part in ("qgis", "osgeo4w"))


def _usual_places(version: Tuple[int, int]) -> List[Path]:
    if sys.platform == "win32":
        folder = f"Python{version[0]}{version[1]}"
        return [
            Path(os.environ.get("LOCALAPPDATA", "C:/")) / "Programs" / "Python" / folder / "python.exe",
            Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / folder / "python.exe",
        ]
    if sys.platform == "darwin":
        return [
            Path("/Library/Frameworks/Python.framework/Versions") / _text(version) / "bin" / "python3",
            Path("/opt/homebrew/bin") / f"python{_text(version)}",
            Path("/usr/local/bin") / f"python{_text(version)}",
        ]
    return []

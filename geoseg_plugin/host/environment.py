"""Where the engine's Python environment lies, whether it is ready, and which variables its processes get.

Standard library alone: also used where there is no QGIS.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Dict, Mapping, Optional

from ..contract.errors import EngineError
from ..contract.home import engine_home

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "geoseg_plugin"
REQUIREMENTS = ROOT / "requirements" / "engine.txt"

STAMP = "geoseg-engine.json"
HOW_TO_INSTALL = "Run 'Install engine' (geoseg:installengine) once."

# Variables of QGIS, of its launchers or of another Python that would lead the engine to the wrong libraries or data.
# PYTHONEXECUTABLE defeats a virtual environment even under -E; a foreign PROJ_LIB makes every CRS operation fail.
_FOREIGN = frozenset({
    "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "PYTHONUSERBASE", "PYTHONSTARTUP",
    "VIRTUAL_ENV", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH", "GEOTIFF_CSV", "LD_LIBRARY_PATH",
    "LD_PRELOAD", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QML2_IMPORT_PATH", "QGIS_PREFIX_PATH",
    "QGIS_PLUGINPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX",
})  # fmt: skip
_FOREIGN_PREFIX = "DYLD_"
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_OWN = {"PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1", "PYTHONUNBUFFERED": "1"}


def clean_environment(variables: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """Return the variables for a process of the engine: those given (else our own) without what would mislead it.

    Graphics card and proxy settings are kept; certificates are dropped where they name a file that is not there.
    """
    given = os.environ if variables is None else variables
    kept = {
        name: value
        for name, value in given.items()
        if name.upper() not in _FOREIGN and not name.upper().startswith(_FOREIGN_PREFIX)
    }
    for name in _CERTIFICATES:
        if name in kept and not Path(kept[name]).exists():
            del kept[name]
    return {**kept, **_OWN}


def engine_key() -> str:
    """Return a short hash of the pinned requirements: another set of packages is another environment."""
    text = REQUIREMENTS.read_text(encoding="utf-8")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:12]


def engine_folder() -> Path:
    """Return the folder of this version's environment, which need not exist."""
    return engine_home() / "engines" / engine_key()


def python_in(folder: Path) -> Path:
    """Return where the Python program of a virtual environment lies."""
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def is_ready(folder: Path) -> bool:
    """Tell whether the environment in `folder` was installed and verified to the end."""
    return (folder / STAMP).is_file() and python_in(folder).exists()


def engine_python(chosen: str = "") -> Path:
    """Return the engine's Python program: $GEOSEG_PYTHON, else the one chosen in QGIS, else the installed one.

    Args:
        chosen: Path set in QGIS (`host.settings`), or an empty text.

    Raises:
        EngineError: There is none; the message says in one sentence what to run.
    """
    for place, path in (("GEOSEG_PYTHON", os.environ.get("GEOSEG_PYTHON", "")), ("the setting geoseg/python", chosen)):
        if path:
            python = Path(path).expanduser()
            if not python.is_file():
                raise EngineError(f"There is no Python at {python}, which {place} names.", "Correct or remove it.")
            return python
    folder = engine_folder()
    if not is_ready(folder):
        raise EngineError("The engine is not installed.", HOW_TO_INSTALL)
    return python_in(folder)

"""What `pip install .` puts on a machine without QGIS."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("geoseg_plugin", "models")


def test_every_folder_of_code_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["packages"]
    folders = {file.parent.relative_to(ROOT) for part in PARTS for file in (ROOT / part).rglob("*.py")}
    assert sorted(listed) == sorted(["geoseg", *(".".join(("geoseg", *folder.parts)) for folder in folders)])

"""What metadata.txt says holds everywhere."""

import tomllib
from pathlib import Path

from geoseg.geoseg_plugin.contract.about import about

ROOT = Path(__file__).resolve().parents[2]


def test_both_versions_are_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == about("version")


def test_a_key_that_is_not_there():
    assert about("nothing") == "unknown"

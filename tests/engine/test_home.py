"""Where GeoSeg keeps its things on each system."""

import sys
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.home import engine_home


def test_the_variable_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("GEOSEG_HOME", str(tmp_path / "mine"))
    assert engine_home() == tmp_path / "mine"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GEOSEG_HOME", "~/here")
    assert engine_home() == tmp_path / "here"


@pytest.mark.parametrize(
    ("platform", "local", "place"),
    [
        ("linux", "", ".local/share/geoseg"),
        ("darwin", "", "Library/Application Support/geoseg"),
        ("win32", "", "AppData/Local/geoseg"),
        ("win32", "D:", "D:/geoseg"),
    ],
)
def test_each_system_has_its_place(monkeypatch, tmp_path, platform, local, place):
    monkeypatch.delenv("GEOSEG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", local)
    monkeypatch.setattr(sys, "platform", platform)
    assert engine_home() == (Path(place) if local else tmp_path / place)

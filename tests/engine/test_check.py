"""Checks of the engine: every required package is checked, and what fails is named."""

import re
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError, GeosegError
from geoseg.geoseg_plugin.contract.stages.environment import CheckEngine
from geoseg.geoseg_plugin.engine import check
from geoseg.geoseg_plugin.engine.package_checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]


class Listener:
    def __init__(self):
        self.notes = []
        self.fractions = []

    def progress(self, fraction, text=""):
        self.fractions.append(fraction)

    def note(self, text):
        self.notes.append(text)

    warn = detail = note

    def is_cancelled(self):
        return False


def test_every_required_package_is_checked():
    lines = (ROOT / "requirements" / "engine.in").read_text().splitlines()
    names = {re.match(r"[\w-]+", line).group() for line in lines if line and not line.startswith("#")}
    assert {name.removesuffix("-gpu") for name in names} == set(CHECKS)


@pytest.mark.parametrize("package", [name for name in CHECKS if name != "segmentation-models-pytorch"])
def test_package_does_its_work(package):
    assert CHECKS[package]() is True


def test_summary_names_what_is_used(monkeypatch):
    monkeypatch.setattr(check, "CHECKS", {"numpy": CHECKS["numpy"]})
    listener = Listener()
    result = check.check_engine(CheckEngine(device="cpu"), listener)
    assert result.device.startswith("cpu (")
    assert "CPUExecutionProvider" in result.summary
    assert re.search(r"Packages: numpy \d", result.summary)
    assert result.summary.splitlines() == listener.notes
    assert listener.fractions == sorted(listener.fractions)


def test_broken_package_is_named(monkeypatch):
    def broken():
        raise ImportError("DLL load failed while importing _C")

    monkeypatch.setattr(check, "CHECKS", {"torch": broken})
    with pytest.raises(EngineError, match="torch does not work: ImportError") as caught:
        check.check_engine(CheckEngine(), Listener())
    assert "Visual C++" in caught.value.fix


def test_wrong_answer_is_refused(monkeypatch):
    monkeypatch.setattr(check, "CHECKS", {"pyproj": lambda: False})
    with pytest.raises(EngineError, match="pyproj gives a wrong answer"):
        check.check_engine(CheckEngine(), Listener())


def test_missing_device_is_refused(monkeypatch):
    monkeypatch.setattr(check, "CHECKS", {})
    with pytest.raises(GeosegError, match="cuda:99"):
        check.check_engine(CheckEngine(device="cuda:99"), Listener())

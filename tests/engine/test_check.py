"""Checks of the engine: every required package is checked, and what fails is named."""

import re
from pathlib import Path

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import EngineError, GeosegError
from geoseg.geoseg_plugin.contract.stages.environment import CheckEngine
from geoseg.geoseg_plugin.engine import check
from geoseg.geoseg_plugin.engine.package_checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]


def test_every_required_package_is_checked():
    lines = (ROOT / "requirements" / "engine.in").read_text().splitlines()
    names = {re.match(r"[\w-]+", line).group() for line in lines if line and not line.startswith("#")}
    assert {name.removesuffix("-gpu") for name in names} == set(CHECKS)


@pytest.mark.parametrize("package", [name for name in CHECKS if name != "segmentation-models-pytorch"])
def test_package_does_its_work(package):
    assert CHECKS[package]() is True


def test_summary_names_what_is_used(monkeypatch, recorder):
    monkeypatch.setattr(check, "CHECKS", {"numpy": CHECKS["numpy"]})
    result = check.check_engine(CheckEngine(device="cpu"), recorder)
    assert result.device.startswith("cpu (")
    assert "CPUExecutionProvider" in result.summary
    assert re.search(r"Packages: numpy \d", result.summary)
    assert result.summary.splitlines() == recorder.notes
    assert recorder.fractions == sorted(recorder.fractions)
    assert "no graphics card is used" not in result.summary


def test_why_the_graphics_card_is_not_used_is_said(monkeypatch, recorder):
    def fail(*_, **__):
        raise RuntimeError("The NVIDIA driver on your system is too old.")

    monkeypatch.setattr(check, "CHECKS", {})
    monkeypatch.setattr(torch, "zeros", fail)
    result = check.check_engine(CheckEngine(), recorder)
    assert result.device.startswith("cpu")
    assert "no graphics card is used: The NVIDIA driver on your system is too old\n" in result.summary


def test_broken_package_is_named(monkeypatch, recorder):
    def broken():
        raise ImportError("DLL load failed while importing _C")

    monkeypatch.setattr(check, "CHECKS", {"torch": broken})
    with pytest.raises(EngineError, match="torch does not work: ImportError") as caught:
        check.check_engine(CheckEngine(), recorder)
    assert "Visual C++" in caught.value.fix


def test_wrong_answer_is_refused(monkeypatch, recorder):
    monkeypatch.setattr(check, "CHECKS", {"pyproj": lambda: False})
    with pytest.raises(EngineError, match="pyproj gives a wrong answer"):
        check.check_engine(CheckEngine(), recorder)


def test_missing_device_is_refused(monkeypatch, recorder):
    monkeypatch.setattr(check, "CHECKS", {})
    with pytest.raises(GeosegError, match="cuda:99"):
        check.check_engine(CheckEngine(device="cuda:99"), recorder)

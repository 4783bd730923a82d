"""Networks compiled by torch: when (tests/real/test_compiling.py compiles one)."""

import math

import pytest
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.engine.training.compiling import Work, choose_compiling
from geoseg.geoseg_plugin.engine.training.trial import Trial
from torch import nn

LONG, SHORT = 10_000, 10


@pytest.fixture
def trial(monkeypatch):
    """A trial whose steps take a second, or half a second once compiled, which takes a minute."""
    monkeypatch.setattr(Trial, "seconds", lambda self, tiles, precision: {precision: 1.0})
    monkeypatch.setattr(Trial, "compiled_seconds", lambda *_: (60.0, 0.5))
    return Trial(nn.Conv2d(1, 2, 1), None, 1, 8)


def work(steps, limit_s=math.inf):
    return Work(steps, 4, "float32", limit_s)


def test_a_long_training_that_gains_is_compiled(trial):
    compiled, reason = choose_compiling("auto", trial, work(LONG))
    assert compiled
    assert "50%" in reason


@pytest.mark.parametrize("short", [work(SHORT), work(LONG, limit_s=600)])
def test_a_short_one_is_not_even_tried(trial, short, monkeypatch):
    for name in ("seconds", "compiled_seconds"):
        monkeypatch.setattr(Trial, name, lambda *_: pytest.fail("tried"))
    assert choose_compiling("auto", trial, short) == (False, "")


def test_what_gains_too_little_is_told(trial, monkeypatch):
    monkeypatch.setattr(Trial, "compiled_seconds", lambda *_: (60.0, 0.999))
    compiled, reason = choose_compiling("auto", trial, work(LONG))
    assert not compiled
    assert "not worth 60 s" in reason


def test_without_a_compiler_auto_goes_on_and_always_does_not(trial, monkeypatch):
    def fail(*_):
        raise RuntimeError("no C++ compiler found")

    monkeypatch.setattr(Trial, "compiled_seconds", fail)
    assert choose_compiling("auto", trial, work(LONG)) == (False, "Not compiled: no C++ compiler found.")
    with pytest.raises(GeosegError, match="no C\\+\\+ compiler found"):
        choose_compiling("always", trial, work(LONG))
    monkeypatch.setattr(Trial, "seconds", fail)
    assert choose_compiling("auto", trial, work(LONG)) == (False, "Not compiled: no C++ compiler found.")
    assert choose_compiling("never", trial, work(LONG)) == (False, "")

"""How far a training has come."""

import math

import pytest
from geoseg.geoseg_plugin.engine.training.clock import Clock


class Time:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


def test_without_limit_steps_alone_count(time):
    clock = Clock(8, now=time)
    clock.steps_done, time.now = 2, 1e6
    assert clock.done == 0.25
    assert clock.left_s == math.inf
    assert not clock.is_over


def test_whichever_is_further_counts(time):
    clock = Clock(8, limit_s=40, now=time)
    clock.steps_done, time.now = 2, 120
    assert clock.done == 0.5
    clock.steps_done = 6
    assert clock.done == 0.75
    assert clock.left_s == 20


def test_what_comes_after_the_last_step_has_its_time(time):
    clock = Clock(8, limit_s=40, spent_s=10, now=time)
    clock.reserve(20)
    time.now = 105
    assert clock.done == 0.75
    assert not clock.is_over
    time.now = 110
    assert clock.is_over
    assert clock.left_s == 20
    time.now = 1000
    assert clock.done == 1


def test_an_earlier_run_counts(time):
    clock = Clock(8, limit_s=40, spent_s=2, now=time)
    clock.go_on(4, {"spent_s": 18, "reserved_s": 0})
    assert clock.spent_s == 20
    assert clock.done == 0.5


def test_what_an_earlier_run_has_kept_is_kept(time):
    clock = Clock(8, limit_s=40, spent_s=2, now=time)
    clock.go_on(4, {"spent_s": 18, "reserved_s": 15})
    assert clock.done == 0.8
    assert clock.state() == {"spent_s": 20, "reserved_s": 15}

"""What is said while a training goes on: how far it is, how fast it goes, and how long it still takes."""

from types import SimpleNamespace

import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.training import pulse
from geoseg.geoseg_plugin.engine.training.clock import Clock
from geoseg.geoseg_plugin.engine.training.pulse import Pulse, in_words


@pytest.fixture
def time(monkeypatch):
    """A time that the test moves on."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pulse, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def clock_of(time, limit_s=0.0):
    return Clock(10, limit_s, now=lambda: time.now)


def test_share_speed_and_time_left_are_told_every_half_second(time, recorder):
    beating = Pulse(recorder, 40, clock_of(time))
    beating.start("Epoch 1 of 2")
    time.now += 0.4
    assert not beating.beat(3, 8)
    time.now += 0.6
    assert beating.beat(5, 8)
    assert recorder.fractions == [0.2]
    assert recorder.texts == ["Epoch 1 of 2: 16.0 tiles/s, 4 s left"]


def test_measuring_does_not_lower_the_speed_and_each_epoch_has_its_own(time, recorder):
    beating = Pulse(recorder, 40, clock_of(time))
    beating.start("Epoch 1 of 2")
    time.now += 1
    beating.beat(5, 20)
    time.now += 1
    beating.beat(5)
    beating.start("Epoch 2 of 2")
    time.now += 1
    beating.beat(10, 5)
    assert recorder.texts == [
        "Epoch 1 of 2: 20.0 tiles/s, 7 s left", "Epoch 1 of 2: 20.0 tiles/s, 6 s left",
        "Epoch 2 of 2: 5.0 tiles/s, 3 s left",
    ]  # fmt: skip


def test_what_goes_before_the_first_phase_is_no_work(time, recorder):
    beating = Pulse(recorder, 40, clock_of(time))
    time.now += 60  # while trackers open, say
    beating.start("Epoch 1 of 2")
    time.now += 1
    beating.beat(10, 8)
    assert recorder.texts == ["Epoch 1 of 2: 8.0 tiles/s, 3 s left"]


def test_a_clock_that_stands_still_is_no_fault(time, recorder):
    beating = Pulse(recorder, 40, clock_of(time))
    beating.start("Epoch 1 of 1")
    beating.beat(1, 8)
    time.now += 2
    beating.beat(1, 8)
    assert recorder.texts == ["Epoch 1 of 1: 8.0 tiles/s, 38 s left"]


def test_what_an_earlier_run_has_done_took_no_time(time, recorder):
    beating = Pulse(recorder, 100, clock_of(time))
    beating.skip(50)
    beating.start("Epoch 6 of 10")
    time.now += 10
    beating.beat(10)
    assert recorder.fractions == [0.6]
    assert recorder.texts == ["Epoch 6 of 10: 40 s left"]


def test_a_time_limit_counts_where_it_is_nearer_and_progress_never_falls(time, recorder):
    clock = clock_of(time, limit_s=20)
    beating = Pulse(recorder, 1000, clock)
    beating.start("Epoch 1 of 99")
    clock.reserve(10)
    time.now += 4
    beating.beat(1)
    clock.reserve(5)
    time.now += 1
    beating.beat(1)
    time.now += 4
    beating.beat(1)
    assert recorder.fractions == pytest.approx([0.4, 0.4, 0.6])
    assert recorder.texts[0] == "Epoch 1 of 99: 16 s left"


def test_it_stops_where_the_user_asks_to(time, make_recorder):
    with pytest.raises(Cancelled):
        Pulse(make_recorder(lambda _: True), 10, clock_of(time)).beat(1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")]
)
def test_durations_have_a_unit_that_suits_them(seconds, words):
    assert in_words(seconds) == words

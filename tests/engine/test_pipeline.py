"""Reading, network and writing side by side: what comes when, in which thread, and what a fault leaves."""

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, OutputError
from geoseg.geoseg_plugin.engine.prediction.maps import RegionWriter, RowEndItem, WindowItem
from geoseg.geoseg_plugin.engine.prediction.pipeline import pump
from geoseg.geoseg_plugin.engine.prediction.windows.blending import Blender
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover, Coverage, Region
from geoseg.tests.engine.listener import Listener

SOON_S = 5.0


class Predictor:
    """Answers with twice what it sees, at once or after so many seconds."""

    def __init__(self, batch_size=1, seconds=0.0):
        self.batch_size = batch_size
        self._seconds = seconds
        self.seen = []

    def infer(self, windows):
        time.sleep(self._seconds)
        self.seen.append(len(windows))
        return [2 * pixels for (pixels,) in windows]

    def conclude(self, answer):
        return answer


@dataclass
class Piece:
    """A window with a number as its only pixel, or an end, which has none; what is delivered goes to `told`."""

    number: int
    told: list
    is_end: bool = False
    fault: Exception | None = None
    done: float = 0.0
    gate: threading.Event | None = field(default=None, repr=False)

    @property
    def pixels(self):
        return None if self.is_end else (np.full((1, 1, 1), self.number, np.float32),)

    def deliver(self, probabilities):
        if self.gate is not None:
            self.gate.wait(SOON_S)
        if self.fault is not None:
            raise self.fault
        self.told.append((self.number, None if probabilities is None else float(probabilities[0, 0, 0])))


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_answers_come_in_order_and_ends_between_them(batch_size):
    told, predictor = [], Predictor(batch_size)
    pump([Piece(number, told, is_end=number % 4 == 3) for number in range(50)], predictor, Listener())
    assert told == [(number, None if number % 4 == 3 else 2.0 * number) for number in range(50)]
    assert sum(predictor.seen) == 38
    assert max(predictor.seen) == min(batch_size, 38)


def test_ends_without_windows_do_not_wait_for_windows():
    """A scene without data has ends alone: they pass by, a few at a time, and the network is not asked."""
    told, predictor = [], Predictor(16)
    pump([Piece(number, told, is_end=True) for number in range(100)], predictor, Listener())
    assert [number for number, _ in told] == list(range(100))
    assert predictor.seen == []


def test_nothing_is_no_work():
    predictor = Predictor()
    pump([], predictor, Listener())
    assert predictor.seen == []


def test_reading_and_writing_are_in_threads_of_their_own():
    names = {}

    class Named(Piece):
        def deliver(self, probabilities):
            names.setdefault("write", threading.current_thread().name)

    def read():
        names["read"] = threading.current_thread().name
        yield from (Named(number, []) for number in range(3))

    pump(read(), Predictor(), Listener())
    assert len({threading.current_thread().name, *names.values()}) == 3


def test_no_more_is_read_ahead_than_a_few_windows():
    taken, gate = [], threading.Event()

    def read():
        for number in range(200):
            taken.append(number)
            yield Piece(number, [], gate=gate)

    thread = threading.Thread(target=pump, args=(read(), Predictor(), Listener()))
    thread.start()
    try:
        give_up = time.monotonic() + SOON_S
        before = -1
        while len(taken) != before and time.monotonic() < give_up:
            before = len(taken)
            time.sleep(0.3)
        assert len(taken) < 30
    finally:
        gate.set()
        thread.join()
    assert len(taken) == 200


@pytest.mark.parametrize("batch_size", [1, 4])
def test_nothing_is_delivered_after_a_fault(batch_size):
    """What follows would lack what was left out; it may be written well, and would be taken for whole."""
    told = []
    pieces = [Piece(number, told) for number in range(100)]
    pieces[5].fault = OutputError("The disk is full.", "Make room.")
    with pytest.raises(OutputError, match="disk is full"):
        pump(pieces, Predictor(batch_size, seconds=0.01), Listener())
    assert [number for number, _ in told] == [0, 1, 2, 3, 4]


def test_a_map_that_cannot_be_written_for_a_moment_has_no_holes_later():
    """A store that has no room for one strip may have some for the next, which must not lack the windows between."""
    cover = Cover.of(1024, 64, 0.25)
    region = Region(cover.section(0, 1024), Cover.of(64, 64, 0.25).section(0, 64))
    strips = []

    class Sink:
        def write(self, strip):
            if strip.window.row_off == 256:
                raise OutputError("The disk is full.", "Make room.")
            strips.append(strip)

    coverage = Coverage(cover, Cover.of(64, 64, 0.25), "hann")
    writer = RegionWriter(Sink(), Blender(1, coverage, region), region, (0, 0))

    def read():
        told = 0
        for row in region.rows.windows:
            yield WindowItem((np.full((1, 64, 64), 0.5, np.float32),), 0.0, writer, row, 0)
            fresh = np.ones((cover.inside(row)[1] - told, 64), np.bool_)
            told += len(fresh)
            yield RowEndItem(0.0, writer, row, fresh)

    with pytest.raises(OutputError):
        pump(read(), Predictor(seconds=0.01), Listener())
    assert [strip.window.row_off for strip in strips] == [0]
    np.testing.assert_allclose(strips[0].probabilities, 1, atol=1e-6)


def test_a_fault_is_seen_before_much_more_is_computed():
    predictor, pieces = Predictor(seconds=0.02), [Piece(number, []) for number in range(100)]
    pieces[0].fault = OutputError("The disk is full.", "Make room.")
    with pytest.raises(OutputError):
        pump(pieces, predictor, Listener())
    assert len(predictor.seen) < 8


def test_a_fault_of_reading_comes_in_its_turn_and_closes_what_is_open():
    told, closed = [], []

    def read():
        try:
            yield from (Piece(number, told) for number in range(4))
            raise InputError("The file is damaged.", "Copy it again.")
        finally:
            closed.append(threading.current_thread().name)

    predictor = Predictor()
    with pytest.raises(InputError, match="damaged"):
        pump(read(), predictor, Listener())
    assert predictor.seen == [1, 1, 1, 1]
    assert len(closed) == 1


def test_a_cancel_ends_it_and_closes_what_is_open_in_the_reading_thread():
    names = []

    def read():
        names.append(threading.current_thread().name)
        try:
            yield from (Piece(number, [], done=number / 1000) for number in range(1000))
        finally:
            names.append(threading.current_thread().name)

    predictor = Predictor()
    with pytest.raises(Cancelled):
        pump(read(), predictor, Listener(lambda listener: len(listener.fractions) > 20))
    assert len(predictor.seen) == 21
    assert len(names) == 2
    assert names[0] == names[1] != threading.current_thread().name


@pytest.mark.parametrize("fault", [None, OutputError("The disk is full.", "Make room.")])
def test_what_is_unfinished_is_discarded_last_in_the_writing_thread(fault):
    said = []

    class Named(Piece):
        def deliver(self, probabilities):
            said.append(threading.current_thread().name)
            super().deliver(probabilities)

    pieces = [Named(number, []) for number in range(20)]
    pieces[10].fault = fault
    with nullcontext() if fault is None else pytest.raises(OutputError):
        pump(pieces, Predictor(), Listener(), lambda: said.append(f"{threading.current_thread().name} discards"))
    assert said[-1] == f"{said[0]} discards"
    assert len(said) == (12 if fault else 21)

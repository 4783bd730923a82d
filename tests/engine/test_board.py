"""How far others have come, heard without waiting for them."""

import time

import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError
from geoseg.geoseg_plugin.engine.processes import board
from geoseg.geoseg_plugin.engine.processes.board import Board


class Words:
    """A store of words, of which torch's is one."""

    def __init__(self):
        self.words, self.gone = {}, False

    def set(self, name, word):
        self._fail()
        self.words[name] = word.encode()

    def check(self, names):
        self._fail()
        return all(name in self.words for name in names)

    def get(self, name):
        self._fail()
        return self.words[name]

    def _fail(self):
        if self.gone:
            raise RuntimeError("Connection reset by peer")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(board, "_EVERY_S", 0.01)


def wait_until(holds):
    give_up = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_each_hears_what_all_have_done():
    store = Words()
    with Board(store, 0, 2) as first, Board(store, 1, 2) as second:
        assert first.hear()[1] in (0.0, 0.0)
        second.share = 0.25
        wait_until(lambda: first.hear() == [0.0, 0.25])
        first.share = 0.5
        wait_until(lambda: second.hear() == [0.5, 0.25])
        second.share = 1.0
    assert first.hear() == [0.5, 1.0]


def test_one_that_falls_silent_is_told_of(monkeypatch):
    monkeypatch.setattr(board, "_LONGEST_SILENCE_S", 0.2)
    store = Words()
    with Board(store, 0, 2) as first:
        with Board(store, 1, 2):
            for _ in range(30):
                time.sleep(0.01)
                first.hear()
        with pytest.raises(EngineError, match=r"Process 1 of this run \(counted from 0\) has been silent for 0.2 s"):
            wait_until(lambda: first.hear() == "never")


def test_one_that_has_done_its_part_may_be_silent(monkeypatch):
    monkeypatch.setattr(board, "_LONGEST_SILENCE_S", 0.05)
    store = Words()
    with Board(store, 1, 2) as second:
        second.share = 1.0
    with Board(store, 0, 2) as first:
        time.sleep(0.1)
        assert first.hear()[1] == 1.0
        time.sleep(0.1)
        assert first.hear()[1] == 1.0


def test_a_store_that_is_gone_is_left_to_others():
    store = Words()
    with Board(store, 0, 1) as alone:
        alone.share = 0.5
        wait_until(lambda: alone.hear() == [0.5])
        store.gone = True
        time.sleep(0.05)
        assert alone.hear() == [0.0]

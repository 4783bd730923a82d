"""One process alone waits for nobody; of several, see test_joining.py."""

import time

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import EngineError
from geoseg.geoseg_plugin.engine.processes import processes
from geoseg.geoseg_plugin.engine.processes.processes import ALONE, Processes, SharedReport, put_together


@pytest.fixture
def no_others(monkeypatch):
    """Lets torch fail whenever others are asked."""

    def fail(*_, **__):
        raise RuntimeError("Connection closed by peer")

    for name in ("all_reduce", "broadcast_object_list", "all_gather_object"):
        monkeypatch.setattr(processes.distributed, name, fail)


def test_one_alone_asks_nobody(no_others):
    tensor = torch.ones(2)
    ALONE.add([tensor])
    assert tensor.tolist() == [1, 1]
    assert ALONE.is_first
    assert [ALONE.agree(True), ALONE.agree(False)] == [True, False]
    assert ALONE.unite([True, False]) == [True, False]
    assert ALONE.decide(lambda: "mine") == "mine"
    assert ALONE.gather(3) == [3]
    assert abs(ALONE.now() - time.monotonic()) < 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda two: two.agree(True), lambda two: two.decide(lambda: 1), lambda two: two.gather(1),
        lambda two: two.add([torch.ones(1)]),
    ],
    ids=["agree", "decide", "gather", "add"],
)  # fmt: skip
def test_others_that_cannot_be_reached_are_explained(ask, no_others):
    two = Processes(0, 2, explain=lambda error: EngineError(f"Lost: {error}."))
    with pytest.raises(EngineError, match="Lost: Connection closed by peer"):
        ask(two)


def test_what_the_first_cannot_choose_is_its_own_error(no_others):
    def choose():
        raise ValueError("no choice")

    with pytest.raises(ValueError, match="no choice"):
        Processes(0, 2).decide(choose)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [0, 1, 4, 7])
def test_what_was_dealt_out_is_put_together_in_its_order(size, count):
    items = list(range(count))
    assert put_together([items[rank::size] for rank in range(size)]) == items


def test_the_wish_to_stop_is_shared(make_recorder):
    class Other:
        def agree(self, flag):
            return True

    report = make_recorder()
    shared = SharedReport(report, Other())
    assert shared.is_cancelled()
    assert not SharedReport(report, ALONE).is_cancelled()
    shared.progress(0.5, "half")
    assert report.fractions == [0.5]

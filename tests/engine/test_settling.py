"""Which way a prediction runs: what is tried, when, and what is taken."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, ModelError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine import precision
from geoseg.geoseg_plugin.engine.prediction.opinions import settling
from geoseg.geoseg_plugin.engine.prediction.opinions.settling import as_settled, settle
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener

MANY = 100_000
WINDOWS = [(np.random.default_rng(number).normal(size=(3, 32, 32)).astype(np.float32),) for number in range(4)]


class Clock:
    """Time that passes in predictors alone."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


class Timed:
    """Takes so many seconds for a window, and gives other classes than the channels say in so many of its pixels."""

    def __init__(self, clock, seconds, *, backend="torch", precision="float32", wrong=0, device="cpu (2 threads)"):
        self.clock, self.seconds_each, self.wrong = clock, seconds, wrong
        self.backend, self.precision, self.device = backend, precision, device
        self.cards, self.fixed_size, self.batch_size, self.seconds = (make_card(),), None, 1, 0.0
        self.asked = []

    def infer(self, windows):
        self.clock.now += self.seconds_each * len(windows)
        self.asked.append(len(windows))
        return [pixels.copy() for (pixels,) in windows]

    def conclude(self, answer):
        answer.reshape(3, -1)[:, : self.wrong] = -answer.reshape(3, -1)[:, : self.wrong]
        return answer


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(settling, "time", clock)
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: True)
    return clock


@pytest.fixture
def ways(monkeypatch, clock):
    """What can be opened beside torch in float32, by backend and precision; the test fills it."""
    there = {}

    def open_predictor(request, report):
        found = there[request.backend, request.precision]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(settling, "open_predictor", open_predictor)
    return there


def _request(**options):
    return PredictSegmentation(**{"input": "a.tif", "model": "m.safetensors", "output": "map.tif", **options})


def _settle(plain, listener, windows=MANY, **options):
    return settle(plain, _request(**options), lambda: WINDOWS, windows, listener)


@pytest.mark.parametrize(
    ("half", "onnx", "wanted"),
    [(0.4, 0.8, ("torch", "bfloat16")), (0.99, 0.8, ("onnxruntime", "float32")), (1.2, 0.97, ("torch", "float32"))],
)
def test_the_quickest_is_taken_and_told(clock, ways, half, onnx, wanted):
    ways["torch", "bfloat16"] = Timed(clock, half, precision="bfloat16")
    ways["onnxruntime", "float32"] = Timed(clock, onnx, backend="onnxruntime")
    listener = Listener()
    best = _settle(Timed(clock, 1.0), listener)
    assert (best.backend, best.precision) == wanted
    (note,) = listener.notes
    assert "torch in float32 takes 1 s for a window" in note
    assert f"torch in bfloat16 {half:.3g} s, onnxruntime in float32 {onnx:.3g} s" in note
    assert note.endswith(f"Used: {wanted[0]} in {wanted[1]}.")
    assert listener.warnings == []


def test_other_classes_are_not_taken_however_quick(clock, ways):
    """Of 1024 pixels of a window, 2 others are too many, and 1 is not."""
    ways["torch", "bfloat16"] = wrong = Timed(clock, 0.1, precision="bfloat16", wrong=2)
    listener, plain = Listener(), Timed(clock, 1.0)
    assert _settle(plain, listener, backend="torch") is plain
    assert "torch in bfloat16 is not used" in listener.notes[0]
    wrong.wrong = 1
    assert _settle(plain, Listener(), backend="torch") is wrong


def test_answers_that_are_no_numbers_agree_with_none(clock, ways):
    """They would pass for the first class, which may be nearly all that a sample shows."""

    class Overflowing(Timed):
        def conclude(self, answer):
            return np.full_like(answer, np.nan)

    class Plain(Timed):
        def conclude(self, answer):
            answer[0] = 100
            return answer

    ways["torch", "bfloat16"] = Overflowing(clock, 0.1, precision="bfloat16")
    listener, plain = Listener(), Plain(clock, 1.0)
    assert _settle(plain, listener, backend="torch") is plain
    assert "in 100.00% of the pixels" in listener.notes[0]


def test_little_work_is_not_worth_a_trial(clock, ways):
    ways["torch", "bfloat16"] = Timed(clock, 0.1, precision="bfloat16")
    plain = Timed(clock, 0.2)
    assert _settle(plain, Listener(), windows=49, backend="torch") is plain
    assert plain.asked == [1]
    assert _settle(plain, Listener(), windows=51, backend="torch") is not plain
    slow = Timed(clock, 60.0)
    assert _settle(slow, Listener(), windows=39, backend="torch") is slow
    assert slow.asked == []


def test_exporting_is_for_long_work_alone(clock, ways):
    ways["torch", "bfloat16"] = Timed(clock, 0.5, precision="bfloat16")
    ways["onnxruntime", "float32"] = onnx = Timed(clock, 0.1, backend="onnxruntime")
    assert _settle(Timed(clock, 1.0), Listener(), windows=1199) is ways["torch", "bfloat16"]
    assert onnx.asked == []
    assert _settle(Timed(clock, 1.0), Listener(), windows=1201) is onnx


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "float32", "backend": "torch"},
        {"precision": "bfloat16"},
        {"backend": "onnxruntime"},
        {"model": "m.onnx"},
        {"further_models": ("n.onnx",)},
    ],
)
def test_nothing_is_tried_that_is_not_left_open(clock, ways, options):
    plain = Timed(clock, 1.0)
    assert _settle(plain, Listener(), **options) is plain
    assert plain.asked == []


def test_a_processor_without_bfloat16_does_not_try_it(clock, ways, monkeypatch):
    monkeypatch.setattr(precision, "processor_has_bfloat16", lambda: False)
    ways["onnxruntime", "float32"] = Timed(clock, 0.5, backend="onnxruntime")
    assert _settle(Timed(clock, 1.0), Listener()) is ways["onnxruntime", "float32"]


def test_what_cannot_be_opened_or_takes_other_windows_is_passed_over(clock, ways):
    ways["torch", "bfloat16"] = ModelError("No.")
    ways["onnxruntime", "float32"] = other = Timed(clock, 0.1, backend="onnxruntime")
    other.fixed_size = 64
    plain = Timed(clock, 1.0)
    assert _settle(plain, Listener()) is plain
    assert other.asked == []


def test_what_fails_on_windows_is_passed_over(clock, ways):
    class Failing(Timed):
        def infer(self, windows):
            raise ModelError("The network fails on windows of 32 pixels.")

    ways["torch", "bfloat16"] = Failing(clock, 0.1, precision="bfloat16")
    ways["onnxruntime", "float32"] = onnx = Timed(clock, 0.5, backend="onnxruntime")
    assert _settle(Timed(clock, 1.0), Listener()) is onnx


def test_a_gpu_tries_float16_on_whole_batches_where_there_is_some_work(clock, ways):
    ways["torch", "float16"] = half = Timed(clock, 0.0004, precision="float16", device="cuda:0 (Some GPU)")
    plain = Timed(clock, 0.001, device="cuda:0 (Some GPU)")
    plain.batch_size = half.batch_size = 16
    assert _settle(plain, Listener(), windows=9_990) is plain
    assert half.asked == []
    assert _settle(plain, Listener(), windows=10_010) is half
    assert set(half.asked) == {16}


def test_without_data_nothing_is_tried(clock, ways):
    plain = Timed(clock, 1.0)
    assert settle(plain, _request(), list, MANY, Listener()) is plain


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_cancel_is_heard_between_two_windows(clock, ways, after):
    ways["torch", "bfloat16"] = Timed(clock, 0.4, precision="bfloat16")
    plain = Timed(clock, 1.0)
    asked = []

    def cancelled(listener):
        asked.append(len(plain.asked))
        return len(asked) > after

    with pytest.raises(Cancelled):
        _settle(plain, Listener(cancelled))
    assert len(plain.asked) <= 1 + (after + 1) // 2


def test_others_do_it_alike(clock):
    request = _request()
    found = as_settled(request, Timed(clock, 1, precision="bfloat16"))
    assert (found.precision, found.backend, found.input) == ("bfloat16", "torch", request.input)
    mixed = as_settled(request, Timed(clock, 1, backend="torch and onnxruntime"))
    assert (mixed.precision, mixed.backend) == ("float32", "auto")

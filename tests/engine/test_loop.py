"""The training loop: which epoch is kept, when it ends, and what is told of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.course import Course
from geoseg.geoseg_plugin.engine.training.loop import Loop
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from geoseg.geoseg_plugin.engine.training.validation import Measurement

HALF, MORE = ((4, 4), (0, 0)), ((5, 3), (0, 0))  # confusion matrices; the second class is not in the truth
BOTH, CONSTANT = ((4, 0), (1, 3)), ((4, 0), (4, 0))


@pytest.fixture
def run(monkeypatch, recorder):
    """Runs the loop over epochs with given matrices and losses; the weight is the number of the epoch."""

    def go(measured, **options):
        network = torch.nn.Linear(1, 1)
        table = ClassTable.named({0: "ground", 1: "roof"})
        dataset = SimpleNamespace(classes=table, split=lambda name: ("tile",))
        batches = SimpleNamespace(count=lambda tiles: tiles, count_rounds=lambda tiles: tiles)
        sampler = SimpleNamespace(wants_errors=False, state=dict)
        loss = SimpleNamespace(names=("dice",))
        course = Course(
            network, loss, None, batches, sampler, dataset, ("tile",), ("tile",), "float32", 1, 1, 0.1, "none", "chance"
        )
        coming = iter(measured)

        def learn(*_):
            network.weight.data += 1
            return SimpleNamespace(loss=1.0, learning_rate=0.1)

        def measure(*_):
            matrix, loss = next(coming)
            matrix = np.array(matrix)
            return Measurement(matrix, Scores.of(matrix), np.zeros(0), loss, np.ones(1), np.ones(2), np.ones(2))

        network.weight.data.zero_()
        monkeypatch.setattr(Loop, "learn", learn)
        monkeypatch.setattr(Loop, "_measure", measure)
        values = {"epochs": len(measured), "averaging": 0, **options}
        request = TrainSegmentation(dataset="d", model="m.safetensors", **values)
        saved, told = [], []
        fitted = Loop(course, request, recorder).fit(saved.append, lambda epoch, state: told.append(epoch.number))
        assert len(saved) == len(told) == len(fitted.history)
        return fitted

    return go


@pytest.mark.parametrize(
    ("measured", "kept"),
    [
        ([(HALF, 1.0), (MORE, 2.0), (HALF, 0.5)], 2),
        ([(HALF, 1.0), (HALF, 0.5), (HALF, 0.7)], 2),
        ([(HALF, 1.0), (HALF, 1.0)], 2),
    ],
)
def test_of_equal_epochs_the_lowest_loss_counts_and_then_the_latest(run, measured, kept):
    fitted = run(measured)
    assert fitted.best.number == kept
    assert fitted.state["weight"].item() == kept
    assert fitted.ended == ""


def test_patience_counts_from_the_best_epoch(run):
    measured = [(HALF, 1.0), (MORE, 1.0), (HALF, 0.5), (HALF, 0.4), (MORE, 0.1)]
    assert run(measured, patience=3).best.number == 5
    fitted = run(measured, patience=2)
    assert len(fitted.history) == 4
    assert fitted.best.number == 2
    assert "better than epoch 2 for 2 epochs (PATIENCE)" in fitted.ended


def test_time_that_is_up_ends_it(run):
    fitted = run([(HALF, 1.0)] * 5, time_budget=1e-9)
    assert len(fitted.history) == 1
    assert fitted.ended == "TIME_BUDGET was up after 1 of 5 epochs."


@pytest.mark.parametrize(
    ("matrices", "told"),
    [
        ([CONSTANT, CONSTANT, CONSTANT], [2]),
        ([CONSTANT, BOTH, BOTH], []),
        ([BOTH, CONSTANT, BOTH], [2]),
        ([CONSTANT], [1]),
        ([HALF, HALF], []),
    ],
)
def test_a_constant_answer_is_told_once(matrices, told, run, recorder):
    run([(matrix, 1.0) for matrix in matrices])
    said = [f"After epoch {number} every pixel is predicted as 'ground'; 'roof' has a mean" for number in told]
    assert [text[: len(one)] for text, one in zip(recorder.warnings, said, strict=True)] == said


def test_classes_that_cannot_be_measured_are_named(run, recorder):
    run([(HALF, 1.0)])
    assert any("(ground 0.500, roof not in validation)" in note for note in recorder.notes)
    figures = {name: value for name, value, _ in recorder.metrics}
    assert {"loss", "validation loss", "mean IoU", "IoU/ground", "F1/ground"} < set(figures)
    assert "IoU/roof" not in figures
    assert figures["IoU/ground"] == 0.5

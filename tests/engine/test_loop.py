"""The training loop: which epoch is kept, and what is told of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training import loop
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from geoseg.geoseg_plugin.engine.training.validation import Measurement

HALF, MORE = ((4, 4), (0, 0)), ((5, 3), (0, 0))  # confusion matrices; the second class is not in the truth


@pytest.fixture
def run(monkeypatch, recorder):
    """Runs the loop over epochs with given matrices and losses; the weight is the number of the epoch."""

    def go(measured):
        network = torch.nn.Linear(1, 1)
        table = ClassTable.named({0: "ground", 1: "roof"})
        dataset = SimpleNamespace(classes=table, split=lambda name: ("tile",))
        batches = SimpleNamespace(count=lambda tiles: tiles)
        course = loop.Course(network, None, None, batches, dataset, ("tile",), ("tile",), "float32")
        coming = iter(measured)

        def learn(*_):
            network.weight.data += 1
            return 1.0, np.array([4, 4])

        def measure(*_):
            matrix, loss = next(coming)
            matrix = np.array(matrix)
            return Measurement(matrix, Scores.of(matrix), np.array([]), loss, np.ones(2), np.ones(2))

        network.weight.data.zero_()
        monkeypatch.setattr(loop, "_learn", learn)
        monkeypatch.setattr(loop, "_measure", measure)
        return loop.fit(course, TrainSegmentation(dataset="d", model="m.safetensors", epochs=len(measured)), recorder)

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


def test_classes_that_cannot_be_measured_are_named(run, recorder):
    run([(HALF, 1.0)])
    assert any("(ground 0.500, roof not in validation)" in note for note in recorder.notes)
    assert {name for name, _, _ in recorder.metrics} == {"loss", "validation loss", "mean IoU", "IoU ground"}

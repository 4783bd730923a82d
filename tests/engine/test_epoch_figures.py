"""The figures of an epoch have names, and are what was measured."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.engine.training.course import Epoch
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from geoseg.geoseg_plugin.engine.training.tracking.epoch_figures import figure_names, name_figures, tell_apart
from geoseg.models.losses.loss import LossSettings, SummedLoss

CLASSES = ClassTable.named({0: "ground", 3: "big roof", 9: "lake"})
MATRIX = np.array([[50, 10, 0], [5, 35, 0], [0, 0, 0]])


def make_epoch(loss=0.75, parts=(0.5, 0.25)):
    measured = SimpleNamespace(scores=Scores.of(MATRIX), loss=loss, loss_parts=np.array(parts))
    return Epoch(number=4, loss=0.9, measured=measured, seconds=12.5, learning_rate=0.001)


def test_every_figure_has_its_name():
    figures = name_figures(make_epoch(), figure_names(CLASSES, ("cross entropy", "2 * dice")))
    assert figures["seconds"] == 12.5
    assert figures["learning rate"] == 0.001
    assert figures["loss"] == 0.9
    assert figures["validation loss"] == 0.75
    assert figures["validation loss/cross entropy"] == 0.5
    assert figures["validation loss/2 * dice"] == 0.25
    assert figures["IoU/ground"] == pytest.approx(50 / 65)
    assert figures["F1/big roof"] == pytest.approx(70 / 85)
    assert figures["precision/big roof"] == pytest.approx(35 / 45)
    assert figures["recall/big roof"] == pytest.approx(35 / 40)
    assert figures["mean IoU"] == pytest.approx((50 / 65 + 35 / 50) / 2)
    assert figures["foreground IoU"] == pytest.approx(35 / 50)
    assert figures["accuracy"] == 0.85
    assert np.isnan([figures["IoU/lake"], figures["precision/lake"]]).all()
    assert len(figures) == 6 + 3 + 4 * 3


def test_a_single_loss_has_no_parts():
    names = figure_names(CLASSES, ("dice",))
    assert not any("/dice" in name for name in names)
    assert name_figures(make_epoch(0.75, [0.75]), names)["validation loss"] == 0.75


def test_parts_of_a_loss_add_up_to_it():
    loss = SummedLoss(LossSettings(parse_losses("cross entropy + 2 * f-beta(2) + 0.5 * focal(2)")))
    torch.manual_seed(0)
    logits, target = torch.randn(2, 3, 8, 8), torch.randint(-1, 3, (2, 8, 8))
    epoch = make_epoch(loss(logits, target).item(), loss.parts(logits, target).numpy())
    figures = name_figures(epoch, figure_names(CLASSES, loss.names))
    parts = [value for name, value in figures.items() if name.startswith("validation loss/")]
    assert len(parts) == 3
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(figures["validation loss"])


def test_names_that_come_again_are_told_apart():
    assert list(tell_apart(["a", "a 2", "a", "b", "a"])) == ["a", "a 2", "a 3", "b", "a 4"]
    assert len(set(figure_names(ClassTable.named({0: "a", 1: "a"}), ("dice", "dice")))) == 4 + 2 + 3 + 4 * 2

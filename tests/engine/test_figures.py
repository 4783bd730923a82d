"""The curves of the training report."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable, LabelClass
from geoseg.geoseg_plugin.engine.training.figures import draw_curves
from matplotlib.figure import Figure
from matplotlib.image import imread

CLASSES = ClassTable.named({0: "ground", 1: "roof"})


def _epoch(number, loss, measured_loss, ious):
    scores = SimpleNamespace(iou=ious, mean_iou=sum(ious) / 2)
    return SimpleNamespace(number=number, loss=loss, measured=SimpleNamespace(loss=measured_loss, scores=scores))


@pytest.fixture
def draw(monkeypatch):
    """Draws three epochs and returns the curves of both parts: {label: heights}."""
    drawn, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *given, **how: (drawn.append(self), save(self, *given, **how)))

    def run(**options):
        history = [_epoch(1, 5.0, 1.0, (0.5, 0.1)), _epoch(2, 4.0, 0.5, (0.8, 0.4)), _epoch(3, 3.0, 0.6, (0.7, 0.3))]
        assert draw_curves(history, history[1], CLASSES, **options).startswith(b"\x89PNG")
        return [
            {one.get_label(): list(one.get_ydata()) for one in axes.lines if not one.get_label().startswith("_")}
            for axes in drawn[-1].axes
        ]

    return run


def test_losses_and_ious_are_drawn(draw):
    losses, ious = draw()
    assert losses == {"training": [5, 4, 3], "measured": [1, 0.5, 0.6]}
    assert (ious["ground"], ious["roof"]) == ([0.5, 0.8, 0.7], [0.1, 0.4, 0.3])
    assert ious["mean"] == pytest.approx([0.3, 0.6, 0.5])


def test_where_a_network_adds_to_the_loss_the_curves_say_so(draw):
    losses, _ = draw(own_loss=True)
    assert losses == {"training, with what the network adds": [5, 4, 3], "measured, without it": [1, 0.5, 0.6]}


def test_a_white_class_has_a_curve_that_can_be_seen():
    history = [_epoch(1, 5.0, 1.0, (0.5, 0.1)), _epoch(2, 4.0, 0.5, (0.8, 0.4))]
    classes = ClassTable((LabelClass(0, "ground", "#ffffff"), LabelClass(1, "roof", "#ffffff")))
    white = imread(io.BytesIO(draw_curves(history, history[1], classes)))[..., :3]
    outlines = (abs(white - np.array([102, 112, 133]) / 255) < 0.05).all(axis=-1)
    assert outlines[:, outlines.shape[1] // 2 :].sum() > 500

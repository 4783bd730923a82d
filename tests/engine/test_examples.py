"""Which tiles are shown, and that they are shown as the network sees them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training.batches import Batches
from geoseg.geoseg_plugin.engine.training.tiles import TileStore
from geoseg.geoseg_plugin.engine.training.tracking.examples import choose_examples, predict_panels
from geoseg.models.card import Band

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def make_course(make_dataset):
    """Makes what a training works with, of labels (H, W) that the image repeats."""

    def make(labels, size=3):
        dataset = open_dataset(
            make_dataset([("validation", label[None].repeat(2, 0) * 10 + 5, label) for label in labels])
        )
        batches = Batches(TileStore(dataset), Scaling((Band("a", 40, 1), Band("b", 40, 1))), size)
        return SimpleNamespace(
            batches=batches, dataset=dataset, measured=dataset.split("validation"), precision="float32"
        )

    return make


def label_of(values, side=16):
    label = np.full((side, side), 255, dtype=np.uint8)
    for row, value in enumerate(values):
        label[row] = value
    return label


class SeesRoofs(torch.nn.Module):
    """Takes what is bright in the first band for a roof, which is class 7 and so 75 where ground is 5."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, images):
        return torch.stack([-images[:, 0], images[:, 0]], dim=1) * self.weight


def test_tiles_with_several_classes_come_first_and_those_without_truth_never(make_course):
    course = make_course([label_of([]), label_of([0]), label_of([0, 7]), label_of([7]), label_of([7, 0])])
    assert [tile.id for tile in choose_examples(course)] == ["tile_002", "tile_004", "tile_001", "tile_003"]


def test_of_many_eight_are_spread_over_all(make_course):
    course = make_course([label_of([0, 7])] * 32)
    assert [tile.id for tile in choose_examples(course)] == [f"tile_{number:03d}" for number in range(0, 32, 4)]
    course.measured = course.measured * 10
    looked_at = []
    load = course.batches.store.load
    course.batches.store.load = lambda tile: looked_at.append(tile.id) or load(tile)
    assert len(choose_examples(course)) == 8
    assert len(looked_at) == 64


def test_panels_are_of_their_tiles_over_several_batches(make_course):
    shown = [label_of([7] * rows + [0] * (16 - rows)) for rows in (1, 2, 3, 4, 5)]
    course = make_course(shown, size=2)
    network = SeesRoofs().train()
    panels = list(predict_panels(course, network, course.measured))
    assert [one.tile for one in panels] == [f"tile_{number:03d}" for number in range(5)]
    red = np.array(course.dataset.classes.classes[1].rgb)
    for rows, one in zip((1, 2, 3, 4, 5), panels, strict=True):
        prediction, truth = one.pictures[2], one.pictures[4]
        assert (prediction[:rows] == red).all()
        assert not (prediction[rows:] == red).all(axis=-1).any()
        assert (prediction == truth).all()
        assert one.iou == 1.0
    assert not network.training


def test_gradients_are_left_to_the_caller(make_course):
    course = make_course([label_of([0, 7])] * 2, size=1)
    shown = predict_panels(course, SeesRoofs(), course.measured)
    next(shown)
    assert not torch.is_inference_mode_enabled()
    shown.close()

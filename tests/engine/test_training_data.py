"""Training straight from scenes is training on the dataset that would be made of them."""

import numpy as np
import pytest
import shapely
import torch
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import TRAIN
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training import training_data
from geoseg.geoseg_plugin.engine.training.augmentation.variation import Variation
from geoseg.geoseg_plugin.engine.training.batches import Batches
from geoseg.geoseg_plugin.engine.training.checks import check_fit
from geoseg.geoseg_plugin.engine.training.class_counts import read_class_counts
from geoseg.geoseg_plugin.engine.training.tiles import TileStore
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.geoseg_plugin.engine.training.training_data import open_training_data
from geoseg.models.card import Band
from geoseg.models.file import read_card, read_tensors

pytestmark = pytest.mark.usefixtures("one_thread")

SEED = 3


@pytest.fixture
def scenes(make_raster, make_layer):
    """A scene with gaps and features that name their classes, as parameters of both stages."""
    random = np.random.default_rng(1)
    image = random.normal(80, 10, (3, 180, 200))
    corners = random.integers(0, 160, (40, 2))
    for col, row in corners:
        image[:, row : row + 16, col : col + 16] += 90
    image = image.clip(1, 254).astype(np.uint8)
    image[:, :50, :30] = 0
    shapes = [shapely.box(col, row, col + 16, row + 16) for col, row in corners]
    kinds = [("house", "hut")[number % 2] for number in range(40)]
    return {
        "images": [make_raster("image.tif", image, nodata=0, photometric="minisblack")],
        "labels": [make_layer("labels.gpkg", shapes, kind=kinds)], "field": "kind", "tile_size": 64, "seed": SEED,
    }  # fmt: skip


@pytest.fixture
def both(scenes, tmp_path, recorder):
    """The requests to train on a dataset, and straight from its scenes."""
    made = make_tiles(MakeTiles(**scenes, output=str(tmp_path / "tiles")), recorder)

    def ask(name, **data):
        return TrainSegmentation(
            **data, model=str(tmp_path / f"{name}.safetensors"), epochs=1, batch_size=4, device="cpu",
            architecture="lw-refinenet", class_weights="inverse frequency", precision="float32",
        )  # fmt: skip

    return ask("disk", dataset=made.output, seed=SEED), ask("windows", **scenes)


def in_bits(batches):
    return [(batch.images.numpy().tobytes(), batch.labels.numpy().tobytes()) for batch in batches]


@pytest.mark.parametrize("room", [10**9, 0])
def test_batches_are_the_same(both, room, recorder, monkeypatch):
    monkeypatch.setattr(training_data, "room_for_tiles", lambda: room)
    seen = []
    for request in both:
        with open_training_data(request, recorder) as dataset:
            scaling = Scaling([Band(one.name, one.mean, one.std) for one in dataset.statistics])
            batches = Batches(TileStore(dataset), scaling, 3, variation=Variation(flips=True), threads=2)
            learned = dataset.split(TRAIN)
            drawn = batches.drawn(learned, np.random.default_rng(0).permutation(len(learned)), SEED, 1)
            counts = read_class_counts(dataset, learned, "").tolist()
            seen.append((in_bits(batches.in_order(dataset.tiles)), in_bits(drawn), counts))
    assert len(seen[0][0]) > 3
    assert seen[0] == seen[1]


def test_the_same_model_comes_of_both(both, recorder):
    results = [train_segmentation(request, recorder) for request in both]
    weights = [read_tensors(result.model) for result in results]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(one, weights[1][name]) for name, one in weights[0].items())
    cards = [read_card(result.model) for result in results]
    assert cards[0].bands == cards[1].bands
    assert cards[0].metrics == cards[1].metrics
    assert cards[1].dataset == ""


def test_one_class_is_said_of_the_images(make_raster, tmp_path, recorder):
    image = make_raster("image.tif", np.random.default_rng(0).integers(1, 9, (1, 100, 100)).astype(np.uint8))
    label = make_raster("label.tif", np.ones((1, 100, 100), np.uint8))
    request = TrainSegmentation(
        images=[image], labels=[label], tile_size=64, validation=0, model=str(tmp_path / "m.safetensors")
    )
    with open_training_data(request, recorder) as dataset, pytest.raises(InputError, match=r"image\.tif has only one"):
        check_fit(dataset, request)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "DATASET is missing, and so are IMAGES and LABELS"),
        ({"images": ["a.tif"]}, "DATASET is missing, and so is LABELS"),
        ({"labels": ["a.gpkg"], "field": "kind"}, "DATASET is missing, and so is IMAGES"),
        ({"dataset": "d", "images": ["a.tif"], "labels": ["b.tif"]}, "DATASET and IMAGES and LABELS are given"),
        ({"dataset": "d", "field": "kind"}, "DATASET and FIELD are given"),
        ({"dataset": "d", "model": "d/images/m.safetensors"}, "would change images of DATASET"),
    ],
)
def test_what_is_learned_from_is_given_once(data, message):
    with pytest.raises(RequestError, match=message):
        TrainSegmentation(**{"model": "m.safetensors", **data})

"""Batches of tiles: image and label stay paired, tiles come in another order, and are kept while memory lasts."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.processes.processes import Processes
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training import tiles
from geoseg.geoseg_plugin.engine.training.augmentation.variation import Variation
from geoseg.geoseg_plugin.engine.training.batches import Batches
from geoseg.geoseg_plugin.engine.training.tiles import TileStore
from geoseg.models.card import Band

SCALING = Scaling([Band("x", 0, 1), Band("y", 0, 1)])


@pytest.fixture
def marked(write_tiles, tmp_path):
    """Batches of tiles whose first band is the class value where marks are planted, odd in every direction."""
    random = np.random.default_rng(2)
    triples = []
    for number in range(5):
        label = np.zeros((40, 40), dtype=np.uint8)
        label[3 : 6 + number, 5:30] = 1
        label[20:24, 2 : 9 + number] = 2
        label[35:, 35:] = 255
        image = np.stack([label + 1, random.integers(1, 200, (40, 40))]).astype(np.uint8)
        image[:, :2, :3] = 0
        triples.append(("train", image, label))
    classes = ClassTable.named({0: "background", 1: "a", 2: "b"})
    folder = write_tiles(tmp_path / "dataset", triples, classes=classes, nodata=0)
    dataset = open_dataset(folder)
    return dataset, Batches(TileStore(dataset), SCALING, 2)


def test_marks_in_the_image_stay_on_their_labels(marked):
    dataset, _ = marked
    variation = Variation(flips=True, quarter_turns=True, brightness=0.2, contrast=0.2)
    batches = Batches(TileStore(dataset), SCALING, 2, variation=variation)
    changed = 0
    for epoch in range(4):
        for batch in batches.drawn(dataset.tiles, np.arange(5), seed=1, epoch=epoch):
            for image, label in zip(batch.images[:, 0], batch.labels, strict=True):
                planted = [image[label == k] for k in range(3)]
                # Contrast and brightness differ from tile to tile, but keep the marks apart.
                steps = [float(one.mean()) for one in planted]
                assert all(one.std() < 1e-4 for one in planted)
                assert steps[0] < steps[1] < steps[2]
                changed += not np.allclose(steps, [1, 2, 3])
    assert changed > 20


def test_tiles_come_as_drawn_and_the_last_batch_is_filled_up(marked):
    dataset, batches = marked
    got = list(batches.drawn(dataset.tiles, np.array([3, 0, 4, 1, 2]), 1, 1))
    assert [batch.places for batch in got] == [(3, 0), (4, 1), (2, 3)]
    sizes = [int((label == 1).sum()) for batch in got for label in batch.labels]
    assert sizes == [25 * (3 + place) for place in (3, 0, 4, 1, 2, 3)]


def test_chance_varies_with_seed_epoch_and_place_alone(marked):
    dataset, _ = marked
    batches = Batches(TileStore(dataset), SCALING, 2, variation=Variation(brightness=1.0, mixup=0.5, cutmix=0.5))

    def images(seed, epoch):
        feed = batches.drawn(dataset.tiles, np.zeros(6, dtype=np.int64), seed, epoch)
        return torch.cat([batch.images for batch in feed])

    first = images(1, 1)
    assert (first == images(1, 1)).all()
    assert len({one.numpy().tobytes() for one in first}) == 6
    for seed, epoch in ((1, 2), (2, 1)):
        assert not (first == images(seed, epoch)).all()


def test_parts_of_tiles_are_padded_and_blends_bring_both_labels(marked):
    dataset, _ = marked
    batches = Batches(TileStore(dataset), SCALING, 5, variation=Variation(crop=36, mixup=1.0))
    (batch,) = batches.drawn(dataset.tiles, np.arange(5), 1, 1)
    assert batch.images.shape == (5, 2, 64, 64)
    assert batch.other_labels.shape == batch.labels.shape == (5, 64, 64)
    assert 0 < batch.share < 1
    for labels in (batch.labels, batch.other_labels):
        assert (labels[:, 36:] == -1).all()
        assert (labels[:, :, 36:] == -1).all()
        assert (labels[:, :36, :36] >= 0).any()
    assert (batch.images[:, :, 36:] == 0).all()


@pytest.mark.parametrize(("sharing", "size"), [(2, 4), (3, 6), (4, 8)])
def test_processes_have_as_many_tiles_of_every_batch_and_two_or_more(marked, sharing, size):
    dataset, _ = marked
    seen, looked = [], []
    for rank in range(sharing):
        own = Batches(TileStore(dataset), SCALING, size, measured_size=2, processes=Processes(rank, sharing))
        seen.append([batch.places for batch in own.drawn(dataset.tiles, np.arange(5), 1, 1)])
        looked.append([batch.places for batch in own.by_turns(dataset.tiles)])
        assert len(seen[-1]) == own.count(5)
        assert 0 <= own.count_rounds(5) - len(looked[-1]) <= 1
    assert {len(places) for batches in seen for places in batches} == {2}
    shown = [place for parts in zip(*seen, strict=True) for each in zip(*parts, strict=True) for place in each]
    assert shown == np.resize(np.arange(5), len(shown)).tolist()
    assert set(shown) == set(range(5))
    assert sorted(place for batches in looked for places in batches for place in places) == list(range(5))
    assert looked[0][0] == (0, 1)


def test_validation_batches_are_as_the_files(marked):
    dataset, batches = marked
    got = list(batches.in_order(dataset.tiles))
    assert [len(batch.images) for batch in got] == [2, 2, 1]
    store = batches.store
    images = torch.cat([batch.images for batch in got])
    labels = torch.cat([batch.labels for batch in got])
    assert images.shape == (5, 2, 64, 64)
    for number, tile in enumerate(dataset.tiles):
        sample = store.load(tile)
        assert (images[number, :, :40, :40].numpy() == sample.image).all()
        assert (labels[number, :40, :40].numpy() == sample.label).all()
    assert (images[:, :, 40:] == 0).all()
    assert (labels[:, 40:] == -1).all()
    assert (labels[:, :, 40:] == -1).all()
    assert (labels[:, :2, :3] == -1).all()
    assert (labels[:, 35:40, 35:40] == -1).all()


@pytest.mark.parametrize(("count", "dtype"), [(128, np.int8), (129, np.int16), (32_769, np.int32)])
def test_indices_of_many_classes_do_not_wrap(make_dataset, count, dtype):
    label = np.full((32, 32), 1000, dtype=np.uint16)
    label[0, :2] = 999 + count, 255
    classes = ClassTable.named({value: str(value) for value in range(1000, 1000 + count)})
    image = np.ones((2, 32, 32), dtype=np.uint8)
    dataset = open_dataset(make_dataset([("train", image, label)], classes=classes))
    got = TileStore(dataset).load(dataset.tiles[0]).label
    assert got.dtype == dtype
    assert got[0, :3].tolist() == [count - 1, -1, 0]


def test_a_tile_that_two_threads_read_at_once_takes_room_once(marked, monkeypatch):
    dataset, _ = marked
    first, second = dataset.tiles[:2]
    store = TileStore(dataset, most_bytes=2 * TileStore(dataset).load(first).size)
    read, both = store._read, Barrier(2, timeout=10)

    def read_together(tile):
        both.wait()
        return read(tile)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(store, "_read", read_together)
        list(pool.map(store.load, [first, first]))
    assert store.load(second) is store.load(second)


@pytest.mark.parametrize(("free", "kept"), [(0, False), (1 << 30, True)])
def test_tiles_are_kept_within_the_free_memory(marked, monkeypatch, free, kept):
    dataset, _ = marked
    monkeypatch.setattr(tiles, "free_memory", lambda: free)
    store = TileStore(dataset)
    assert (store.load(dataset.tiles[0]) is store.load(dataset.tiles[0])) is kept

"""What can be wrong with data and training."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.training.checks import (
    check_fit,
    check_shown_classes,
    check_told_classes,
    check_weights,
    shows_all,
)

WHOLE = {"rotation": 0, "scale": 0, "crop": 0, "cutmix": 0}  # augmentation that cuts nothing off
CLASSES = ClassTable.named({0: "background", 1: "road", 2: "water"})


@pytest.mark.parametrize(
    ("crop", "augment", "said", "fix"),
    [
        (0, True, None, None),
        (128, True, None, None),
        (
            100,
            True,
            "CROP shows of tiles 100 pixels a side; pan needs 128",
            "CROP to 128 or more, or to 0, or choose unet.",
        ),
        (16, True, "CROP shows of tiles 16 pixels a side; pan needs 128", "CROP to 128 or more, or to 0."),
        (100, False, None, None),
        (300, True, "CROP is 300, but the tiles have only 200 x 200 pixels", "CROP to 200"),
    ],
)
def test_what_is_shown_of_tiles_must_be_large_enough(make_dataset, crop, augment, said, fix):
    tile = np.ones((3, 200, 200), np.uint8), np.zeros((200, 200), np.uint8)
    dataset = open_dataset(make_dataset([("train", *tile)]))
    request = TrainSegmentation(dataset="d", model="m.safetensors", architecture="pan", crop=crop, augment=augment)
    if said is None:
        check_fit(dataset, request)
        return
    with pytest.raises(InputError, match=said) as caught:
        check_fit(dataset, request)
    assert fix in caught.value.fix


def test_tiles_must_be_large_enough(make_dataset):
    tile = np.ones((3, 100, 100), np.uint8), np.zeros((100, 100), np.uint8)
    request = TrainSegmentation(dataset="d", model="m.safetensors", architecture="pan")
    with pytest.raises(InputError, match="The tiles have 100 pixels a side; pan needs 128 or more") as caught:
        check_fit(open_dataset(make_dataset([("train", *tile)])), request)
    assert caught.value.fix == "Make larger tiles, or choose unet."


@pytest.mark.parametrize(
    ("weights", "counts", "lost"),
    [
        ((0.5, 1.5, 0.0), (90, 30, 5), "'water'"),
        ((0.0, 0.0, 1.0), (90, 30, 5), "'background', 'road'"),
        ((0.5, 1.5, 0.0), (90, 30, 0), None),
        ((0.5, 0.5, 2.0), (90, 30, 5), None),
        ((), (90, 30, 5), None),
    ],
)
def test_classes_that_weights_forget_are_told(weights, counts, lost, recorder):
    request = TrainSegmentation(dataset="d", model="m.safetensors", class_weights="inverse frequency")
    check_weights(request, weights, np.array(counts), CLASSES, recorder)
    said = [f"Training tiles show {lost}, but tiles.gpkg tells of no such pixel"] if lost else []
    assert [text.split(":")[0] for text in recorder.warnings] == said


def test_something_must_count(recorder):
    request = TrainSegmentation(dataset="d", model="m.safetensors", class_weights="inverse frequency")
    with pytest.raises(RequestError, match="show only 'background', 'water', with the weight 0"):
        check_weights(request, (0.0, 2.0, 0.0), np.array((90, 0, 5)), CLASSES, recorder)


def test_who_gives_the_weight_0_means_it(recorder):
    request = TrainSegmentation(
        dataset="d", model="m.safetensors", class_weights="given", given_weights="background=1, road=1, water=0"
    )
    check_weights(request, (1.0, 1.0, 0.0), np.array((90, 30, 5)), CLASSES, recorder)
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("options", "all_shown"),
    [
        ({}, True),
        ({"crop": 64, "cutmix": 10, "mixup": 10, "cutout": 3}, True),
        ({"sampling": "hard examples"}, False),
        ({"epoch_tiles": 10}, False),
    ],
)
def test_classes_are_missed_by_what_is_in_tiles_not_by_what_an_epoch_shows(
    options, all_shown, make_dataset, make_blob_tile, recorder, monkeypatch
):
    request = TrainSegmentation(dataset="d", model="m.safetensors", **options)
    assert shows_all(request) == all_shown
    random = np.random.default_rng(0)
    dataset = open_dataset(
        make_dataset([("train", *make_blob_tile(random, 32)), ("unused", *make_blob_tile(random, 32))])
    )
    counted = []

    def count(given, learned, without):
        counted.append([tile.id for tile in learned])
        return np.array([[1024, 0]])

    monkeypatch.setattr("geoseg.geoseg_plugin.engine.training.checks.read_class_counts", count)
    check_told_classes(request, dataset, recorder)
    assert counted == ([] if all_shown else [["tile_000"]])
    told = any("No training tile has a pixel of 'roof'" in text for text in recorder.warnings)
    assert told != all_shown


@pytest.mark.parametrize(
    ("options", "told", "warned"),
    [
        ({}, [[900, 3]], False),
        ({}, [[1024, 0]], True),
        ({**WHOLE, "rotation": 10}, [[900, 3]], False),
        ({**WHOLE, "scale": 10}, [[900, 3]], False),
        ({**WHOLE, "crop": 16}, [[900, 3]], False),
        ({**WHOLE, "cutmix": 10}, [[900, 3]], False),
        (WHOLE, [[900, 3]], True),
        ({"augment": False}, [[900, 3]], True),
        ({}, None, True),
    ],
)
def test_what_is_cut_off_of_tiles_may_be_there(
    options, told, warned, make_dataset, make_blob_tile, recorder, monkeypatch
):
    def count(*_):
        if told is None:
            raise InputError("The layer does not tell.")
        return np.array(told)

    monkeypatch.setattr("geoseg.geoseg_plugin.engine.training.checks.read_class_counts", count)
    dataset = open_dataset(make_dataset([("train", *make_blob_tile(np.random.default_rng(0), 32))]))
    request = TrainSegmentation(dataset="d", model="m.safetensors", **options)
    check_shown_classes(request, dataset, np.array([700, 0]), recorder)
    assert recorder.warnings == (
        ["No training tile has a pixel of 'roof': the model will not find it."] if warned else []
    )
    before = list(recorder.warnings)
    check_shown_classes(request, dataset, np.array([700, 1]), recorder)
    assert recorder.warnings == before


def test_a_layer_that_does_not_count_is_no_fault(make_dataset, make_blob_tile, recorder):
    dataset = open_dataset(make_dataset([("train", *make_blob_tile(np.random.default_rng(0), 32))]))
    check_told_classes(TrainSegmentation(dataset="d", model="m.safetensors", epoch_tiles=1), dataset, recorder)
    assert recorder.warnings == []

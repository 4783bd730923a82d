"""Training that ended early goes on as if it had never ended."""

import json

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models.file import read_card, read_tensors

pytestmark = pytest.mark.usefixtures("one_thread")

EPOCHS = 3


@pytest.fixture(scope="module")
def tiles(tmp_path_factory, write_tiles, make_blob_tile):
    """A dataset of a few small tiles."""
    random = np.random.default_rng(5)
    splits = ["train"] * 5 + ["validation"] * 2
    return write_tiles(
        tmp_path_factory.mktemp("tiles") / "dataset", [(one, *make_blob_tile(random, 32)) for one in splits]
    )


def train(tiles, folder, recorder, **options):
    values = {
        "architecture": "lw-refinenet", "epochs": EPOCHS, "batch_size": 2, "device": "cpu", "precision": "float32",
        "learning_rate": 0.003, **options,
    }  # fmt: skip
    return train_segmentation(TrainSegmentation(dataset=tiles, model=str(folder / "m.safetensors"), **values), recorder)


def epochs_told(recorder):
    return [note.split(",")[0] for note in recorder.notes if note.startswith("Epoch ")]


def stop_in_epoch(make_recorder, number):
    """A recorder that cancels in the middle of an epoch."""
    return make_recorder(lambda self: len(epochs_told(self)) == number - 1 and len(self.texts) > 0)


VARIETIES = {
    "plain": {},
    "with dropout": {"architecture": "deeplabv3plus", "encoder": "mobilenet_v2"},
    "with much to remember": {
        "averaging": 0.9, "sampling": "hard examples", "schedule": "plateau", "plateau_epochs": 1, "optimizer": "adam",
        "accumulation": 2, "noise": 0.5, "mixup": 50, "frozen_epochs": 1,
    },
    "with a rate that was found": {"find_learning_rate": True},
    "of another precision": {"precision": "float16", "optimizer": "sgd"},
}  # fmt: skip


@pytest.mark.parametrize("options", VARIETIES.values(), ids=VARIETIES)
def test_it_ends_as_if_it_had_never_been_interrupted(options, tiles, tmp_path, make_recorder):
    whole, before, after = make_recorder(), stop_in_epoch(make_recorder, EPOCHS), make_recorder()
    result = train(tiles, tmp_path / "whole", whole, **options)
    cancelled = train(tiles, tmp_path / "parts", before, **options)
    assert cancelled.epoch_count == EPOCHS - 1
    assert (tmp_path / "parts" / "m.checkpoint.pt").is_file()
    resumed = train(tiles, tmp_path / "parts", after, resume=True, **options)

    assert epochs_told(before) + epochs_told(after) == epochs_told(whole)
    assert (resumed.best_iou, resumed.best_epoch, resumed.epoch_count) == (result.best_iou, result.best_epoch, EPOCHS)
    one, other = (read_tensors(str(tmp_path / name / "m.safetensors")) for name in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    cards = [read_card(str(tmp_path / name / "m.safetensors")).metrics for name in ("whole", "parts")]
    assert json.dumps(cards[0]) == json.dumps(cards[1])
    for name in ("whole", "parts"):
        assert [path.name for path in (tmp_path / name).iterdir()] == ["m.safetensors"]


def test_a_run_that_was_killed_at_its_end_needs_no_further_epoch(tiles, tmp_path, make_recorder, monkeypatch):
    def fail(*_):
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr("geoseg.geoseg_plugin.engine.training.train.save_model", fail)
        with pytest.raises(OSError, match="no room"):
            train(tiles, tmp_path, make_recorder(), epochs=1)
    recorder = make_recorder()
    result = train(tiles, tmp_path, recorder, epochs=1, resume=True)
    assert epochs_told(recorder) == []
    assert result.epoch_count == 1


def test_other_values_or_tiles_are_refused(tiles, tmp_path, make_recorder, write_tiles, make_blob_tile):
    train(tiles, tmp_path, stop_in_epoch(make_recorder, 2))
    with pytest.raises(RequestError, match=r"LEARNING_RATE was 0\.003"):
        train(tiles, tmp_path, make_recorder(), resume=True, learning_rate=0.1)
    random = np.random.default_rng(6)
    other = write_tiles(tmp_path / "other", [(one, *make_blob_tile(random, 32)) for one in ("train", "validation")])
    checkpoint = torch.load(tmp_path / "m.checkpoint.pt", weights_only=True)
    torch.save({**checkpoint, "request": {**checkpoint["request"], "dataset": other}}, tmp_path / "m.checkpoint.pt")
    with pytest.raises(InputError, match="not as it was"):
        train(other, tmp_path, make_recorder(), resume=True)
    (tmp_path / "m.checkpoint.pt").write_bytes(b"nothing of use")
    with pytest.raises(InputError, match="cannot be read"):
        train(tiles, tmp_path, make_recorder(), resume=True)


def test_edited_tiles_are_noticed(tmp_path, make_recorder, write_tiles, make_blob_tile):
    random = np.random.default_rng(7)
    folder = write_tiles(
        tmp_path / "tiles", [(one, *make_blob_tile(random, 32)) for one in ("train", "train", "validation")]
    )
    train(folder, tmp_path, stop_in_epoch(make_recorder, 2))
    label = tmp_path / "tiles" / "labels" / "tile_000.tif"
    label.write_bytes((tmp_path / "tiles" / "labels" / "tile_001.tif").read_bytes())
    with pytest.raises(InputError, match="not as it was"):
        train(folder, tmp_path, make_recorder(), resume=True)


def test_a_log_of_another_training_is_not_gone_on_with(tiles, tmp_path, make_recorder):
    log = tmp_path / "log"
    train(tiles, tmp_path / "first", make_recorder(), epochs=1, log=str(log))
    rows = (log / "epochs.csv").read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="holds the log of another training"):
        train(tiles, tmp_path / "second", make_recorder(), epochs=1, log=str(log), resume=True)
    assert (log / "epochs.csv").read_text(encoding="utf-8") == rows


def test_a_file_that_is_no_checkpoint_is_left_alone(tiles, tmp_path, make_recorder):
    own = tmp_path / "m.checkpoint.pt"
    own.write_text("my own")
    with pytest.raises(InputError, match="none of GeoSeg") as caught:
        train(tiles, tmp_path, make_recorder(), epochs=1)
    assert "give another MODEL" in caught.value.fix
    assert own.read_text() == "my own"
    torch.save({"weights": torch.zeros(1)}, own)
    with pytest.raises(InputError, match="none of GeoSeg"):
        train(tiles, tmp_path, make_recorder(), epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == [own.name]


def test_without_resume_training_begins_anew_and_says_what_it_replaces(tiles, tmp_path, make_recorder):
    train(tiles, tmp_path, stop_in_epoch(make_recorder, 2))
    recorder = make_recorder()
    assert train(tiles, tmp_path, recorder, epochs=1).epoch_count == 1
    assert any("ended early, and is replaced" in text and "set RESUME" in text for text in recorder.warnings)
    recorder = make_recorder()
    train(tiles, tmp_path, recorder, epochs=1, resume=True)
    assert any("begins anew" in text for text in recorder.notes)
    assert any("m.safetensors exists. It is replaced" in text for text in recorder.warnings)


def test_a_checkpoint_of_another_version_is_not_said_to_be_gone_on_with(tiles, tmp_path, make_recorder):
    train(tiles, tmp_path, stop_in_epoch(make_recorder, 2))
    path, recorder = tmp_path / "m.checkpoint.pt", make_recorder()
    torch.save({**torch.load(path, weights_only=True), "version": 1}, path)
    with pytest.raises(InputError, match="of another GeoSeg"):
        train(tiles, tmp_path, recorder, epochs=1, resume=True)
    train(tiles, tmp_path, recorder, epochs=1)
    (said,) = [text for text in recorder.warnings if "is replaced after" in text]
    assert "RESUME" not in said


def test_a_full_disk_does_not_end_a_training(tiles, tmp_path, make_recorder, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    recorder = make_recorder()
    assert train(tiles, tmp_path, recorder, epochs=2).epoch_count == 2
    assert sum("No space left" in text for text in recorder.warnings) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]

"""Training as a whole: it learns, repeats itself, keeps the best, and stops when told."""

import csv
import json
import re

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError, InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.networks import INCLUDED
from geoseg.geoseg_plugin.contract.stages import to_json
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import BandStatistics, open_dataset
from geoseg.geoseg_plugin.engine.training.learner import Learned, Learner
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models.file import load_network, read_card, read_tensors
from geoseg.models.losses.loss import LossSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def _request(dataset, folder, **options):
    values = {"epochs": 1, "batch_size": 4, "learning_rate": 0.003, "device": "cpu", "precision": "float32", **options}
    return TrainSegmentation(dataset=dataset, model=str(folder / "model.safetensors"), **values)


@pytest.fixture(scope="module")
def trained(blobs, tmp_path_factory, make_recorder):
    """One training on the toy set that the following tests look at."""
    folder = tmp_path_factory.mktemp("trained")
    recorder = make_recorder()
    request = _request(blobs, folder, epochs=6, report=str(folder / "report.html"))
    return request, train_segmentation(request, recorder), recorder


def test_it_learns_a_toy_set(trained):
    _, result, recorder = trained
    assert result.best_iou > 0.95
    assert recorder.warnings == []


def test_the_best_epoch_is_the_highest(trained):
    _, result, recorder = trained
    means = {step: value for name, value, step in recorder.metrics if name == "mean IoU"}
    assert len(means) == 6
    assert result.best_iou == max(means.values())
    assert means[result.best_epoch] == result.best_iou
    assert {name for name, _, _ in recorder.metrics} > {
        "loss", "validation loss", "validation loss/dice", "mean IoU", "IoU/background", "F1/roof",
    }  # fmt: skip


def test_it_tells_how_it_goes(trained):
    _, _, recorder = trained
    assert recorder.fractions == sorted(recorder.fractions)
    assert any(re.search(r"Epoch \d of 6: [\d.]+ tiles/s, \d+ s left", text) for text in recorder.texts)
    notes = [note for note in recorder.notes if note.startswith("Epoch ")]
    assert len(notes) == 6
    assert all("loss" in note and "mean IoU" in note and "roof" in note for note in notes)


def test_the_file_holds_the_best_weights_and_a_whole_card(trained, blobs):
    request, result, _ = trained
    network, card = load_network(request.model, torch.device("cpu"))
    dataset = open_dataset(blobs)
    assert (card.architecture, card.encoder) == ("unet", INCLUDED)
    assert [(band.name, band.mean, band.std) for band in card.bands] == [
        (one.name, one.mean, one.std) for one in dataset.statistics
    ]
    assert card.classes == dataset.classes
    assert card.request == json.loads(json.dumps(to_json(request)))
    assert card.fingerprint == dataset.fingerprint
    assert (card.tile_size, card.pixel_size, card.crs, card.dtype) == (64, (0.5, 0.5), "EPSG:32645", "uint8")
    assert card.metrics["iou"] == result.best_iou
    assert card.metrics["measured_on"] == "validation"
    assert card.metrics["classes"]["roof"]["iou"] > 0.9
    assert set(card.versions) == {"geoseg", "torch", "segmentation-models-pytorch"}
    assert card.created.endswith("+00:00")
    assert _intersection_over_union(network, card, dataset) == pytest.approx(result.best_iou, abs=1e-6)


def test_the_card_has_the_best_threshold_of_the_best_epoch(trained, blobs):
    import rasterio

    network, card = load_network(trained[0].model, torch.device("cpu"))
    probability, true = [], []
    for tile in open_dataset(blobs).split("validation"):
        image, label = rasterio.open(tile.image).read(), rasterio.open(tile.label).read(1)
        scaled = np.stack([(one - band.mean) / band.std for one, band in zip(image, card.bands, strict=True)])
        with torch.inference_mode():
            probability.append(network(torch.from_numpy(scaled[None]).float()).softmax(dim=1)[0, 1].numpy())
        true.append(label == 7)
    probability, true = np.stack(probability), np.stack(true)

    def f1(threshold):
        chosen = probability >= threshold
        return 2 * (chosen & true).sum() / (chosen.sum() + true.sum())

    assert list(card.thresholds) == ["roof"]
    best = max(f1(threshold / 100) for threshold in range(1, 100))
    assert f1(card.thresholds["roof"]) == pytest.approx(best, abs=1e-3)


def _intersection_over_union(network, card, dataset):
    """The mean IoU, computed without anything of the training's own."""
    import rasterio

    hits, either = np.zeros(2), np.zeros(2)
    for tile in dataset.split("validation"):
        image, label = rasterio.open(tile.image).read(), rasterio.open(tile.label).read(1)
        scaled = np.stack([(one - band.mean) / band.std for one, band in zip(image, card.bands, strict=True)])
        with torch.inference_mode():
            chosen = network(torch.from_numpy(scaled[None]).float()).argmax(1)[0].numpy()
        for index, value in enumerate((0, 7)):
            hits[index] += ((chosen == index) & (label == value)).sum()
            either[index] += ((chosen == index) | (label == value)).sum()
    return (hits / either).mean()


def test_the_same_seed_gives_the_same_weights(blobs, tmp_path, recorder):
    states = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        request = _request(blobs, tmp_path / name, seed=seed)
        train_segmentation(request, recorder)
        states.append(read_tensors(request.model))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_cancel_before_the_first_epoch_leaves_nothing(blobs, tmp_path, make_recorder):
    recorder = make_recorder(lambda self: len(self.fractions) > 2)
    request = _request(blobs, tmp_path, epochs=5, report=str(tmp_path / "report.html"))
    with pytest.raises(Cancelled):
        train_segmentation(request, recorder)
    assert list(tmp_path.iterdir()) == []


def test_cancel_keeps_the_best_so_far(blobs, tmp_path, make_recorder):
    recorder = make_recorder(lambda self: sum(note.startswith("Epoch ") for note in self.notes) == 2)
    request = _request(blobs, tmp_path, epochs=50, report=str(tmp_path / "report.html"))
    result = train_segmentation(request, recorder)
    means = [value for name, value, _ in recorder.metrics if name == "mean IoU"]
    assert len(means) == 2
    assert result.best_iou == max(means)
    assert read_card(request.model).metrics["iou"] == result.best_iou
    assert result.report is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.checkpoint.pt", "model.safetensors"]
    assert any("Cancelled after 2 of 50 epochs" in text for text in recorder.warnings)


@pytest.mark.parametrize("architecture", ["deeplabv3", "pspnet"])
def test_an_odd_number_of_tiles_does_not_break_normalisation(
    architecture, make_dataset, make_blob_tile, tmp_path, recorder
):
    random = np.random.default_rng(0)
    folder = make_dataset([("train", *make_blob_tile(random, 64)) for _ in range(5)])
    train_segmentation(_request(folder, tmp_path, architecture=architecture, encoder="mobilenet_v2"), recorder)
    assert read_card(str(tmp_path / "model.safetensors")).architecture == architecture


def test_one_tile_at_a_time_is_refused_where_the_network_cannot(blobs, tmp_path, recorder):
    request = _request(blobs, tmp_path, architecture="deeplabv3", encoder="mobilenet_v2", batch_size=1)
    with pytest.raises(GeosegError, match="one tile at a time"):
        train_segmentation(request, recorder)


def test_without_validation_tiles_it_measures_on_training_tiles_and_warns(
    make_dataset, make_blob_tile, tmp_path, recorder
):
    random = np.random.default_rng(0)
    folder = make_dataset([("train", *make_blob_tile(random, 64)) for _ in range(3)])
    train_segmentation(_request(folder, tmp_path), recorder)
    assert any("no validation tiles" in text for text in recorder.warnings)
    assert read_card(str(tmp_path / "model.safetensors")).metrics["measured_on"] == "train"


def test_tiles_without_labels_are_refused(make_dataset, make_blob_tile, tmp_path, recorder):
    image, label = make_blob_tile(np.random.default_rng(0), 64)
    folder = make_dataset([("train", image, np.full_like(label, 255)), ("validation", image, label)])
    with pytest.raises(InputError, match="No training tile"):
        train_segmentation(_request(folder, tmp_path), recorder)


@pytest.mark.parametrize(
    ("maximum", "cause"), [(200.0, "Lower LEARNING_RATE, for instance to 0.0003"), (3e38, "'band 1'")]
)
def test_a_loss_that_runs_away_names_its_cause(
    maximum, cause, make_dataset, make_blob_tile, tmp_path, recorder, monkeypatch
):
    random = np.random.default_rng(0)
    statistics = tuple(BandStatistics(f"band {n}", 80, 10, 0, maximum if n == 1 else 200) for n in (1, 2, 3))
    folder = make_dataset([("train", *make_blob_tile(random, 64)) for _ in range(4)], statistics=statistics)
    monkeypatch.setattr(Learner, "step", lambda *_: Learned(torch.tensor(float("nan")), None))
    with pytest.raises(GeosegError, match="no finite number any more \\(epoch 1") as caught:
        train_segmentation(_request(folder, tmp_path), recorder)
    assert cause in caught.value.fix
    assert list(tmp_path.glob("*.safetensors")) == []


def test_too_small_tiles_are_refused(blobs, tmp_path, recorder):
    with pytest.raises(InputError, match="pan needs 128"):
        train_segmentation(_request(blobs, tmp_path, architecture="pan"), recorder)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"architecture": "linknet", "encoder": "mit_b0"}, "does not fit"),
        ({"other_encoder": "resnet19"}, "not known"),
        ({"weights": "nowhere.safetensors"}, "nor an existing file"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_what_cannot_be_is_refused_before_any_tile_is_looked_at(options, reason, blobs, tmp_path, recorder):
    with pytest.raises(GeosegError, match=reason):
        train_segmentation(_request(blobs, tmp_path, **options), recorder)
    assert recorder.notes == []
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_is_close_to_float32(blobs, tmp_path, make_recorder):
    losses = []
    for precision in ("float32", "bfloat16"):
        recorder = make_recorder()
        train_segmentation(_request(blobs, tmp_path / precision, precision=precision, augment=False), recorder)
        losses.append(next(value for name, value, _ in recorder.metrics if name == "loss"))
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_what_is_minimised_is_told(blobs, tmp_path, recorder):
    words = (
        "cross entropy + 0.5 * f2; class weights background 0.5, roof 1.5; label smoothing 0.1; "
        "border weight 4 within 3 pixels"
    )
    request = _request(
        blobs, tmp_path, loss_formula="Cross entropy + 0.5*f2", class_weights="given", label_smoothing=0.1,
        given_weights="roof=1.5, background=0.5", border_weight=4, border_width=3, report=str(tmp_path / "page.html"),
    )  # fmt: skip
    result = train_segmentation(request, recorder)
    assert f"Loss: {words}" in recorder.notes
    assert read_card(result.model).loss == words
    assert words in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_class_weights_count(blobs, tmp_path, recorder):
    # Six of seven pixels are background, but next to nothing is lost with them.
    options = {"class_weights": "given", "given_weights": "background=0.001, roof=1", "loss": "cross entropy"}
    train_segmentation(_request(blobs, tmp_path, **options), recorder)
    found = read_card(str(tmp_path / "model.safetensors")).metrics["classes"]
    assert found["roof"]["recall"] > 0.9
    assert found["background"]["recall"] < 0.1


def test_classes_that_the_layer_does_not_count_are_told(blobs, tmp_path, recorder, monkeypatch):
    weighted = LossSettings(parse_losses("dice"), class_weights=(1.0, 0.0))
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.training.plan.choose_loss", lambda *_: weighted)
    train_segmentation(_request(blobs, tmp_path, class_weights="inverse frequency"), recorder)
    assert any("show 'roof', but tiles.gpkg tells of no such pixel" in text for text in recorder.warnings)


def test_weights_of_other_classes_are_refused_at_once(blobs, tmp_path, recorder):
    with pytest.raises(RequestError, match="'roof' no weight"):
        train_segmentation(_request(blobs, tmp_path, class_weights="given", given_weights="background=1"), recorder)
    assert recorder.notes == []
    assert list(tmp_path.iterdir()) == []


def test_a_network_without_an_encoder_is_named_alone(make_dataset, make_blob_tile, tmp_path, recorder):
    random = np.random.default_rng(0)
    folder = make_dataset([(split, *make_blob_tile(random, 32)) for split in ("train", "train", "validation")])
    page = tmp_path / "page.html"
    train_segmentation(_request(folder, tmp_path, architecture="satellite-unet", report=str(page)), recorder)
    assert any(note.startswith("satellite-unet, random weights, on ") for note in recorder.notes)
    assert "<h1>satellite-unet</h1>" in page.read_text(encoding="utf-8")


def test_a_preview_shows_what_the_network_sees(blobs, tmp_path, recorder):
    from matplotlib.image import imread

    result = train_segmentation(_request(blobs, tmp_path, preview=str(tmp_path / "varied.png"), crop=32), recorder)
    assert result.preview == str(tmp_path / "varied.png")
    assert min(imread(result.preview).shape[:2]) > 200


def test_a_learning_rate_that_is_found_is_used(blobs, tmp_path, recorder, monkeypatch):
    step, used = Learner.step, []

    def spy(self, batches, learning_rate):
        used.append(learning_rate)
        return step(self, batches, learning_rate)

    monkeypatch.setattr(Learner, "step", spy)
    options = {"find_learning_rate": True, "learning_rate": 1e-8, "schedule": "constant", "warm_up": 0}
    train_segmentation(_request(blobs, tmp_path, architecture="lw-refinenet", **options), recorder)
    told = next(note for note in recorder.notes if note.startswith("Learning rate"))
    assert used[-1] > 1e-6
    assert f"{used[-1]:.2g}," in told
    assert recorder.fractions == sorted(recorder.fractions)


def test_a_time_budget_ends_training_with_a_model_and_a_report(blobs, tmp_path, make_recorder):
    recorder = make_recorder()
    request = _request(
        blobs, tmp_path, architecture="lw-refinenet", epochs=10_000, time_budget=0.1, report=str(tmp_path / "page.html")
    )
    result = train_segmentation(request, recorder)
    assert 1 <= result.epoch_count < 10_000
    assert any("TIME_BUDGET was up" in note for note in recorder.notes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "page.html"]
    assert recorder.fractions == sorted(recorder.fractions)


def test_time_that_does_not_do_for_one_epoch_is_warned_of(blobs, tmp_path, recorder):
    request = _request(blobs, tmp_path, architecture="lw-refinenet", time_budget=1e-6)
    assert train_segmentation(request, recorder).epoch_count == 1
    assert any(
        warning.startswith("TIME_BUDGET was up after 1 of the 6 steps of the first epoch")
        for warning in recorder.warnings
    )


def test_what_a_preset_sets_is_told(blobs, tmp_path, recorder):
    train_segmentation(_request(blobs, tmp_path, architecture="lw-refinenet", preset="arcgis-pro"), recorder)
    assert any("arcgis-pro" in note and "NOISE" not in note and "CONTRAST" in note for note in recorder.notes)


def test_a_log_has_a_row_for_every_epoch_also_after_an_interruption(blobs, tmp_path, make_recorder):
    log = tmp_path / "log"
    options = {"architecture": "lw-refinenet", "epochs": 3, "log": str(log)}
    stopped = make_recorder(lambda self: sum(note.startswith("Epoch ") for note in self.notes) == 2)
    train_segmentation(_request(blobs, tmp_path, **options), stopped)
    recorder = make_recorder()
    result = train_segmentation(_request(blobs, tmp_path, resume=True, **options), recorder)
    assert result.log == str(log)
    with (log / "epochs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    told = {step: value for one in (stopped, recorder) for name, value, step in one.metrics if name == "mean IoU"}
    assert [float(row["mean IoU"]) for row in rows] == pytest.approx([told[1], told[2], told[3]])
    assert list(log.glob("panels/epoch_*/*_iou1_*.png"))


def test_a_log_of_another_training_is_refused_before_any_work(blobs, tmp_path, recorder):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "mine.txt").touch()
    with pytest.raises(OutputError, match="not empty"):
        train_segmentation(_request(blobs, tmp_path, log=str(tmp_path / "log")), recorder)
    assert recorder.notes == []


def test_of_large_tiles_parts_are_shown_in_epochs_with_all_their_pixels(
    make_dataset, make_blob_tile, tmp_path, recorder, monkeypatch
):
    random, shapes = np.random.default_rng(3), []
    dataset = make_dataset([(split, *make_blob_tile(random, 512)) for split in ("train", "train", "validation")])
    learn = Learner.step

    def step(learner, batches, rate):
        shapes.extend(tuple(batch.images.shape) for batch in batches)
        return learn(learner, batches, rate)

    monkeypatch.setattr(Learner, "step", step)
    train_segmentation(_request(dataset, tmp_path, batch_size=0), recorder)
    assert shapes == [(4, 3, 256, 256)] * 2
    assert any("4 per batch, parts of 256 x 256 pixels" in text for text in recorder.notes)


def test_the_card_tells_the_trivial_answer(trained):
    metrics = read_card(trained[0].model).metrics
    shares = [one["share"] for one in metrics["classes"].values()]
    assert sum(shares) == pytest.approx(1)
    assert metrics["trivial_iou"] == pytest.approx(max(shares) / 2)

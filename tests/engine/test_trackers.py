"""What watches a training is told all of it, and does not end it."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training.batches import Batches
from geoseg.geoseg_plugin.engine.training.course import Course, Epoch
from geoseg.geoseg_plugin.engine.training.metrics import Scores
from geoseg.geoseg_plugin.engine.training.tiles import TileStore
from geoseg.geoseg_plugin.engine.training.tracking import trackers
from geoseg.geoseg_plugin.engine.training.tracking.trackers import open_trackers
from geoseg.geoseg_plugin.engine.training.tracking.training_log import TrainingLog
from geoseg.models.card import Band
from geoseg.models.losses.loss import LossSettings, SummedLoss

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def course(blobs):
    dataset = open_dataset(blobs)
    bands = tuple(Band(one.name, one.mean, one.std) for one in dataset.statistics)
    return Course(
        network=torch.nn.Conv2d(3, 2, 1), loss=SummedLoss(LossSettings(parse_losses("cross entropy + dice"))),
        training_loss=None, batches=Batches(TileStore(dataset), Scaling(bands), 4), sampler=None, dataset=dataset,
        learned=dataset.split("train"), measured=dataset.split("validation"), precision="float32", batch_size=4,
        epoch_tiles=24, learning_rate=0.004, encoder="mobilenet_v2", start="random weights",
    )  # fmt: skip


@pytest.fixture
def request_of(blobs, tmp_path):
    """Makes requests that write into the test's folder."""
    return lambda **options: TrainSegmentation(dataset=blobs, model=str(tmp_path / "m.safetensors"), **options)


def make_epoch(number, iou=0.5):
    matrix = np.array([[10, 0], [round(10 * (1 - iou)), round(10 * iou)]])
    measured = SimpleNamespace(scores=Scores.of(matrix), loss=0.75, loss_parts=np.array([0.5, 0.25]))
    return Epoch(number=number, loss=0.9, measured=measured, seconds=1.5, learning_rate=0.001)


def test_nothing_is_done_unless_it_is_asked_for(course, request_of, recorder, tmp_path, monkeypatch):
    monkeypatch.setattr(course.batches, "in_order", lambda tiles: pytest.fail("no picture is asked for"))
    with open_trackers(request_of(), course, recorder) as watching:
        watching.add_epoch(make_epoch(1), course.network)
        watching.add_results(tmp_path / "m.safetensors", None, finished=True)
    assert list(tmp_path.iterdir()) == []
    assert recorder.notes == recorder.warnings == []


def test_the_log_has_every_epoch_and_pictures_of_the_best(course, request_of, recorder, tmp_path):
    folder = tmp_path / "log"
    with open_trackers(request_of(log=str(folder)), course, recorder) as watching:
        watching.add_epoch(make_epoch(1), course.network)
        watching.add_epoch(make_epoch(2, 0.3), None)
        watching.add_epoch(make_epoch(3, 0.8), course.network)
    table = pandas.read_csv(folder / "epochs.csv")
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["recall/roof"].tolist() == [0.5, 0.3, 0.8]
    assert (table["validation loss/cross entropy"] + table["validation loss/dice"] == table["validation loss"]).all()
    pictures = sorted(path.relative_to(folder / "panels") for path in folder.glob("panels/*/*.png"))
    assert {path.parts[0] for path in pictures} == {"epoch_0001", "epoch_0003"}
    assert len(pictures) == 2 * 8
    assert all(path.name.startswith("tile_0") and "_iou1_" in path.name for path in pictures)


def test_what_was_asked_for_and_chosen_is_told(course, request_of, recorder, tmp_path):
    with open_trackers(request_of(log=str(tmp_path / "log"), epochs=7), course, recorder):
        (run,) = json.loads((tmp_path / "log" / "parameters.json").read_text())["runs"]
    assert run["request"]["stage"] == "trainsegmentation"
    assert run["request"]["parameters"]["epochs"] == 7
    assert run["chosen"]["encoder"] == "mobilenet_v2"
    assert run["chosen"]["weights"] == "random weights"
    assert run["chosen"]["batch_size"] == 4
    assert run["chosen"]["learning_rate"] == 0.004
    assert run["chosen"]["device"].startswith("cpu")
    assert run["versions"]["torch"] == torch.__version__
    assert run["dataset"] == {
        "name": course.dataset.name, "fingerprint": course.dataset.fingerprint, "training_tiles": 24,
        "measured_tiles": 8,
    }  # fmt: skip


def test_a_log_that_cannot_be_written_any_more_ends_no_training(course, request_of, recorder, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left")

    with open_trackers(request_of(log=str(tmp_path / "log")), course, recorder) as watching:
        watching.add_epoch(make_epoch(1), None)
        monkeypatch.setattr(TrainingLog, "add", fail)
        watching.add_epoch(make_epoch(2), None)
        watching.add_epoch(make_epoch(3), course.network)
    assert len(recorder.warnings) == 1
    assert "cannot be written any more: [Errno 28] No space left. Training goes on" in recorder.warnings[0]


def test_the_log_of_a_training_goes_on_with_it(course, request_of, recorder, tmp_path):
    folder = str(tmp_path / "log")
    with open_trackers(request_of(log=folder), course, recorder) as watching:
        for number in (1, 2):
            watching.add_epoch(make_epoch(number), None)
    with open_trackers(request_of(log=folder, resume=True), course, recorder, first_epoch=2) as watching:
        watching.add_epoch(make_epoch(2, 0.9), None)
    assert pandas.read_csv(tmp_path / "log" / "epochs.csv")["recall/roof"].tolist() == [0.5, 0.9]


def test_mlflow_hears_all_of_it(course, request_of, recorder, tmp_path, monkeypatch):
    heard = []
    run = SimpleNamespace(
        add=lambda number, figures: heard.append((number, figures["accuracy"])), add_file=heard.append
    )

    @contextmanager
    def open_run(facts, report):
        heard.append(facts)
        yield run

    monkeypatch.setattr(trackers, "open_run", open_run)
    model, page = tmp_path / "m.safetensors", tmp_path / "r.html"
    asked = request_of(mlflow=True, experiment="Roofs", batch_size=0)
    with open_trackers(asked, course, recorder, first_epoch=5) as watching:
        watching.add_epoch(make_epoch(5), course.network)
        watching.add_results(model, page, finished=True)
        assert run.finished
        watching.add_results(model, None, finished=False)
        assert not run.finished
    facts, epoch, *files = heard
    assert (facts.experiment, facts.model, facts.first_epoch) == ("Roofs", model, 5)
    assert (facts.dataset, facts.fingerprint) == (course.dataset.name, course.dataset.fingerprint)
    assert facts.parameters["epochs"] == 30
    assert facts.parameters["batch_size"] == 4
    assert epoch == (5, 0.75)
    assert files == [model, page, model]

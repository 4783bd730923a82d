"""The training log: what is in it, who reads it, and which folders it takes."""

import json
import math

import numpy as np
import pandas
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.training.tracking.panels import Panels
from geoseg.geoseg_plugin.engine.training.tracking.training_log import open_log, refuse_full_folder
from matplotlib.image import imread
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

NAMES = ("loss", "mean IoU", "IoU/lake")


def make_panels(iou=0.53, shade=0):
    return Panels("tile_007", iou, tuple(np.full((96, 96, 3), shade, dtype=np.uint8) for _ in range(5)))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs" / "lög"


@pytest.fixture
def write(folder):
    """Writes epochs of (number, figures, panels) as one run."""

    def go(epochs, *, first=1, **parameters):
        with open_log(folder, NAMES, parameters, first_epoch=first) as log:
            for number, figures, panels in epochs:
                log.add(number, dict(zip(NAMES, figures, strict=True)), panels)

    return go


def read_events(folder):
    return EventAccumulator(str(folder), {"images": 0}).Reload()


def test_all_of_it_can_be_read_back(folder, write):
    write([(1, (0.75, 0.5, math.nan), [make_panels()]), (2, (0.5, 0.25, 0.125), [])], device="cpu")
    table = pandas.read_csv(folder / "epochs.csv")
    assert table["mean IoU"].tolist() == [0.5, 0.25]
    events = read_events(folder)
    assert events.Tags()["scalars"] == ["loss", "mean IoU", "IoU/lake"]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 0.75), (2, 0.5)]
    assert [(event.step, event.value) for event in events.Scalars("IoU/lake")] == [(2, 0.125)]
    assert [event.step for event in events.Images("panels/tile_007")] == [1]
    assert [path.name for path in (folder / "panels").iterdir()] == ["epoch_0001"]
    picture = imread(folder / "panels" / "epoch_0001" / "tile_007_iou1_0.530.png")
    assert (255 * picture[..., :3] == make_panels().side_by_side()).all()
    assert json.loads((folder / "parameters.json").read_text())["runs"] == [{"first_epoch": 1, "device": "cpu"}]


def test_it_grows_live(folder):
    with open_log(folder, NAMES, {}, first_epoch=1) as log:
        assert json.loads((folder / "parameters.json").read_text())
        log.add(1, dict.fromkeys(NAMES, 0.5), [])
        assert len(pandas.read_csv(folder / "epochs.csv")) == 1
        assert len(read_events(folder).Scalars("loss")) == 1


def test_a_training_that_goes_on_replaces_the_epochs_that_it_trains_again(folder, write):
    write([(n, (float(n), 0.5, 0.5), [make_panels(n / 10)]) for n in (1, 2, 3)])
    write([(3, (30.0, 0.5, 0.5), [])], first=3)
    assert pandas.read_csv(folder / "epochs.csv")["loss"].tolist() == [1.0, 2.0, 30.0]
    assert [(event.step, event.value) for event in read_events(folder).Scalars("loss")] == [(1, 1), (2, 2), (3, 30)]
    assert sorted(path.name for path in (folder / "panels").iterdir()) == ["epoch_0001", "epoch_0002"]
    runs = json.loads((folder / "parameters.json").read_text())["runs"]
    assert [run["first_epoch"] for run in runs] == [1, 3]


def test_a_training_that_failed_before_its_first_epoch_leaves_no_log(folder, write):
    write([])
    assert not folder.exists()
    write([(1, (1.0, 0.5, 0.5), [])])
    write([], first=2)
    assert len(pandas.read_csv(folder / "epochs.csv")) == 1


def test_only_a_log_that_is_gone_on_with_may_be_there(folder, write):
    folder.mkdir(parents=True)
    write([(1, (1.0, 0.5, 0.5), [])])
    with pytest.raises(OutputError, match=r"holds the log of another training.*RESUME goes on"):
        refuse_full_folder(folder, resume=False)
    refuse_full_folder(folder, resume=True)
    other = folder.parent / "mine"
    other.mkdir()
    (other / "a.txt").write_text("")
    for resume in (False, True):
        with pytest.raises(OutputError, match="mine already exists and is not empty"):
            refuse_full_folder(other, resume=resume)
        with pytest.raises(OutputError, match=r"a\.txt is a file"):
            refuse_full_folder(other / "a.txt", resume=resume)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"log .* cannot be written"),
        open_log(tmp_path / "file" / "log", NAMES, {}, first_epoch=1),
    ):
        pass


def test_parameters_that_were_cut_short_are_written_anew(folder, write):
    write([(1, (1.0, 0.5, 0.5), [])])
    (folder / "parameters.json").write_text('{"runs": [')
    write([], first=2)
    assert len(json.loads((folder / "parameters.json").read_text())["runs"]) == 1

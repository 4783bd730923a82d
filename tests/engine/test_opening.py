"""What is said while scenes are opened in place of a dataset, and what makes them another one."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.windows.opening import open_windows

SIDE = 200
IMAGE = np.random.default_rng(0).integers(1, 255, (2, SIDE, SIDE)).astype(np.uint8)
ALL_BYTES = IMAGE.size + SIDE * SIDE  # of the image and its label


@pytest.fixture
def files(make_raster):
    """An image and its label, as parameters."""
    return {"images": [make_raster("image.tif", IMAGE)], "labels": [make_raster("label.tif", IMAGE[:1] // 128)]}


@pytest.fixture
def ask(files):
    """The request for windows of 64 pixels of that image."""
    return lambda **options: MakeTiles(**{**files, "tile_size": 64, "output": "nowhere", **options})


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (ALL_BYTES, "all pixels stay in memory."),
        (ALL_BYTES - 1, "0 % of the pixels stay in memory, the others are read every time."),
    ],
)
def test_what_stays_in_memory_is_said(ask, recorder, room, said):
    with open_windows(ask(validation=0), recorder, room) as dataset:
        count = len(dataset.tiles)
    assert recorder.notes[-1] == f"{count} windows of 64 pixels a side are read from an image; {said}"
    assert recorder.warnings == []


def test_blocks_that_are_long_are_warned_of_where_they_are_read_again(make_raster, recorder):
    """A window of 64 pixels takes as many rows of 4000."""
    image = np.random.default_rng(0).integers(0, 255, (1, 64, 4000)).astype(np.uint8)
    files = {"images": [make_raster("a.tif", image, blockysize=1)], "labels": [make_raster("b.tif", image // 128)]}
    request = MakeTiles(**files, tile_size=64, output="nowhere")
    with open_windows(request, recorder, 10**9):
        assert recorder.warnings == []
    with open_windows(request, recorder, 0):
        pass
    assert recorder.warnings == [
        "Pixels lie in the images in blocks of 4000 x 1, of which a window takes 62 times as many pixels as it has: "
        "save the images as Cloud Optimized GeoTIFFs first, or make tiles of them."
    ]


def test_other_labels_are_another_dataset(ask, make_raster, recorder):
    request = ask(validation=0)
    with open_windows(request, recorder, 0) as first, open_windows(request, recorder, 0) as again:
        assert again.fingerprint == first.fingerprint
    make_raster("label.tif", IMAGE[:1] // 100 % 2)
    with open_windows(request, recorder, 0) as changed:
        assert (changed.statistics, changed.classes.values) == (first.statistics, first.classes.values)
        assert changed.fingerprint != first.fingerprint


def test_without_labels_there_is_nothing_to_learn(ask, recorder):
    with pytest.raises(RequestError, match="LABELS is missing"), open_windows(ask(labels=()), recorder, 0):
        pass


def test_reading_can_be_cancelled(ask, make_recorder):
    recorder = make_recorder(lambda self: len(self.fractions) > 5)
    with pytest.raises(Cancelled), open_windows(ask(), recorder, 0):
        pass
    assert recorder.texts[-1] == "Reading image"

"""Patches give every tile its pixels, and read no pixel more often than they must."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.datasets.tiling import patches
from geoseg.geoseg_plugin.engine.datasets.tiling.patches import PatchReader

HEIGHT, WIDTH = 900, 700


class Image:
    """An image of known pixels that counts how often each is read."""

    nodata = None

    def __init__(self):
        random = np.random.default_rng(0)
        self.pixels = random.integers(0, 255, (2, HEIGHT, WIDTH)).astype(np.uint8)
        self.valid = random.random((HEIGHT, WIDTH)) > 0.1
        self.times = np.zeros((HEIGHT, WIDTH), int)

    def read(self, window):
        rows, cols = (slice(*one) for one in window.toranges())
        assert self.valid[rows, cols].shape == (window.height, window.width)
        self.times[rows, cols] += 1
        return self.pixels[:, rows, cols].copy(), self.valid[rows, cols].copy()


class Labels:
    def __init__(self, image):
        self.label = image.pixels[0] // 100

    def read(self, window):
        rows, cols = (slice(*one) for one in window.toranges())
        return self.label[rows, cols].copy()


def read_all(places, labelled=True, tiles=None):
    image = Image()
    truth = Labels(image) if labelled else None
    places = np.array(places)
    seen = []
    for patch in PatchReader(image, truth, 4).read(places, np.arange(len(places)) if tiles is None else tiles):
        for tile in patch.tiles.tolist():
            row, col, height, width = places[tile].tolist()
            got = patch.cut((row, col, height, width))
            part = slice(row, row + height), slice(col, col + width)
            assert np.array_equal(got.image, image.pixels[:, *part])
            assert np.array_equal(got.valid, image.valid[part])
            assert (got.label is None) != labelled
            assert truth is None or np.array_equal(got.label, truth.label[part])
            seen.append(tile)
    return image, seen


def grid(size, step):
    rows, cols = range(0, HEIGHT - size + 1, step), range(0, WIDTH - size + 1, step)
    return [(row, col, size, size) for row in rows for col in cols]


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize(("size", "step"), [(64, 64), (100, 50), (33, 20), (300, 100), (600, 100)])
def test_rows_that_tiles_share_are_read_once(size, step, labelled):
    places = grid(size, step)
    image, seen = read_all(places, labelled)
    assert sorted(seen) == list(range(len(places)))
    assert image.times.max() == 1


def test_wide_images_are_read_in_sections(monkeypatch):
    monkeypatch.setattr(patches, "_PATCH_BYTES", 600 * 300 * 4)
    places = grid(64, 32)
    image, seen = read_all(places)
    assert sorted(seen) == list(range(len(places)))
    assert image.times.max() == 2
    assert (image.times == 2).mean() < 0.4


def test_scattered_tiles_are_read_alone():
    places = [(800, 600, 50, 40), (10, 20, 30, 30), (400, 300, 20, 20)]
    image, seen = read_all(places)
    assert sorted(seen) == [0, 1, 2]
    assert image.times.sum() == 50 * 40 + 30 * 30 + 20 * 20


def test_tiles_in_any_order_and_of_any_size_are_found():
    random = np.random.default_rng(1)
    sizes = random.integers(1, 200, (500, 2))
    corners = (random.random((500, 2)) * (np.array([HEIGHT, WIDTH]) - sizes)).astype(int)
    image, seen = read_all(np.hstack([corners, sizes]))
    assert sorted(seen) == list(range(500))
    assert image.times.max() == 1


def test_only_the_tiles_asked_for_are_read():
    image, seen = read_all(grid(50, 50), tiles=np.array([3, 5]))
    assert sorted(seen) == [3, 5]
    assert image.times[100:].max() == 0


def test_no_tiles_are_no_patches():
    assert read_all(grid(50, 50), tiles=np.zeros(0, int))[1] == []


def test_rows_between_tiles_are_not_read():
    places = [(row, col, 250, 100) for row in (0, 650) for col in range(0, 700, 100)]
    image, seen = read_all(places)
    assert len(seen) == len(places)
    assert image.times[256:650].max() == 0

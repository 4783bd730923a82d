"""Parts that are kept pass by the network, others go through it; all reach the files in their order."""

from types import SimpleNamespace

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.keeping.items import KeptItem, find_missing, kept_items, share_done
from geoseg.geoseg_plugin.engine.prediction.keeping.store import Store
from geoseg.geoseg_plugin.engine.prediction.pipeline import pump
from geoseg.geoseg_plugin.engine.prediction.scenes.reading import Channels
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover, Coverage, Region
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.models.card import Band
from rasterio.windows import Window

PIXELS = np.random.default_rng(0).integers(1, 255, (1, 1000, 700), dtype=np.uint8)
COVERAGE = Coverage(Cover.of(1000, 128, 0.25), Cover.of(700, 128, 0.25), "hann")
CORNER = (100, 60)
ROWS = COVERAGE.rows.section(100, 1000)
REGIONS = [Region(ROWS, COVERAGE.cols.section(left, right)) for left, right in ((60, 316), (316, 700))]


class Source:
    dtypes = ("uint8",)

    def read(self, window):
        part = PIXELS[:, *window.toslices()]
        return part, part[0] > 10

    def find_wanted(self, window):
        return None


class Predictor:
    """Answers with each pixel's value and its complement, and counts the windows that it sees."""

    batch_size = 2
    seen = 0

    def infer(self, windows):
        self.seen += len(windows)
        return [np.concatenate([pixels[0] / 255, 1 - pixels[0] / 255]) for pixels in windows]

    def conclude(self, answer):
        return answer


@pytest.fixture
def scene():
    channels = (Channels((0,), Scaling((Band("a", 0.0, 1.0),))),)
    frame = Window(CORNER[1], CORNER[0], 640, 900)
    return SimpleNamespace(source=Source(), channels=channels, frame=frame, class_count=2)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, 2)


def go(scene, store, recorder):
    """Return the map, the windows of the strips that have come, and how many windows the network has seen."""
    strips, predictor = [], Predictor()
    pump(kept_items(scene, COVERAGE, REGIONS, store, SimpleNamespace(write=strips.append)), predictor, recorder)
    found = np.full((2, 900, 640), np.nan, np.float32)
    for strip in strips:
        strip.probabilities[:, ~strip.valid] = -1
        found[:, *strip.window.toslices()] = strip.probabilities
    return found, [strip.window for strip in strips], predictor.seen


def test_what_is_computed_is_kept_and_comes_back_the_same(scene, store, recorder):
    first, windows, seen = go(scene, store, recorder)
    part = PIXELS[0, 100:, 60:]
    np.testing.assert_allclose(first[0], np.where(part > 10, part / np.float32(255), -1), atol=1e-5)
    assert seen > 0
    assert sorted(store.windows(), key=str) == sorted(windows, key=str)
    again, same, seen = go(scene, store, recorder)
    assert seen == 0
    assert same == windows
    assert again.tobytes() == first.tobytes()


@pytest.mark.parametrize("damage", ["removed", "changed", "cut off"])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_what_is_missing_or_damaged_is_computed_again(scene, store, recorder, damage, place):
    first, windows, seen = go(scene, store, recorder)
    path = store._path(windows[place])
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content[:100] if damage == "cut off" else content[:-1] + bytes([content[-1] ^ 1]))
    again, same, few = go(scene, store, recorder)
    assert 0 < few < seen
    assert again.tobytes() == first.tobytes()
    assert same == windows
    assert path.read_bytes() == content


def test_progress_begins_with_what_is_there(scene, store, recorder):
    _, windows, _ = go(scene, store, recorder)
    for window in windows[-2:]:
        store._path(window).unlink()
    missing = find_missing(scene, COVERAGE, REGIONS, store.windows())
    done = share_done(sum(one.window_count for one in missing), REGIONS)
    assert 0.3 < done < 1
    fractions = [item.done for item in kept_items(scene, COVERAGE, REGIONS, store, None)]
    assert fractions[0] == done
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_strips_that_wait_take_no_memory(scene, store, recorder):
    go(scene, store, recorder)
    items = list(kept_items(scene, COVERAGE, REGIONS, store, None))
    assert all(isinstance(item, KeptItem) and item.pixels is None for item in items)


def test_nothing_is_all_done():
    assert share_done(0, []) == 1
    assert share_done(10**6, REGIONS) == 0

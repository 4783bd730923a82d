"""Looking at tiles: true figures, one reading, and an end when told."""

import tracemalloc

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.datasets.checking import facts, reading
from geoseg.geoseg_plugin.engine.datasets.checking.survey import survey_tiles
from geoseg.tests.engine.planting import Plot


def test_facts_are_true(tmp_path):
    plot = Plot(tmp_path)
    plot.images["t04"][:, 20:] = 0
    plot.image_options["t04"] = {"nodata": 0}
    plot.labels["t04"][:3] = 255
    tile = next(tile for tile in plot.survey().tiles if tile.pair.id == "t04")
    shown = plot.images["t04"][:, :20].reshape(3, -1).astype(float)
    assert tile.image.valid == 20 * 32
    assert tile.image.minimum.tolist() == shown.min(axis=1).tolist()
    assert tile.image.maximum.tolist() == shown.max(axis=1).tolist()
    assert tile.image.mean == pytest.approx(shown.mean(axis=1), rel=1e-12)
    assert tile.image.std == pytest.approx(shown.std(axis=1), rel=1e-12)
    assert [tile.image.low, tile.image.middle, tile.image.high] == [
        pytest.approx(one) for one in np.percentile(shown, (2, 50, 98), axis=1)
    ]
    label = plot.labels["t04"][3:20]
    assert tile.label.values == {0: (label == 0).sum(), 1: (label == 1).sum()}
    assert tile.label.ignored == 3 * 32


def test_large_rasters_are_read_in_parts_with_the_same_result(tmp_path, monkeypatch):
    plot = Plot(tmp_path)
    whole = plot.survey()
    monkeypatch.setattr(reading, "_BLOCK", 10)
    monkeypatch.setattr(reading, "_SAMPLED_PIXELS", 32 * 32)
    for one, other in zip(whole.tiles, plot.survey().tiles, strict=True):
        assert one.label == other.label
        assert one.image.mean == pytest.approx(other.image.mean)
        assert one.image.std == pytest.approx(other.image.std)
        assert one.image.high.tolist() == other.image.high.tolist()


def test_threads_keep_the_order_and_the_figures(tmp_path):
    plot = Plot(tmp_path)
    pairs = plot.write()
    for tile, pair in zip(plot.survey().tiles, pairs.pairs, strict=True):
        alone = reading.look_at(pair, 255)
        assert tile.pair == pair
        assert (tile.image.digest, tile.label) == (alone.image.digest, alone.label)
        assert (tile.image.mean == alone.image.mean).all()


def test_tiles_share_what_is_equal_and_take_little_room(tmp_path):
    pairs = Plot(tmp_path).write()
    tracemalloc.start()
    tiles = [reading.look_at(pair, 255) for pair in pairs.pairs]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < 2000 * len(tiles)
    assert len({id(tile.image.grid.crs) for tile in tiles}) == 1
    assert all(tile.label.grid is tile.image.grid for tile in tiles)


def test_digests_tell_images_apart(tmp_path):
    plot = Plot(tmp_path)
    plot.images["t01"] = plot.images["t00"].copy()
    plot.images["t02"] = plot.images["t00"].copy()
    plot.images["t02"][0, 0, 0] ^= 1
    first, same, other = (tile.image.digest for tile in plot.survey().tiles[:3])
    assert first == same
    assert first != other


def test_progress_is_true_and_cancelling_ends_it(tmp_path, make_recorder):
    pairs = Plot(tmp_path).write()
    recorder = make_recorder(lambda self: len(self.fractions) == 5)
    with pytest.raises(Cancelled):
        survey_tiles(pairs, recorder)
    assert recorder.fractions == [number / 24 for number in range(1, 6)]


def test_label_values_are_counted_up_to_a_limit(tmp_path):
    plot = Plot(tmp_path)
    plot.labels["t00"] = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    assert len(plot.survey().tiles[0].label.values) == facts.MOST_VALUES

"""Tiles, varied one by one: really changed, reproducible, and without data where there was none."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.training.augmentation.variation import UNCHANGED, Variation
from geoseg.geoseg_plugin.engine.training.augmentation.varying import vary

SIDE = 20
EACH = [
    {"flips": True, "quarter_turns": True}, {"rotation": 20}, {"scale": 0.5}, {"crop": 12}, {"brightness": 0.2},
    {"contrast": 0.2}, {"gamma": 0.5}, {"noise": 0.1}, {"blur": 2.0}, {"cutout": 2},
]  # fmt: skip
GEOMETRY = ("flips", "rotation", "scale", "crop")
# One of the eight ways to lay a square is the one before; half of the tiles are neither turned nor scaled; blurs of a
# small fraction of a pixel show nothing.
OFTEN = {"flips": 0.75, "rotation": 0.35, "scale": 0.35, "blur": 0.85}
TOGETHER = {name: value for options in EACH for name, value in options.items()}


def make_tile(bands=3, dtype=np.int8):
    """Return a tile with a corner that has no data and a label that follows the first band."""
    random = np.random.default_rng(bands)
    image = random.normal(size=(bands, SIDE, SIDE)).astype(np.float32)
    valid = np.ones((SIDE, SIDE), dtype=bool)
    valid[:7, :5] = False
    image[:, ~valid] = 0
    label = np.where(valid, image[0] > 0, -1).astype(dtype)
    return image, label, valid


def varied(tile, seed, **options):
    image, label, valid = tile
    return vary(image.copy(), label, valid, Variation(**options), np.random.default_rng([9, seed]))


@pytest.mark.parametrize("bands", [1, 3, 13])
@pytest.mark.parametrize("options", EACH, ids=lambda options: next(iter(options)))
def test_each_change_really_changes_as_many_tiles_as_it_should(options, bands):
    tile = make_tile(bands)
    changed_images = changed_labels = 0
    for seed in range(60):
        image, label = varied(tile, seed, **options)
        changed_images += image.shape != tile[0].shape or np.abs(image - tile[0]).max() > 1e-3
        changed_labels += label.shape != tile[1].shape or (label != tile[1]).any()
    least = 60 * OFTEN.get(next(iter(options)), 0.95)
    assert changed_images >= least
    assert changed_images <= (60 * 0.65 if options.keys() & {"rotation", "scale"} else 60)
    assert changed_labels == 0 or options.keys() & set(GEOMETRY)
    assert changed_labels >= (min(least, 60 * 0.75) if options.keys() & set(GEOMETRY) else 0)


@pytest.mark.parametrize("options", [*EACH, TOGETHER], ids=lambda options: "-".join(options)[:20])
def test_without_data_stays_without_data(options):
    tile = make_tile()
    for seed in range(20):
        image, label = varied(tile, seed, **options)
        # Without squares that hide the image only pixels without data are 0 in all bands, and they are never labelled.
        empty = (image == 0).all(axis=0)
        assert empty[label == -1].all()
        if "cutout" not in options:
            assert (empty == (label == -1)).all()


def test_what_is_given_stays_where_nothing_is_to_change():
    image, label, valid = make_tile()
    got = vary(image, label, valid, UNCHANGED, np.random.default_rng(0))
    assert np.shares_memory(got[0], image)
    assert (got[0] == make_tile()[0]).all()
    assert (got[1] == make_tile()[1]).all()


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
def test_types_stay_and_the_label_of_the_store_is_never_touched(dtype):
    tile = make_tile(dtype=dtype)
    for seed in range(10):
        image, label = varied(tile, seed, **TOGETHER)
        assert (image.dtype, label.dtype) == (np.float32, dtype)
        assert image.shape == (3, 12, 12)
        assert (label >= -1).all()
        assert np.isfinite(image).all()
    assert (tile[1] == make_tile(dtype=dtype)[1]).all()


def test_the_same_chance_gives_the_same_tile_and_another_one_another():
    tile = make_tile()
    first, again, other = (varied(tile, seed, **TOGETHER) for seed in (1, 1, 2))
    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()
    assert not np.allclose(first[0], other[0])


def test_one_change_does_not_alter_the_chance_of_another():
    tile = make_tile()
    for seed in range(10):
        _, laid = varied(tile, seed, **TOGETHER)
        _, alone = varied(tile, seed, **{**TOGETHER, "noise": 0.0, "blur": 0.0, "gamma": 0.0, "cutout": 0})
        assert (laid == alone).all()
        cut, uncut = varied(tile, seed, noise=0.3, cutout=1)[0], varied(tile, seed, noise=0.3)[0]
        assert (cut[cut != 0] == uncut[cut != 0]).all()
        noise, both = varied(tile, seed, noise=0.3)[0], varied(tile, seed, noise=0.3, brightness=0.3)[0]
        shift = (both - noise)[:, tile[2]]
        assert np.ptp(shift, axis=1).max() < 1e-5


def test_a_tile_without_any_data_passes():
    image, label, valid = make_tile()
    empty = np.zeros_like(image), np.full_like(label, -1), np.zeros_like(valid)
    got = varied(empty, 0, **TOGETHER)
    assert (got[0] == 0).all()
    assert (got[1] == -1).all()

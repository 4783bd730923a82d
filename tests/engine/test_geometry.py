"""Turns, rotation, scale and crop: the label goes wherever the image goes."""

import math

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.training.augmentation.geometry import Placing, draw_placing, lay, place
from geoseg.geoseg_plugin.engine.training.augmentation.variation import Variation
from scipy.ndimage import map_coordinates

SIDE = 24
ALL_VALID = np.ones((SIDE, SIDE), dtype=bool)


def rows_and_cols(side=SIDE):
    """Return an image whose two bands say where each pixel is from."""
    return np.stack(np.indices((side, side))).astype(np.float32)


def noise(seed=0, bands=3):
    return np.random.default_rng(seed).normal(size=(bands, SIDE, SIDE)).astype(np.float32)


def some_label(seed=1):
    return np.random.default_rng(seed).integers(0, 5, (SIDE, SIDE)).astype(np.int8)


def test_turns_and_flips_are_those_of_numpy():
    image, label = noise(), some_label()
    valid = some_label(2) > 0
    for quarters in range(4):
        for flipped in (False, True):
            for mirrored in (False, True):
                placing = Placing(quarters=quarters, flipped=flipped, mirrored=mirrored)
                for before in (image, label, valid):
                    after = lay(before, placing)
                    expected = np.rot90(before, quarters, axes=(-2, -1))
                    expected = np.flip(expected, -2) if flipped else expected
                    assert (after == (np.flip(expected, -1) if mirrored else expected)).all()
                    assert after.base is not None


@pytest.mark.parametrize(("options", "ways"), [
    ({}, 1), ({"flips": True}, 4), ({"quarter_turns": True}, 4), ({"flips": True, "quarter_turns": True}, 8),
])  # fmt: skip
def test_all_ways_to_lay_a_square_come_as_often(options, ways):
    image, random = rows_and_cols(3), np.random.default_rng(0)
    seen = [lay(image, draw_placing(Variation(**options), random)).tobytes() for _ in range(800)]
    counts = [seen.count(way) for way in set(seen)]
    assert len(counts) == ways
    # Six standard deviations of a binomial count.
    assert all(abs(count - 800 / ways) <= 6 * math.sqrt(800 / ways) for count in counts)


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_a_free_rotation_by_quarters_is_a_quarter_turn(quarters):
    image, label, valid = noise(bands=13), some_label(), some_label(2) > 0
    image[:, ~valid], label[~valid] = 0, -1
    got = place(image, label, valid, Placing(angle=quarters * math.pi / 2), SIDE)
    for before, after in zip((image, label, valid), got, strict=True):
        assert after.dtype == before.dtype
        assert np.allclose(after, np.rot90(before, quarters, axes=(-2, -1)), atol=1e-4)


@pytest.mark.parametrize(("angle", "factor", "position", "side"), [
    (0.4, 1.0, (0.0, 0.0), SIDE), (-1.1, 1.7, (0.5, -0.9), SIDE), (0.0, 0.6, (0.3, 0.3), SIDE),
    (2.8, 1.3, (-1.0, 1.0), 10), (0.2, 1.0, (0.7, -0.2), 9),
])  # fmt: skip
def test_pixels_come_from_where_trigonometry_says(angle, factor, position, side):
    image, label = noise(), some_label()
    got, got_label, shown = place(image, label, ALL_VALID, Placing(angle, factor, position), side)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / factor
    centre = (SIDE - 1) / 2 + max(SIDE / 2 - side / factor / 2, 0) * np.array(position)[:, None]
    steps = np.stack(np.indices((side, side))).reshape(2, -1) - (side - 1) / 2
    sources = turn @ steps + centre
    assert shown.all()
    for before, after in zip(image, got, strict=True):
        expected = map_coordinates(before, sources, order=1, mode="reflect").reshape(side, side)
        assert np.allclose(after, expected, atol=1e-4)
    assert (got_label == map_coordinates(label, sources, order=0, mode="reflect").reshape(side, side)).all()


@pytest.mark.parametrize("crop", [0, 14])
@pytest.mark.parametrize("options", [
    {}, {"rotation": 180}, {"scale": 1.0}, {"rotation": 30, "scale": 0.5},
])  # fmt: skip
def test_image_and_label_move_alike(options, crop):
    image, random = rows_and_cols(), np.random.default_rng(5)
    label = (image[0] * SIDE + image[1]).astype(np.int16)
    for _ in range(20):
        variation = Variation(crop=crop, **options)
        got, got_label, shown = place(image, label, ALL_VALID, draw_placing(variation, random), variation.side(SIDE))
        assert got.shape[1:] == got_label.shape == shown.shape == (crop or SIDE, crop or SIDE)
        assert shown.all()
        # The nearest pixel is at most half a pixel from what lies between pixels.
        rows, cols = got_label // SIDE, got_label % SIDE
        assert np.abs(got[0] - rows).max() <= 0.5 + 1e-3
        assert np.abs(got[1] - cols).max() <= 0.5 + 1e-3
        if not options:
            assert (got[0] == rows).all()


def test_pixels_without_data_have_no_say_in_others():
    image, label = np.ones((2, SIDE, SIDE), dtype=np.float32), some_label()
    valid = np.random.default_rng(3).random((SIDE, SIDE)) < 0.7
    image[:, ~valid], label[~valid] = 0, -1
    got, got_label, shown = place(image, label, valid, Placing(angle=0.5, factor=1.4), SIDE)
    assert 0.5 < shown.mean() < 0.9
    assert np.allclose(got[:, shown], 1, atol=1e-5)
    assert (got[:, ~shown] == 0).all()
    assert ((got_label == -1) == ~shown).all()


def test_rotation_and_scale_keep_to_their_ranges_and_use_them():
    random = np.random.default_rng(0)
    drawn = [draw_placing(Variation(rotation=30, scale=0.5), random) for _ in range(500)]
    angles, factors = (np.array([getattr(one, name) for one in drawn]) for name in ("angle", "factor"))
    assert -math.radians(30) <= angles.min() < -math.radians(28)
    assert math.radians(28) < angles.max() <= math.radians(30)
    assert 1 / 1.5 <= factors.min() < 0.69
    assert 1.45 < factors.max() <= 1.5
    # Half of the tiles are neither turned nor scaled; of the others as many are enlarged as reduced.
    assert ((angles == 0) == (factors == 1)).all()
    assert abs((factors == 1).mean() - 0.5) < 0.13
    assert abs((factors > 1).mean() - 0.25) < 0.12


def test_crops_reach_every_edge_and_stay_inside():
    image, random = rows_and_cols(), np.random.default_rng(0)
    corners = set()
    for _ in range(300):
        got, _, _ = place(image, image[0].astype(int), ALL_VALID, draw_placing(Variation(), random), SIDE - 2)
        assert (np.diff(got[0], axis=0) == 1).all()
        assert (np.diff(got[1], axis=1) == 1).all()
        corners.add((int(got[0, 0, 0]), int(got[1, 0, 0])))
    assert corners == {(row, col) for row in range(3) for col in range(3)}


@pytest.mark.parametrize("options", [{"rotation": 45, "scale": 0.3}, {"scale": 0.5}, {"rotation": 180}])
def test_turned_and_scaled_crops_show_the_middle_of_the_tile_as_often_as_upright_ones(options):
    variation, random, counts = Variation(**options), np.random.default_rng(0), np.zeros(SIDE * SIDE)
    image, label = noise(), np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    for _ in range(2000):
        _, got, _ = place(image, label, ALL_VALID, draw_placing(variation, random), SIDE // 2)
        counts += np.bincount(got.ravel(), minlength=SIDE * SIDE)
    shown = counts.reshape(SIDE, SIDE)
    inner = shown[SIDE // 4 : -(SIDE // 4), SIDE // 4 : -(SIDE // 4)]
    assert inner.sum() / counts.sum() < 0.6  # 9 / 16 where crops are upright


def test_what_is_drawn_for_one_change_does_not_depend_on_another():
    def draw(**options):
        return draw_placing(Variation(**options), np.random.default_rng(9))  # one that resamples

    both = draw(flips=True, quarter_turns=True, rotation=20, scale=0.5)
    assert draw(rotation=20).angle == both.angle != 0
    assert draw(scale=0.5).factor == both.factor != 1
    assert draw().position == both.position
    alone = draw(flips=True)
    assert (alone.flipped, alone.mirrored) == (both.flipped, both.mirrored)
    assert draw(quarter_turns=True).quarters == both.quarters

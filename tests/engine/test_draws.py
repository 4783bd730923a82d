"""Draws of groups of tiles, and how they are judged."""

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.engine.datasets.footprints import outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground
from geoseg.geoseg_plugin.engine.datasets.splitting.draws import Judge, draw_sets, find_near_groups, name_sets

GROUPS = np.arange(10)
BOXES = shapely.box(64.0 * GROUPS, 0, 64.0 * GROUPS + 64, 64)  # a row of groups of one tile each
TILES = Ground.of(outlines_of(BOXES), 0 * GROUPS, np.full((10, 2), 64))
PLACES = np.column_stack([64.0 * GROUPS, 0 * GROUPS])


def judge(counts=None, shares=(0.2, 0.0), buffer=0.0):
    counts = np.zeros((10, 0)) if counts is None else np.array(counts, dtype=np.float64)
    return Judge(GROUPS, find_near_groups(TILES, GROUPS, buffer), counts, np.array(shares))


def sets(**members):
    of_group = np.zeros(10, dtype=np.int64)
    for number, name in enumerate(("validation", "test"), start=1):
        of_group[members.get(name, [])] = number
    return of_group


def test_draws_have_the_wanted_shares():
    for drawn in draw_sets(GROUPS, PLACES, np.array([0.2, 0.3]), seed=1):
        assert np.bincount(drawn).tolist() == [5, 2, 3]


def test_every_other_draw_is_of_groups_side_by_side():
    spans = [np.ptp(np.flatnonzero(drawn)) for drawn in draw_sets(GROUPS, PLACES, np.array([0.3, 0.0]), seed=1)]
    assert max(spans[1::2]) <= 4
    assert max(spans[::2]) >= 8


def test_shares_that_are_missed_and_lost_tiles_count():
    assert judge().fault(sets(validation=[0, 1])) == 0
    assert judge().fault(sets(validation=[0])) == pytest.approx(0.1)
    # With a buffer of one pixel, neighbours of validation are lost: one at the end of the row, two within it.
    one, two = (judge(buffer=1).fault(sets(validation=pair)) for pair in ([0, 1], [4, 5]))
    assert one == pytest.approx(abs(2 / 9 - 0.2) + 0.1)
    assert two == pytest.approx(abs(2 / 8 - 0.2) + 0.2)


def test_validation_gives_way_to_test():
    fault = judge(shares=(0.2, 0.1), buffer=1).fault(sets(validation=[1, 2], test=[0]))
    # Of the validation tiles one is lost, and one for training beside the other.
    assert fault == pytest.approx(abs(1 / 8 - 0.2) + abs(1 / 8 - 0.1) + 0.2)


def test_a_draw_that_leaves_a_set_empty_is_none():
    assert judge().fault(sets()) is None
    assert judge(shares=(0.2, 0.2)).fault(sets(validation=[1])) is None
    assert judge().fault(sets(validation=range(10))) is None
    assert judge(buffer=1, shares=(0.1, 0.1)).fault(sets(validation=[1], test=[0])) is None


def test_classes_that_differ_or_miss_count():
    counts = [[10, 0]] * 5 + [[0, 10]] * 5
    mixed, apart = (judge(counts).fault(sets(validation=pair)) for pair in ([0, 9], [0, 1]))
    assert mixed == 0
    # Training has 3 to 5, validation 1 to 0, and lacks a class.
    assert apart == pytest.approx(0.25 * (5 / 8 + 5 / 8) + 0.25)


def test_names_of_sets():
    assert name_sets(np.array([2, 0, 1])).tolist() == ["test", "train", "validation"]

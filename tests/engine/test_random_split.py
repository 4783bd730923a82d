"""Single tiles drawn at random, which share no ground all the same."""

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.engine.datasets.footprints import outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground, find_partners
from geoseg.geoseg_plugin.engine.datasets.splitting.random_split import split_at_random

SETS = ("train", "validation", "test")


def lay(step, across=27):
    row, col = np.divmod(np.arange(across**2), across)
    boxes = shapely.box(step * col, step * row, step * col + 64, step * row + 64)
    return Ground.of(outlines_of(boxes), 0 * row, np.full((across**2, 2), 64))


@pytest.fixture
def split(recorder):
    def run(ground, buffer=0, seed=0, **shares):
        shares = shares or {"validation": 20.0, "test": 20.0}
        return split_at_random(ground, shares, buffer=buffer, seed=seed, report=recorder)

    return run


def sizes(splits):
    return [int((splits == name).sum()) for name in (*SETS, "unused")]


def test_tiles_that_share_no_ground_are_all_used_and_scattered(split):
    splits = split(lay(64))
    assert sizes(splits) == [437, 146, 146, 0]
    sides = splits.reshape(27, 27)
    assert np.mean(sides[1:] == sides[:-1]) == pytest.approx(0.6**2 + 2 * 0.2**2, abs=0.06)


@pytest.mark.parametrize("buffer", [0, 5, 40])
def test_overlapping_tiles_are_lost_fairly(buffer, split):
    ground = lay(48)
    splits = split(ground, buffer)
    train, validation, test, _ = sizes(splits)
    assert train > 0.6 * 437
    assert min(validation, test) > 0.4 * 146
    assert max(validation, test) <= 146
    sets = np.array([SETS.index(name) if name in SETS else -1 for name in splits])
    assert (find_partners(ground.insets, sets) == -1).all()
    areas = [shapely.union_all(ground.shapes()[splits == name]) for name in SETS]
    assert buffer == 0 or shapely.distance(areas, np.roll(areas, 1)).min() >= buffer - 1e-3


def test_the_same_seed_draws_the_same_and_another_differs(split):
    drawn = [tuple(split(lay(48), seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_draw_that_leaves_little_for_training_is_refused(split):
    with pytest.raises(InputError, match=r"training tiles are left: .* share ground") as caught:
        split(lay(16), validation=45.0, test=45.0)
    assert "spatial blocks" in caught.value.fix


def test_a_set_that_stays_empty_is_refused(split):
    with pytest.raises(InputError, match="No validation tile is left"):
        split(lay(4, across=4))


def test_cancelling_stops_it(make_recorder):
    with pytest.raises(Cancelled):
        split_at_random(lay(64), {"test": 10.0}, buffer=0, seed=0, report=make_recorder(lambda one: True))

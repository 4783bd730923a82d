"""What is kept of sheets is found again, as long as all of a place is there."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.datasets.tile_source import TilePixels
from geoseg.geoseg_plugin.engine.datasets.tiling.patches import Strip, cut_strips
from geoseg.geoseg_plugin.engine.datasets.tiling.strip_memory import StripMemory

HEIGHT, WIDTH = 60, 50
IMAGE = np.random.default_rng(0).integers(0, 255, (2, HEIGHT, WIDTH)).astype(np.uint8)
VALID = IMAGE[0] > 20
LABEL = IMAGE[1] // 100
PLENTY = 10**6


def strip(top, bottom, left=0, right=WIDTH, valid=VALID):
    rows, cols = slice(top, bottom), slice(left, right)
    return Strip(top, left, TilePixels(IMAGE[:, rows, cols], valid[rows, cols], LABEL[rows, cols]))


@pytest.fixture
def memory():
    memory = StripMemory(PLENTY)
    keep = memory.keeper(3)
    for top, bottom in ((0, 20), (20, 45), (45, 60)):
        keep(strip(top, bottom))
    return memory


@pytest.mark.parametrize("place", [(0, 0, 60, 50), (5, 3, 10, 10), (15, 30, 40, 20), (20, 0, 25, 50)])
def test_places_are_found_over_any_strips(memory, place):
    row, col, height, width = place
    part = slice(row, row + height), slice(col, col + width)
    found = cut_strips(memory.find(3, place), place)
    assert np.array_equal(found.image, IMAGE[:, *part])
    assert np.array_equal(found.valid, VALID[part])
    assert np.array_equal(found.label, LABEL[part])


def test_no_more_strips_are_given_than_a_place_needs(memory):
    assert [one.top for one in memory.find(3, (20, 0, 25, 10))] == [20]


def test_sheets_are_told_apart(memory):
    assert memory.find(2, (0, 0, 10, 10)) is None


def test_columns_are_told_apart():
    memory = StripMemory(PLENTY)
    for left, right in ((0, 30), (20, 50)):
        memory.keeper(0)(strip(0, 20, left, right))
    memory.keeper(0)(strip(20, 60, 20, 50))
    assert [one.left for one in memory.find(0, (0, 22, 10, 8))] == [0]
    assert [one.left for one in memory.find(0, (0, 25, 40, 20))] == [20, 20]
    assert memory.find(0, (0, 15, 10, 20)) is None
    assert memory.find(0, (10, 0, 20, 20)) is None


def test_no_more_is_kept_than_there_is_room_for():
    size = 20 * WIDTH * 4
    memory = StripMemory(2 * size)
    keep = memory.keeper(0)
    keep(strip(0, 20))
    keep(strip(20, 45))
    keep(strip(40, 60))
    assert memory.find(0, (20, 0, 5, 5)) is None
    assert memory.find(0, (45, 0, 5, 5)) is not None
    assert memory.kept_share == pytest.approx(40 / 65)


def test_a_mask_that_says_nothing_takes_no_room():
    everywhere = np.ones_like(VALID)
    memory = StripMemory(20 * WIDTH * 3)
    memory.keeper(0)(strip(0, 20, valid=everywhere))
    (kept,) = memory.find(0, (0, 0, 20, WIDTH))
    assert kept.pixels.valid.all()
    assert kept.pixels.valid.shape == (20, WIDTH)


def test_nothing_offered_is_all_kept():
    assert StripMemory(0).kept_share == 1

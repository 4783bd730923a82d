"""Work in threads, results in order."""

import time

import pytest
from geoseg.geoseg_plugin.engine.datasets.ahead import map_ahead


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_results_come_in_order(threads):
    def slow(number):
        time.sleep(0.002 * (number % 3))
        return -number

    assert list(map_ahead(slow, range(40), threads)) == [-number for number in range(40)]


def test_only_a_few_items_are_taken_ahead():
    taken = []
    results = map_ahead(lambda item: item, (taken.append(number) or number for number in range(1000)), 2)
    next(results)
    assert len(taken) < 20
    results.close()


def test_errors_come_in_their_turn():
    results = map_ahead(lambda number: 1 // (number - 3), range(10), 4)
    assert [next(results) for _ in range(3)] == [-1, -1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_items_taken_hold_no_more_than_asked_for():
    sizes, taken = [3, 3, 3, 20, 1, 1, 1, 9], []
    held = []

    def take():
        for size in sizes:
            taken.append(size)
            yield size

    for done in map_ahead(lambda size: size, take(), 8, size=lambda size: size, most=10):
        held.append(sum(taken))
        taken.remove(done)
    assert max(held) <= 10 + 20
    assert held[0] == 3 + 3 + 3 + 20

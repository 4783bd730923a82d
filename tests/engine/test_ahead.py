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

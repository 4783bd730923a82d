"""Percentiles found by counting are those that numpy finds by sorting."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.imagery.rescaling.percentiles import (
    count_first_digits,
    find_percentiles,
    key_values,
    order_keys,
    passes_for,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

PERCENTS = (0, 2, 33.3, 50, 98, 99.9, 100)
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "uint64", "int64", "float64")


def in_parts(values, groups=1):
    return lambda: ((number % groups, part) for number, part in enumerate(np.array_split(values, 7)))


def some_values(dtype, size=5000):
    random = np.random.default_rng(4)
    if dtype.startswith("float"):
        return (random.normal(0, 100, size) * 10.0 ** random.integers(-5, 5, size)).astype(dtype)
    info = np.iinfo(dtype)
    return (random.normal(0.4, 0.05, size) * min(float(info.max), 2.0**50)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 3, 5000])
def test_percentiles_are_exactly_those_of_numpy(dtype, size):
    values = some_values(dtype, size)
    found = find_percentiles(in_parts(values), dtype, 1, PERCENTS)
    assert np.array_equal(found[0], np.percentile(values.astype(np.float64), PERCENTS, method="linear"))


@pytest.mark.parametrize(("dtype", "passes"), [("uint8", 1), ("int16", 1), ("float32", 2), ("float64", 4)])
def test_values_are_read_once_for_each_16_bits(dtype, passes):
    read = in_parts(some_values(dtype))
    calls = []
    find_percentiles(lambda: calls.append(1) or read(), dtype, 1, PERCENTS)
    assert len(calls) == passes_for(dtype) == passes


@pytest.mark.parametrize(("dtype", "passes"), [("uint8", 0), ("int16", 0), ("float32", 1), ("float64", 3)])
def test_counting_on_the_way_saves_a_pass(dtype, passes):
    values = some_values(dtype)
    calls = []
    counted = [count_first_digits(values[:2000]) + count_first_digits(values[2000:])]
    found = find_percentiles(
        lambda: calls.append(1) or in_parts(values)(), dtype, 1, PERCENTS, counted=counted
    )  # fmt: skip
    assert len(calls) == passes
    assert np.array_equal(found, find_percentiles(in_parts(values), dtype, 1, PERCENTS))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_places_of_counts_stand_for_values(dtype):
    values = some_values(dtype)
    found, counts = np.unique(values, return_counts=True)
    counted = count_first_digits(values)
    assert np.array_equal(key_values(dtype)[counted > 0], found)
    assert np.array_equal(counted[counted > 0], counts)


@pytest.mark.parametrize("dtype", DTYPES)
def test_keys_have_the_order_of_the_values(dtype):
    values = np.unique(some_values(dtype))
    keys = order_keys(values)
    assert keys.dtype == f"uint{8 * values.itemsize}"
    assert (keys[1:] > keys[:-1]).all()


def test_groups_are_apart_and_may_be_empty():
    values = np.arange(700, dtype=np.float32)
    parts = np.array_split(values, 7)
    found = find_percentiles(in_parts(values, groups=3), "float32", 4, (10, 90))
    for group in range(3):
        assert np.array_equal(found[group], np.percentile(np.concatenate(parts[group::3]).astype(float), (10, 90)))
    assert np.isnan(found[3]).all()


@settings(max_examples=60)
@given(
    arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32)),
    st.lists(st.floats(0, 100), min_size=1, max_size=3),
)
def test_any_floats_and_percentiles(values, percents):
    found = find_percentiles(in_parts(values), "float32", 1, percents)
    assert np.array_equal(found[0], np.percentile(values.astype(np.float64), percents))

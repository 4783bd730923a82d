"""Counting classes, few or many."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.labels.tally import Tally


@pytest.mark.parametrize(("values", "dtype"), [((0, 1, 7), np.uint8), (range(40), np.uint8), ((3, 400), np.uint16)])
def test_classes_are_counted_however_many(recorder, values, dtype):
    table = ClassTable.named({value: f"class {value}" for value in values})
    ignore = np.iinfo(dtype).max
    label = np.random.default_rng(0).choice([*values, ignore], (50, 70)).astype(dtype)
    tally = Tally(table, values[0])
    for rows in (label[:20], label[20:]):
        tally.add(rows)
    assert tally.by_value == {value: (label == value).sum() for value in values}
    assert tally.class_count == len(values)
    assert tally.ignored_share == round(100 * (label == ignore).mean(), 3)
    assert tally.labelled_share == round(100 * (label != ignore).mean() - 100 * (label == values[0]).mean(), 3)
    tally.tell(recorder)
    assert recorder.warnings == []


def test_many_absent_classes_are_told_briefly(recorder):
    tally = Tally(ClassTable.named({value: f"c{value}" for value in range(20)}), 0)
    tally.add(np.eye(3, dtype=np.uint8))
    tally.tell(recorder)
    assert recorder.warnings == [f"No pixel shows {', '.join(f'c{value}' for value in range(2, 12))} and 8 more."]
    assert recorder.notes == ["Pixels: c0 6, c1 3"]


def test_the_counts_of_many_classes_are_told_briefly(recorder):
    tally = Tally(ClassTable.named({value: f"c{value}" for value in range(20)}), 0)
    tally.add(np.arange(22, dtype=np.uint8).clip(max=20).reshape(2, 11))
    tally.tell(recorder)
    counts = ", ".join(f"c{value} 1" for value in range(10))
    assert recorder.notes == [f"Pixels: {counts} and 10 more, ignored 2"]


def test_one_class_alone_is_warned_of(recorder):
    tally = Tally(ClassTable.named({0: "background", 1: "road"}), 0)
    tally.add(np.array([[1, 1, 255]], np.uint8))
    tally.tell(recorder)
    assert ["All pixels that are not ignored show road" in text for text in recorder.warnings] == [True]

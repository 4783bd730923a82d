"""Numbers of pixels per class, from the layer of a dataset."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.training.class_counts import read_class_counts
from geoseg.tests.engine.counted import write_counted

COUNTS = np.array([[64, 0, 0], [60, 4, 0], [0, 0, 64], [30, 30, 4], [1, 2, 3]])


def test_rows_follow_the_tiles_that_are_given(tmp_path):
    splits = ["train", "validation", "train", "train", "test"]
    dataset = write_counted(tmp_path / "counted", COUNTS, ("ground", "roof", "water"), splits)
    learned = dataset.split("train")
    assert read_class_counts(dataset, learned, "").tolist() == COUNTS[[0, 2, 3]].tolist()
    assert read_class_counts(dataset, learned[::-1], "").tolist() == COUNTS[[3, 2, 0]].tolist()


def test_the_tile_that_lacks_a_number_is_named_and_so_is_the_way_out(tmp_path):
    counts = COUNTS.astype(float)
    counts[[1, 3], 2] = np.nan
    dataset = write_counted(tmp_path / "counted", counts, ("ground", "roof", "water"))
    with pytest.raises(InputError, match=r"Tile tile_003 in .* the field class_20") as caught:
        read_class_counts(dataset, dataset.tiles[2:], "Or do without.")
    assert caught.value.fix.endswith("'Make training tiles'. Or do without.")


def test_tiles_that_show_no_class_at_all_are_refused(tmp_path):
    dataset = write_counted(tmp_path / "counted", [[0, 0], [3, 4]], ("ground", "roof"))
    with pytest.raises(InputError, match="no pixel of any class in the training tiles"):
        read_class_counts(dataset, dataset.tiles[:1], "")
    assert read_class_counts(dataset, dataset.tiles, "").tolist() == [[0, 0], [3, 4]]

"""The table of epochs: all digits, a row at a time, and no epoch twice."""

import csv
import math

import pandas
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.training.tracking.epoch_table import EpochTable

NAMES = ('IoU/"big", roof', "loss")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "epochs.csv"


@pytest.fixture
def write(path):
    """Writes rows of (epoch, figure, figure)."""

    def go(rows, names=NAMES, first=1):
        table = EpochTable(path, names, first)
        for number, *figures in rows:
            table.add(number, figures)
        table.close()

    return go


def test_what_is_read_back_is_the_same(path, write):
    write([(1, 0.1 + 0.2, 1e-17), (2, 1 / 3, math.nan)])
    table = pandas.read_csv(path)
    assert list(table) == ["epoch", *NAMES]
    assert table["epoch"].tolist() == [1, 2]
    assert table[NAMES[0]].tolist() == [0.1 + 0.2, 1 / 3]
    assert table["loss"][0] == 1e-17
    assert math.isnan(table["loss"][1])


def test_each_row_is_there_at_once(path):
    table = EpochTable(path, NAMES, 1)
    assert pandas.read_csv(path).empty
    table.add(1, [0.5, 0.25])
    assert len(pandas.read_csv(path)) == 1
    table.close()


def test_epochs_trained_again_are_replaced_and_torn_rows_left_out(path, write):
    write([(1, 0.1, 9.0), (2, 0.2, 8.0), (3, 0.3, 7.0)])
    with path.open("a") as file:
        file.write("4,0.4,6")
    write([(3, 0.35, 7.5)], first=3)
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["epoch", *NAMES], ["1", "0.1", "9.0"], ["2", "0.2", "8.0"], ["3", "0.35", "7.5"]]
    assert [one.name for one in path.parent.iterdir()] == ["epochs.csv"]


def test_other_columns_are_refused_unless_no_row_is_kept(path, write):
    write([(1, 0.1, 9.0)])
    with pytest.raises(OutputError, match=r"epochs.csv has other columns than this training\. Choose another folder"):
        write([], names=("other",), first=2)
    write([(1, 5.0)], names=("other",), first=1)
    assert path.read_text().splitlines() == ["epoch,other", "1,5.0"]

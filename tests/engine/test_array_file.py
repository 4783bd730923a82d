"""Probabilities as a NumPy file."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.prediction.results.array_file import ArrayFile
from geoseg.geoseg_plugin.engine.prediction.results.map_part import MapPart
from geoseg.tests.engine.mapped import draw_probabilities, write_map
from rasterio.windows import Window


@pytest.mark.parametrize("parts", [{}, {"rows": 37}, {"rows": 64, "cols": 50, "whole_rows": False}])
def test_it_holds_all_probabilities_in_their_places(tmp_path, parts):
    probabilities = draw_probabilities(130, 170, 4)
    valid = draw_probabilities(130, 170, seed=3)[0] < 0.5
    write_map(tmp_path / "out", probabilities, valid, array=True, **parts)
    for mode in (None, "r"):
        found = np.load(tmp_path / "out" / "array.npy", mmap_mode=mode)
        assert (found.shape, found.dtype) == ((130, 170, 4), np.float32)
        wanted = np.where(valid[..., None], np.moveaxis(probabilities, 0, -1), np.nan)
        np.testing.assert_array_equal(found, wanted)


def part(*shape):
    values = np.zeros(shape, np.float32)
    return MapPart(Window(0, 0, shape[2], shape[1]), values[0] == 0, values[0], values[0], values)


def test_too_small_a_disk_is_told_before_the_map_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    with pytest.raises(OutputError, match=r"takes 1\.2 GB, and there are 1\.0 GB left"):
        ArrayFile(tmp_path / "array.npy", (10_000, 10_000, 3))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rows", [2, 900])  # what is written at once, and what waits in memory until the end
def test_a_full_disk_is_an_error(rows):
    file = ArrayFile(Path("/dev/full"), (rows, 100, 3))
    with pytest.raises(OSError, match="No space left"):
        write_and_finish(file, part(3, rows, 100))
    file.close()


def write_and_finish(file, one):
    file.write(one)
    file.finish(None)

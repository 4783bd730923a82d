"""Readers open files when they need them, go on after an error, and close all in the end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.layouts import lay_out
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.sources import find_labels
from geoseg.geoseg_plugin.engine.datasets.windows import readers
from geoseg.geoseg_plugin.engine.datasets.windows.readers import Readers
from rasterio.windows import Window

IMAGES = np.random.default_rng(0).integers(1, 255, (4, 2, 70, 80)).astype(np.uint8)
PART = Window(10, 20, 30, 40)


@pytest.fixture
def opened(monkeypatch):
    """The names of scenes in the order in which they are opened."""
    seen, open_image = [], readers.open_image

    def open_and_tell(sheet, request):
        seen.append(sheet.scene.name)
        return open_image(sheet, request)

    monkeypatch.setattr(readers, "open_image", open_and_tell)
    return seen


@pytest.fixture
def make_readers(make_raster, tmp_path, recorder, monkeypatch):
    """Makes so many readers of four scenes, to be closed."""
    (tmp_path / "labels").mkdir()

    def make(count):
        monkeypatch.setattr(readers, "_MOST_READERS", count)
        monkeypatch.setattr(readers.os, "cpu_count", lambda: 8)
        images = [make_raster(f"{name}.tif", image) for name, image in zip("abcd", IMAGES, strict=True)]
        labels = [make_raster(f"labels/{name}.tif", image[:1] % 3) for name, image in zip("abcd", IMAGES, strict=True)]
        request = MakeTiles(images=images, labels=labels, tile_size=64, output="nowhere")
        scenes = find_scenes(request, recorder)
        return closing(Readers(request, lay_out(request, scenes, recorder), find_labels(request, scenes, recorder)))

    return make


def check(strip, sheet):
    image = IMAGES[sheet][:, 20:60, 10:40]
    assert (strip.top, strip.left) == (20, 10)
    assert np.array_equal(strip.pixels.image, image)
    assert np.array_equal(strip.pixels.label, image[0] % 3)
    assert strip.pixels.valid.all()


def test_the_files_used_last_stay_open(make_readers, opened, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_OPEN", 2)
    with make_readers(1) as reader:
        for sheet in (0, 1, 0, 2, 0, 1):
            check(reader.read(sheet, PART), sheet)
    assert opened == ["a", "b", "c", "b"]


def test_readers_share_the_number_of_files_that_may_be_open(make_readers, opened, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_OPEN", 6)
    with make_readers(3) as reader:
        for sheet in (0, 1, 0, 2, 0, 1):
            check(reader.read(sheet, PART), sheet)
    assert opened == ["a", "b", "c", "b"]


def test_a_reader_goes_on_after_an_error(make_readers, tmp_path):
    with make_readers(1) as reader:
        (tmp_path / "b.tif").rename(tmp_path / "away.tif")
        with pytest.raises(InputError, match=r"b\.tif cannot be opened"):
            reader.read(1, PART)
        check(reader.read(0, PART), 0)
        (tmp_path / "away.tif").rename(tmp_path / "b.tif")
        check(reader.read(1, PART), 1)


def test_readers_work_side_by_side(make_readers, monkeypatch):
    """Three windows are being read before one of them is done."""
    met, read_strip = threading.Barrier(3, timeout=30), readers.read_strip

    def meet(*parts):
        met.wait()
        return read_strip(*parts)

    monkeypatch.setattr(readers, "read_strip", meet)
    with make_readers(3) as together, ThreadPoolExecutor(3) as pool:
        strips = list(pool.map(lambda sheet: together.read(sheet, PART), range(3)))
    for sheet, strip in enumerate(strips):
        check(strip, sheet)


def test_one_that_is_enough_opens_files_once(make_readers, opened):
    with make_readers(3) as reader:
        for _ in range(3):
            check(reader.read(0, PART), 0)
    assert opened == ["a"]


def test_closing_ends_all_threads(make_readers):
    def count():
        return sum(thread.name.startswith("windows") for thread in threading.enumerate())

    with make_readers(4) as reader:
        check(reader.read(0, PART), 0)
        assert count() > 0
    assert count() == 0

"""Strips come back from their files as they were, or not at all."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.prediction.keeping.store import Store
from geoseg.geoseg_plugin.engine.prediction.windows.strips import Strip
from rasterio.windows import Window


def make_strip(row, column=0, shape=(7, 11), seed=0, classes=3):
    random = np.random.default_rng(seed)
    rows, columns = shape
    return Strip(
        Window(column, row, columns, rows),
        random.random((classes, rows, columns), dtype=np.float32),
        random.random((rows, columns)) > 0.3,
    )


def assert_same(one, other):
    assert one.window == other.window
    np.testing.assert_array_equal(one.valid, other.valid)
    assert one.probabilities.dtype == np.float32
    assert one.probabilities.tobytes() == other.probabilities.tobytes()


def path_of(store):
    (path,) = store.folder.glob("*.strip")
    return path


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, 3)


def test_strips_come_back_to_the_last_bit(store):
    strips = [make_strip(512, seed=1), make_strip(0, 11, seed=2), make_strip(0, seed=3)]
    for strip in strips:
        store.write(strip)
    assert store.windows() == [strips[2].window, strips[1].window, strips[0].window]
    for strip in strips:
        assert store.is_whole(strip.window)
        assert_same(store.read(strip.window), strip)
    assert store.read(strips[0].window).probabilities.flags.writeable


def test_values_that_are_no_numbers_come_back_too(store):
    strip = make_strip(0)
    strip.probabilities[0, 0] = [np.nan, -0.0, np.inf, -np.inf, *[1e-42] * 7]
    store.write(strip)
    assert_same(store.read(strip.window), strip)


def test_where_there_is_nothing_there_is_no_room_taken(store):
    strip = Strip(Window(0, 0, 200, 100), np.zeros((3, 100, 200), np.float32), np.zeros((100, 200), np.bool_))
    store.write(strip)
    assert path_of(store).stat().st_size == 4 + 100 * 200 / 8
    assert_same(store.read(strip.window), strip)


def test_the_room_that_strips_take_is_known_before(store):
    strip = make_strip(0, shape=(50, 70))
    store.write(strip)
    assert 0 <= path_of(store).stat().st_size - store.bytes_for(50 * 70) < 16


def test_parts_of_larger_arrays_can_be_kept(store):
    strip = make_strip(0, shape=(14, 22))
    part = Strip(Window(0, 0, 11, 7), strip.probabilities[:, ::2, ::2], strip.valid[::2, ::2])
    store.write(part)
    assert_same(store.read(part.window), part)


@pytest.mark.parametrize("place", [0, 4, 20, -1])
def test_a_changed_byte_is_noticed(store, place):
    strip = make_strip(0)
    store.write(strip)
    content = bytearray(path_of(store).read_bytes())
    content[place] ^= 1
    path_of(store).write_bytes(content)
    assert store.windows() == [strip.window]
    assert not store.is_whole(strip.window)
    with pytest.raises(OutputError, match=r"row0_column0_7x11\.strip is damaged"):
        store.read(strip.window)


@pytest.mark.parametrize("size", [0, 3, 100])
def test_a_file_of_another_size_does_not_count(store, size):
    store.write(make_strip(0))
    path_of(store).write_bytes(path_of(store).read_bytes()[:size])
    assert store.windows() == []
    assert not store.is_whole(Window(0, 0, 11, 7))


def test_strips_of_another_number_of_classes_do_not_count(store):
    store.write(make_strip(0, classes=4))
    assert store.windows() == []


def test_what_is_half_written_goes(store, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("geoseg.geoseg_plugin.engine.prediction.keeping.store.os.fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            store.write(make_strip(0))
    assert list(store.folder.iterdir()) == []
    (store.folder / "row0_column0_7x11.strip.77-1.part").write_bytes(b"half")
    (store.folder / "other.txt").write_bytes(b"of the user")
    assert store.windows() == []
    store.clear()
    assert [path.name for path in store.folder.iterdir()] == ["other.txt"]


def test_a_folder_that_is_gone_is_not_made_again(store):
    store.folder.rmdir()
    with pytest.raises(FileNotFoundError):
        store.write(make_strip(0))
    assert not store.folder.exists()


def test_several_may_write_at_once(store):
    strips = [make_strip(7 * number, seed=number) for number in range(40)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(store.write, strips))
    assert store.windows() == [strip.window for strip in strips]
    for strip in strips:
        assert_same(store.read(strip.window), strip)

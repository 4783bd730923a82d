"""Windows of scenes are, in every bit, the tiles that would be cut of these scenes."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.checking import preflight
from geoseg.geoseg_plugin.engine.datasets.checking.pairs import pairs_of
from geoseg.geoseg_plugin.engine.datasets.checking.survey import survey_tiles
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.placed import place_tiles
from geoseg.geoseg_plugin.engine.datasets.tile_reading import read_tile
from geoseg.geoseg_plugin.engine.datasets.tiling import patches
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.datasets.windows import opening, readers
from geoseg.geoseg_plugin.engine.datasets.windows.opening import open_windows

HEIGHT, WIDTH = 200, 220
PLENTY = 10**9


def moved(cols, rows):
    return Affine(0.5, 0, 500_000 + cols / 2, 0, -0.5, 5_000_000 - rows / 2)


def bytes_with_nodata(make_raster, make_layer):
    """Two scenes that overlap, each with a label raster, part of which is nodata."""
    random = np.random.default_rng(1)
    images, labels = [], []
    for name, cols in (("a", 0), ("b", 150)):
        image = random.integers(0, 3, (3, HEIGHT, WIDTH)).astype(np.uint8)
        image[:, :90, 40:120] = 0
        label = random.integers(1, 4, (1, HEIGHT, WIDTH)).astype(np.uint8)
        label[0, 100:130] = 9
        images.append(make_raster(f"{name}.tif", image, transform=moved(cols, 0), nodata=0, photometric="minisblack"))
        labels.append(make_raster(f"{name}_label.tif", label, transform=moved(cols, 0), nodata=9))
    return {"images": images, "labels": labels}


def floats_with_nan(make_raster, make_layer):
    image = np.random.default_rng(2).normal(size=(2, HEIGHT, WIDTH)).astype(np.float32)
    image[0, :70, :70] = np.nan
    image[1, 150:160, 30:40] = np.inf
    label = (image[:1] > 0.5).astype(np.uint8)
    return {"images": [make_raster("image.tif", image)], "labels": [make_raster("label.tif", label)]}


def floats_with_stated_nan(make_raster, make_layer):
    image = np.random.default_rng(2).normal(size=(2, HEIGHT, WIDTH)).astype(np.float32)
    image[0, :70, :70] = np.nan
    image[1, 150:160, 30:40] = -np.inf
    label = (image[1:] > 0.5).astype(np.uint16) * 700
    images = [make_raster("image.tif", image, nodata=np.nan)]
    return {"images": images, "labels": [make_raster("label.tif", label)]}


def features_with_classes(make_raster, make_layer):
    random = np.random.default_rng(3)
    image = random.integers(0, 4000, (4, HEIGHT, WIDTH)).astype(np.uint16)
    image[:, 140:, :50] = 0
    corners = random.integers(0, 190, (60, 2))
    shapes = [shapely.box(col, row, col + 23.5, row + 17.25) for col, row in corners]
    kinds = [("house", "road", None)[number % 3] for number in range(60)]
    return {
        "images": [make_raster("image.tif", image)], "labels": [make_layer("labels.gpkg", shapes, kind=kinds)],
        "field": "kind",
    }  # fmt: skip


def images_smaller_than_a_tile(make_raster, make_layer):
    random = np.random.default_rng(4)
    images, labels = [], []
    for name, height, width in (("small", 50, 40), ("flat", 30, 100), ("other", 120, 140)):
        image = random.integers(0, 255, (2, height, width)).astype(np.uint8)
        where = {"transform": moved(1000 * len(images), 0)}
        images.append(make_raster(f"{name}.tif", image, **where))
        labels.append(make_raster(f"{name}_label.tif", image[:1] // 128, **where))
    return {"images": images, "labels": labels}


def plain_images_with_alpha(make_raster, make_layer):
    random = np.random.default_rng(5)
    image = random.integers(1, 255, (4, HEIGHT, WIDTH)).astype(np.uint8)
    image[3] = np.where(image[0] < 60, 0, 255)
    where = {"crs": None, "transform": Affine.identity()}
    images = [make_raster("image.tif", image, photometric="RGB", alpha="YES", **where)]
    return {"images": images, "labels": [make_raster("label.tif", image[1:2] // 90, **where)]}


CASES = [
    bytes_with_nodata, floats_with_nan, floats_with_stated_nan, features_with_classes, images_smaller_than_a_tile,
    plain_images_with_alpha,
]  # fmt: skip


@pytest.fixture
def pair(make_raster, make_layer, tmp_path, make_recorder):
    """Opens what a request makes, on disk and by windows, with a report for each."""
    with ExitStack() as stack:

        def open_both(case, *rooms, **options):
            values = {"tile_size": 64, **case(make_raster, make_layer), **options}
            first, second = make_recorder(), make_recorder()
            request = MakeTiles(**values, output=str(tmp_path / "tiles"))
            cut = open_dataset(make_tiles(request, first).output)
            unwritten = MakeTiles(**values, output="nowhere")
            opened = [stack.enter_context(open_windows(unwritten, second, room)) for room in rooms or (PLENTY,)]
            return cut, *opened, first, second

        yield open_both


def check_pixels(cut, windows):
    for one, other in zip(cut.tiles, windows.tiles, strict=True):
        assert (one.id, one.scene, one.split) == (other.id, other.scene, other.split)
        pixels, same = read_tile(one, cut), read_tile(other, windows)
        for name in ("image", "valid", "label"):
            mine, theirs = getattr(same, name), getattr(pixels, name)
            assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
            assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("case", CASES)
def test_pixels_are_those_of_the_files(pair, case, monkeypatch):
    monkeypatch.setattr(patches, "_STEP", 64)
    cut, kept, partly_kept, read_again, _, _ = pair(case, PLENTY, 100_000, 0)
    assert len(cut.tiles) > 2
    for windows in (kept, partly_kept, read_again):
        check_pixels(cut, windows)


@pytest.mark.parametrize("case", CASES)
def test_all_else_is_that_of_the_dataset(pair, case, recorder):
    cut, windows, first, second = pair(case, validation=30)
    for name in ("tile_size", "dtype", "classes", "ignore_value", "crs", "pixel_size", "statistics", "bands"):
        assert getattr(windows, name) == getattr(cut, name)
    assert {tile.split for tile in windows.tiles} >= {"train", "validation"}
    assert first.warnings == second.warnings
    check_places(cut, windows)
    check_facts(cut, windows, recorder)


def check_places(cut, windows):
    laid, told = place_tiles(windows), place_tiles(cut)
    assert laid.fields.keys() == told.fields.keys()
    for name, column in told.fields.items():
        assert np.array_equal(laid.fields[name], column, equal_nan=column.dtype.kind == "f"), name
    assert shapely.equals_exact(laid.polygons, told.polygons, 0).all()
    assert laid.planes.tolist() == told.planes.tolist()
    assert laid.crs == told.crs


def check_facts(cut, windows, recorder):
    """What the check before training looks at is the same."""
    facts = [survey_tiles(pairs_of(dataset), recorder).tiles for dataset in (cut, windows)]
    for one, other in zip(*facts, strict=True):
        assert one.label == other.label
        for name in ("grid", "dtype", "names", "valid", "not_finite", "digest"):
            assert getattr(one.image, name) == getattr(other.image, name)
        assert np.array_equal(one.image.figures, other.image.figures, equal_nan=True)


def test_the_check_before_training_says_the_same(pair, make_recorder, monkeypatch):
    cut, windows, _, _ = pair(floats_with_nan)
    monkeypatch.setattr(preflight, "MOST_TILES", 3)
    first, second = make_recorder(), make_recorder()
    preflight.check_before_training(cut, first)
    preflight.check_before_training(windows, second)
    assert first.warnings == second.warnings
    assert len(first.warnings) > 0
    assert first.notes[0] == second.notes[0]


def one_class(make_raster, make_layer):
    image = np.random.default_rng(2).integers(1, 200, (2, HEIGHT, WIDTH)).astype(np.uint8)
    label = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    label[0, 190:, 200:] = 1
    return {"images": [make_raster("image.tif", image)], "labels": [make_raster("label.tif", label)]}


def test_labels_that_were_not_looked_at_are_known(pair, recorder, monkeypatch):
    """The last window alone shows the second class; those looked at do not."""
    _, windows, _, _ = pair(one_class, overlap=0, validation=0)
    monkeypatch.setattr(preflight, "_spread", lambda tiles, most: tiles[:4])
    preflight.check_before_training(windows, recorder)
    assert any(text.startswith("In the 4 tiles looked at: ") for text in recorder.warnings)


def test_wide_scenes_are_found_in_their_sections(pair, monkeypatch):
    monkeypatch.setattr(patches, "_PATCH_BYTES", 150 * (64 + 512) * 5)
    monkeypatch.setattr(readers.Readers, "read", None)
    cut, windows, _, _ = pair(bytes_with_nodata, overlap=50)
    check_pixels(cut, windows)


def test_what_is_in_memory_is_not_read_again(pair, monkeypatch):
    _, windows, _, second = pair(bytes_with_nodata)
    monkeypatch.setattr(readers.Readers, "read", None)
    for tile in windows.tiles:
        read_tile(tile, windows)
    assert second.notes[-1].endswith("windows of 64 pixels a side are read from 2 images; all pixels stay in memory.")


def test_any_number_of_threads_and_scenes_may_be_read(pair, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_OPEN", 1)
    cut, windows, first, second = pair(features_with_classes, 0)
    tiles = [(one, other) for one, other in zip(cut.tiles, windows.tiles, strict=True)] * 3
    order = np.random.default_rng(0).permutation(len(tiles))

    def same(place):
        one, other = tiles[place]
        return read_tile(one, cut).label.tobytes() == read_tile(other, windows).label.tobytes()

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(same, order))
    assert second.warnings == first.warnings
    assert len(first.warnings) == 1


def test_layers_are_prepared_again_without_a_word(pair, make_raster, make_layer, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_OPEN", 1)
    monkeypatch.setattr(opening, "_READY_LABELS", 1)
    values = features_with_classes(make_raster, make_layer)
    image = np.random.default_rng(6).integers(1, 4000, (4, 100, 90)).astype(np.uint16)
    values["images"].append(make_raster("second.tif", image, transform=moved(80, 60)))
    cut, windows, first, second = pair(lambda *_: values, 0)
    for _ in range(2):
        check_pixels(cut, windows)
    assert second.warnings == first.warnings
    assert len(first.warnings) == 2


def test_files_are_opened_again_after_others(pair, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_OPEN", 1)
    cut, windows, _, _ = pair(images_smaller_than_a_tile, 0)
    for _ in range(2):
        check_pixels(cut, windows)


def test_a_scene_that_is_damaged_later_is_an_error(pair, tmp_path):
    _, windows, _, _ = pair(floats_with_nan, 0)
    (tmp_path / "image.tif").write_bytes(b"")
    with pytest.raises(InputError, match=r"image\.tif cannot be opened"):
        read_tile(windows.tiles[0], windows)

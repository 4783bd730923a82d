"""Maps as PNG."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.results.picture import Picture
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.mapped import UTM, draw_probabilities, write_map
from matplotlib.image import imread

SHAPE = 120, 90


@pytest.fixture
def valid():
    known = np.ones(SHAPE, bool)
    known[20:50, 30:] = False
    return known


def test_two_classes_are_black_and_white(tmp_path, valid):
    probabilities = draw_probabilities(*SHAPE, 2)
    card = make_card(classes={3: "land", 8: "cloud"})
    write_map(tmp_path / "out", probabilities, valid, card=card, rows=50, picture=True)
    with rasterio.open(tmp_path / "out" / "picture.png") as dataset:
        assert (dataset.driver, dataset.count, dataset.dtypes) == ("PNG", 1, ("uint8",))
        wanted = np.where(probabilities[1] > probabilities[0], 255, 0)
        np.testing.assert_array_equal(dataset.read(1)[valid], wanted[valid])
        np.testing.assert_array_equal(dataset.dataset_mask() > 0, valid)


def test_more_classes_are_their_values_in_their_colours(tmp_path, valid):
    probabilities = draw_probabilities(*SHAPE)
    card = make_card()
    write_map(tmp_path / "out", probabilities, valid, card=card, picture=True)
    indices = probabilities.argmax(axis=0)
    path = tmp_path / "out" / "picture.png"
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.where(valid, np.array([0, 1, 5])[indices], 255))
    seen = np.rint(255 * imread(path)).astype(int)
    colours = np.array([one.rgb for one in card.classes])
    np.testing.assert_array_equal(seen[valid][:, :3], colours[indices[valid]])
    np.testing.assert_array_equal(seen[..., 3], np.where(valid, 255, 0))


def test_large_class_values_take_16_bits(tmp_path, valid):
    probabilities = draw_probabilities(*SHAPE)
    card = make_card(classes={1: "a", 300: "b", 65534: "c"})
    write_map(tmp_path / "out", probabilities, valid, card=card, picture=True)
    with rasterio.open(tmp_path / "out" / "picture.png") as dataset:
        wanted = np.where(valid, np.array([1, 300, 65534])[probabilities.argmax(axis=0)], 65535)
        np.testing.assert_array_equal(dataset.read(1), wanted)
        assert dataset.nodata == 65535


def test_it_says_where_it_lies(tmp_path):
    write_map(tmp_path / "out", draw_probabilities(*SHAPE), picture=True)
    folder = tmp_path / "out"
    beside = sorted(file.name for file in folder.iterdir() if "picture" in file.name)
    assert beside == ["picture.pgw", "picture.png", "picture.png.aux.xml"]
    with rasterio.open(folder / "picture.png") as dataset:
        assert (dataset.crs, dataset.transform) == (UTM.crs, UTM.transform)
        assert "predictsegmentation" in dataset.tags()["GEOSEG_REQUEST"]
    numbers = [float(line) for line in (folder / "picture.pgw").read_text().split()]
    assert numbers == [0.5, 0, 0, -0.5, 500_000.25, 4_999_999.75]  # the middle of the first pixel


def test_too_large_a_map_is_told_before_it_is_made(tmp_path):
    grid = Grid(UTM.crs, UTM.transform, 3, 1_000_001)
    with pytest.raises(RequestError, match="1000001 x 3 pixels") as caught:
        Picture(tmp_path / "map.png", grid, make_card().classes, {})
    assert "PICTURE" in caught.value.fix
    assert not list(tmp_path.iterdir())

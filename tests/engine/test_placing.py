"""How large windows are, where they lie on a scene, and in which parts it is worked on."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.placing import find_window_size, place_windows
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from rasterio.windows import Window

BLOCK = 256


def _predictor(*cards, fixed_size=None):
    return SimpleNamespace(cards=cards, fixed_size=fixed_size)


@pytest.mark.parametrize(
    ("asked", "cards", "fixed", "wanted"),
    [
        (0, [make_card(tile_size=96)], None, 96),
        (0, [make_card(tile_size=96), make_card(tile_size=512)], None, 96),
        (256, [make_card()], None, 256),
        (100, [make_card()], None, 128),
        (1, [make_card()], None, 32),
        (256, [make_card()], 64, 64),
        (0, [make_card(tile_size=64)], 64, 64),
        (64, [make_card(), make_card(architecture="pan")], None, 128),
    ],
)
def test_windows_are_as_large_as_asked_for_where_networks_take_that(asked, cards, fixed, wanted):
    listener = Listener()
    size = find_window_size(asked, _predictor(*cards, fixed_size=fixed), listener)
    assert size == wanted
    told = [f"Windows of {wanted} pixels are used, since the network cannot take {asked}"]
    assert listener.notes == ([] if wanted == (asked or cards[0].tile_size) else told)


def _place(height, width, frame=None, size=64, overlap=25.0):
    grid = Grid(None, Affine.identity(), height, width)
    scene = SimpleNamespace(grid=grid, frame=frame or Window(0, 0, width, height))
    request = PredictSegmentation(input="a.tif", model="b.onnx", output="c.tif", overlap=overlap, blending="linear")
    return place_windows(scene, size, request)


@pytest.mark.parametrize("frame", [Window(0, 0, 30_000, 900), Window(777, 100, 20_001, 300), Window(29_999, 0, 1, 1)])
@pytest.mark.parametrize("size", [64, 4096])
def test_regions_make_up_what_is_mapped_and_are_of_bounded_width(frame, size):
    _, regions = _place(900, 30_000, frame, size)
    assert {(one.rows.first, one.rows.stop) for one in regions} == {(frame.row_off, frame.row_off + frame.height)}
    edges = [(one.cols.first, one.cols.stop) for one in regions]
    assert edges[0][0] == frame.col_off and edges[-1][1] == frame.col_off + frame.width
    assert all(stop == first for (_, stop), (first, _) in pairwise(edges))
    assert max(stop - first for first, stop in edges) <= max(8192, 4 * size)
    assert all((first - frame.col_off) % BLOCK == 0 for first, _ in edges)


def test_windows_lie_where_they_lie_on_the_whole():
    whole, (region,) = _place(900, 1000)
    part, (section,) = _place(900, 1000, Window(300, 200, 100, 50))
    assert part == whole
    touching = [number for number, start in enumerate(whole.cols.starts) if start < 400 and start + 64 > 300]
    assert list(section.cols.windows) == touching
    assert section.window_count < region.window_count


@pytest.mark.parametrize("overlap", [0.0, 50.0])
def test_overlap_is_in_percent_and_blending_as_asked_for(overlap):
    coverage, _ = _place(900, 1000, overlap=overlap)
    starts = coverage.cols.starts
    assert starts[1] - starts[0] == 64 * (1 - overlap / 100)
    assert (coverage.cols.size, coverage.cols.length, coverage.rows.length) == (64, 1000, 900)
    assert coverage.blending == "linear"

"""Tiles over the edge, compared with numpy's own padding."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.stages.datasets import DROP, EDGES, PAD_NODATA, REFLECT
from geoseg.geoseg_plugin.engine.datasets.tiling.edges import frame_of
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window


def cut(pixels, frame, fill):
    rows, cols = frame.inside.toslices()
    return frame.complete(pixels[..., rows, cols], fill)


@st.composite
def windows(draw):
    """Draw the sides of a raster and a window that shares some pixel with it."""
    height, width, tall, wide = (draw(st.integers(1, 12)) for _ in range(4))
    return height, width, draw(st.integers(1 - tall, height - 1)), draw(st.integers(1 - wide, width - 1)), tall, wide


@given(windows())
def test_tiles_are_those_of_the_padded_image(place):
    height, width, row, col, tall, wide = place
    pixels = np.random.default_rng(0).integers(0, 99, (2, height, width))
    window = Window(col, row, wide, tall)
    around = [(0, 0), (tall, tall), (wide, wide)]
    part = (..., slice(row + tall, row + 2 * tall), slice(col + wide, col + 2 * wide))
    for edges, padded in (
        (REFLECT, np.pad(pixels, around, "symmetric")),
        (PAD_NODATA, np.pad(pixels, around, constant_values=-7)),
    ):
        frame = frame_of(window, height, width, edges)
        inside = frame.inside
        assert min(inside.row_off, inside.col_off) >= 0
        assert inside.row_off + inside.height <= height
        assert inside.col_off + inside.width <= width
        assert inside.height <= tall
        assert inside.width <= wide
        assert np.array_equal(cut(pixels, frame, -7), padded[part])


def test_a_tile_inside_is_passed_on_as_it_is():
    pixels = np.arange(30).reshape(5, 6)
    for edges in EDGES:
        frame = frame_of(Window(1, 2, 3, 2), 5, 6, edges)
        assert frame.is_whole
        read = pixels[2:4, 1:4]
        assert frame.complete(read, 0) is read


def test_label_image_and_validity_are_mirrored_alike():
    image = np.arange(12).reshape(1, 3, 4)
    frame = frame_of(Window(-2, -1, 6, 5), 3, 4, REFLECT)
    for pixels in (image, image[0], image[0] % 2 == 0):
        tile = cut(pixels, frame, 0)
        assert tile.shape == (*pixels.shape[:-2], 5, 6)
        assert np.array_equal(tile[..., 1:4, 2:6], pixels)
        assert np.array_equal(tile[..., 0, 2:], pixels[..., 0, :])
        assert np.array_equal(tile[..., 1:4, :2], pixels[..., :, 1::-1])


@pytest.mark.parametrize("edges", [PAD_NODATA, DROP])
def test_over_the_edge_is_the_value_asked_for(edges):
    tile = cut(np.ones((3, 2, 2)), frame_of(Window(-1, 0, 4, 3), 2, 2, edges), 9.5)
    assert (tile[:, :2, 1:3] == 1).all()
    assert (tile == 9.5).sum() == 3 * (12 - 4)

"""Keys of the DLTile grid: published examples, and there and back."""

import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.tiling.dltile import TileGrid, read_key
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

PUBLISHED = {
    "512:0:10.0:13:-17:771": (412960, 3947520, 418080, 3952640),
    "2048:16:30.0:15:3:80": (683840, 4914720, 746240, 4977120),
    "256:16:75.0:38:-12:-70": (268400, -1345200, 290000, -1323600),
}


@pytest.mark.parametrize("key", PUBLISHED)
def test_published_tiles_lie_where_they_should(key):
    tiles, ti, tj = read_key(key)
    grid = tiles.grid(ti, tj, ti, tj)
    assert grid.bounds == PUBLISHED[key]
    assert grid.crs == CRS.from_epsg(32600 + int(key.split(":")[3]))
    assert (grid.height, grid.width) == (tiles.cell + 2 * tiles.padding,) * 2
    assert tiles.key(ti, tj) == key
    west, south, east, north = PUBLISHED[key]
    assert (int(tiles.columns((west + east) / 2) // 1), int(tiles.rows((south + north) / 2) // 1)) == (ti, tj)


@given(
    st.integers(1, 4096), st.integers(0, 512), st.sampled_from([0.1, 0.25, 1.0, 10.0, 75.0, 1e-5]), st.integers(1, 60),
    st.integers(-900, 900), st.integers(-9000, 9000),
)  # fmt: skip
def test_keys_survive_the_way_there_and_back(cell, padding, resolution, zone, ti, tj):
    tiles = TileGrid(cell, padding, resolution, zone)
    assert read_key(tiles.key(ti, tj)) == read_key(tiles.file_name(ti, tj)) == (tiles, ti, tj)
    assert ":" not in tiles.file_name(ti, tj)


def test_tiles_of_several_cells_share_one_grid():
    tiles = TileGrid(240, 8, 10.0, 33)
    whole, one = tiles.grid(-2, 5, 3, 9), tiles.grid(1, 7, 1, 7)
    assert whole.offset_of(one) == (3 * 240, 2 * 240)
    assert (whole.height, whole.width) == (5 * 240 + 16, 6 * 240 + 16)


@pytest.mark.parametrize("text", ["512:0:10.0:13:-17", "512:0:10.0:61:0:0", "0:0:10.0:1:0:0", "512:0:0:1:0:0", "scene"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(InputError, match="is no key"):
        read_key(text)

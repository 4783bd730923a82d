"""Reading the parts of rasters that lie in a block."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.imagery.mosaicking import pieces as module
from geoseg.geoseg_plugin.engine.imagery.mosaicking.frame import choose_grid, place_sources
from geoseg.geoseg_plugin.engine.imagery.mosaicking.pieces import PieceReader
from geoseg.geoseg_plugin.engine.imagery.mosaicking.sources import read_sources
from geoseg.geoseg_plugin.engine.raster import open_raster
from rasterio.windows import Window

PIXELS = np.arange(1, 1201, dtype=np.uint16).reshape(1, 30, 40)


@pytest.fixture
def make_reader(make_raster, recorder):
    def make(*cols, **options):
        paths = tuple(
            make_raster(f"{n}.tif", PIXELS, transform=Affine(0.5, 0, 500_000 + 0.5 * col, 0, -0.5, 5e6), **options)
            for n, col in enumerate(cols)
        )
        sources = read_sources(paths, recorder, from_folder=False)
        grid = choose_grid(MosaicRasters(inputs=paths, output="out.tif"), sources, recorder)
        placed = place_sources(sources, grid, recorder)
        return PieceReader(placed, grid, alpha=None, resampling="nearest", report=recorder)

    return make


@pytest.fixture(autouse=True)
def settings(make_raster):
    """A raster that stays open, as in a mosaic."""
    with open_raster(make_raster("first.tif", PIXELS)):
        yield


def test_pieces_are_found_in_order_and_read_where_they_lie(make_reader):
    with make_reader(0, 60, 20, 40) as reader:
        found = reader.find(Window(30, 10, 20, 15))
        assert [piece.number for piece in found] == [0, 2, 3]
        assert found[2].place == (slice(None), slice(0, 15), slice(10, 20))
        image, known = found[2].read()
        assert known is None
        assert np.array_equal(image, PIXELS[:, 10:25, :10])
        assert reader.find(Window(0, 30, 10, 10)) == []


def test_what_is_known(make_reader):
    with make_reader(0, 20, nodata=1200) as reader:
        (piece,) = reader.find(Window(0, 25, 20, 5))
        assert piece.read().known.all()
        assert not piece.is_full
        shown, place = piece.read_around(25)
        assert shown.shape == (30, 40)
        assert place == (slice(25, 30), slice(0, 20))
        assert not shown[29, 39]
        assert shown.sum() == 1199


def test_only_what_is_missing_is_read(make_reader):
    with make_reader(0) as reader:
        (piece,) = reader.find(Window(0, 0, 40, 30))
        known = np.ones((1, 30, 40), np.bool_)
        assert piece.trim(known) is piece
        known[0, 5, 7] = known[0, 9, 3] = False
        trimmed = piece.trim(known)
        assert trimmed.place == (slice(None), slice(5, 10), slice(3, 8))
        assert np.array_equal(trimmed.read().image, PIXELS[:, 5:10, 3:8])


def test_few_files_are_open_at_once(make_reader, monkeypatch):
    monkeypatch.setattr(module, "_MOST_OPEN", 3)
    with make_reader(*range(0, 400, 40)) as reader:
        for _ in range(2):
            for piece in reader.find(Window(0, 0, 400, 30)):
                assert np.array_equal(piece.read().image, PIXELS)
                assert len(reader._open) <= 3
    assert not reader._open


def test_stretched_rasters_reach_a_little_farther(make_reader):
    with make_reader(0, 39.49) as reader:
        piece = reader.find(Window(0, 0, 80, 30))[1]
        assert not piece.placed.is_direct
        plain, stretched = piece.read(), piece.read(stretched=True)
        assert stretched.known.sum() - plain.known.sum() == 30
        near = stretched.image[plain.known].astype(int) - plain.image[plain.known]
        assert set(np.unique(near)) <= {-1, 0, 1}

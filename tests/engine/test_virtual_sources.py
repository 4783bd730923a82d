"""Virtual rasters with missing files are refused, also where GDAL would read zeros without a word."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.geoseg_plugin.engine.run import run


@pytest.fixture
def mosaic(make_raster, tmp_path, recorder):
    def make(name, *inputs):
        run(MosaicRasters(inputs=inputs, output=str(tmp_path / name)), recorder)
        return str(tmp_path / name)

    return make


def test_a_missing_file_is_named_even_after_a_virtual_raster_of_a_virtual_one(make_raster, mosaic, tmp_path):
    kept, lost = (make_raster(name, np.full((1, 20, 30), 7, np.uint8)) for name in ("kept.tif", "lost & found.tif"))
    nested = mosaic("nested.vrt", mosaic("inner.vrt", kept))
    broken = mosaic("broken.vrt", lost)
    with open_raster(nested) as dataset:
        assert (dataset.read() == 7).all()
    with open_raster(broken) as dataset:
        assert (dataset.read() == 7).all()
    (tmp_path / "lost & found.tif").unlink()
    message = r"broken\.vrt shows 1 of 1 files that do not exist, .*lost & found\.tif"
    with pytest.raises(InputError, match=message), open_raster(broken):
        pass


def test_what_is_no_plain_file_is_left_to_gdal(make_raster, mosaic, tmp_path):
    source = make_raster("source.tif", np.ones((1, 20, 30), np.uint8))
    other = tmp_path / "moved.vrt"
    with rasterio.open(mosaic("first.vrt", source)) as dataset:
        assert dataset.count == 1
    text = (tmp_path / "first.vrt").read_text()
    other.write_text(text.replace(">source.tif<", ">/vsizip//nowhere.zip/source.tif<").replace('VRT="1"', 'VRT="0"'))
    with open_raster(str(other)) as dataset:
        assert dataset.shape == (20, 30)

"""Rasters that were cut short are found."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.engine.completeness import check_whole
from geoseg.geoseg_plugin.engine.raster import geotiff_profile


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_raster_that_is_cut_short_is_found(tmp_path, count):
    path = tmp_path / "map.tif"
    with rasterio.open(path, "w", **geotiff_profile("uint8", 600, 500, count)) as dataset:
        dataset.write(np.arange(count * 300_000, dtype=np.uint32).astype(np.uint8).reshape(count, 600, 500))
    check_whole(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OutputError, match=r"map\.tif could not be written to its end"):
        check_whole(path)

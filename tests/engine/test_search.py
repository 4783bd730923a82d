"""Which rasters a mosaic is made of."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.imagery.mosaicking.search import find_paths


def test_inputs_keep_their_order():
    assert find_paths(MosaicRasters(inputs=("b.tif", "a.tif"), output="out.tif")) == ("b.tif", "a.tif")


def test_the_output_is_no_input(tmp_path, make_raster):
    (tmp_path / "sub").mkdir()
    make_raster("b.tif", np.ones((1, 4, 5), np.uint8))
    output = str(tmp_path / "sub" / ".." / "b.tif")
    with pytest.raises(RequestError, match="would overwrite"):
        find_paths(MosaicRasters(folder=str(tmp_path), pattern="*.tif", output=output))

"""Files that a virtual raster shows are not overwritten."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.bands import RescaleImage
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster, MosaicRasters
from geoseg.geoseg_plugin.engine.run import run


@pytest.mark.parametrize("stage", [
    lambda vrt, output: MosaicRasters(inputs=(vrt,), output=output),
    lambda vrt, output: RescaleImage(input=vrt, output=output),
    lambda vrt, output: ClipRaster(input=output + ".other.tif", like=vrt, output=output),
])  # fmt: skip
def test_a_result_does_not_take_the_place_of_what_an_input_shows(make_raster, tmp_path, recorder, stage):
    tile = make_raster("tile.tif", np.arange(600, dtype=np.uint16).reshape(1, 20, 30))
    vrt = str(tmp_path / "all.vrt")
    run(MosaicRasters(inputs=(tile,), output=vrt), recorder)
    before = hashlib.sha256(Path(tile).read_bytes()).digest()
    with pytest.raises(RequestError, match=r"OUTPUT would overwrite .*tile\.tif, which .*all\.vrt shows"):
        run(stage(vrt, tile), recorder)
    assert hashlib.sha256(Path(tile).read_bytes()).digest() == before
    run(RescaleImage(input=vrt, output=str(tmp_path / "other.tif")), recorder)

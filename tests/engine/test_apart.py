"""Requests that are done in a process of their own."""

import time

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster, DemoScene
from geoseg.geoseg_plugin.engine.processes.apart import run_apart
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster


def test_the_result_is_there_when_it_has_ended(tmp_path):
    image = write_raster(tmp_path / "image.tif", np.arange(100, dtype=np.uint8).reshape(1, 10, 10))
    output = str(tmp_path / "clip.tif")
    run_apart(ClipRaster(input=image, like=image, output=output), Listener())
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(dataset.read(1), np.arange(100).reshape(10, 10))


def test_its_error_becomes_that_of_this_process(tmp_path):
    request = ClipRaster(input=str(tmp_path / "none.tif"), extent="0,1,0,1", output=str(tmp_path / "clip.tif"))
    with pytest.raises(InputError, match=r"none\.tif"):
        run_apart(request, Listener())


def test_a_cancel_ends_it_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run_apart(
            DemoScene(size=8192, output=str(tmp_path / "scene.tif"), labels=str(tmp_path / "labels.gpkg")),
            Listener(lambda listener: time.monotonic() - started > 0.5),
        )
    assert not (tmp_path / "scene.tif").exists()

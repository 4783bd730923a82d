"""Addresses that GDAL reads become layers; nothing else changes."""

import zipfile

import pytest
from geoseg.geoseg_plugin.host.addresses import open_addresses
from qgis.core import QgsProcessingContext, QgsRasterLayer


@pytest.fixture
def address(raster, tmp_path):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.write(raster, "image.tif")
    return f"/vsizip/{tmp_path}/packed.zip/image.tif"


def test_addresses_become_layers(address, raster):
    layer = open_addresses(address)
    assert (layer.isValid(), layer.source(), layer.width()) == (True, address, 64)
    first, second = open_addresses([raster, address])
    assert first == raster
    assert second.source() == address


def test_all_else_stays(address, raster):
    layer = QgsRasterLayer(raster, "image")
    for value in (raster, layer, None, 3, "", address.replace("image", "nothing")):
        assert open_addresses(value) is value


def test_addresses_are_acceptable_parameters(provider, address, tmp_path):
    algorithm = provider.algorithm("clipraster").create()
    parameters = {"INPUT": address, "LIKE": address, "OUTPUT": str(tmp_path / "out.tif")}
    assert algorithm.checkParameterValues(parameters, QgsProcessingContext()) == (True, "")
    parameters["INPUT"] = address.replace("image", "nothing")
    accepted, why = algorithm.checkParameterValues(parameters, QgsProcessingContext())
    assert not accepted
    assert "nothing.tif' cannot be opened as a raster" in why

"""QGIS with GeoSeg's provider, small layers with known content, and listeners."""

import os
import threading

import pytest
from geoseg.geoseg_plugin.host import environment

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


class Listener:
    """A Report that remembers what it heard, and cancels when told or at a given text."""

    def __init__(self, cancel_at=None):
        self.heard = []
        self.thread_ids = set()
        self._cancel_at = cancel_at
        self._cancelled = False

    def _hear(self, kind, *values):
        self.thread_ids.add(threading.get_ident())
        self.heard.append((kind, *values))
        if self._cancel_at is not None and self._cancel_at in values:
            self._cancelled = True

    def progress(self, fraction, text=""):
        self._hear("progress", fraction, text)

    def note(self, text):
        self._hear("note", text)

    def warn(self, text):
        self._hear("warn", text)

    def detail(self, text):
        self._hear("detail", text)

    def metric(self, name, value, step):
        self._hear("metric", name, value, step)

    def is_cancelled(self):
        return self._cancelled

    def texts(self, kind):
        return [values[-1] for kind_heard, *values in self.heard if kind_heard == kind]


@pytest.fixture
def listener():
    return Listener


@pytest.fixture(scope="session")
def engine():
    """The engine's Python program."""
    return environment.engine_python()


def make_raster(path, size=64, epsg=32633, pixel=2.0, bands=3):
    """Write a GeoTIFF whose pixel values count up from 0 in every band; return its path as text."""
    import numpy
    from osgeo import gdal, osr

    gdal.UseExceptions()
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, bands, gdal.GDT_UInt16)
    dataset.SetGeoTransform((500000, pixel, 0, 5000000, 0, -pixel))
    dataset.SetProjection(crs.ExportToWkt())
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(numpy.arange(size * size, dtype="uint16").reshape(size, size))
    dataset = None
    return str(path)


@pytest.fixture
def raster(tmp_path):
    """A 64 x 64 raster, in a folder with a space and letters that are not ASCII."""
    folder = tmp_path / "große Bilder 地図"
    folder.mkdir()
    return make_raster(folder / "scène 1.tif")


@pytest.fixture
def squares():
    """A memory layer of three squares, 20 m wide, with an integer, a long-named text and a repeated fid."""
    from qgis.core import QgsFeature, QgsGeometry, QgsRectangle, QgsVectorLayer

    layer = QgsVectorLayer(
        "Polygon?crs=EPSG:32633&field=fid:integer&field=class_id:integer&field=a_long_field_name:string", "squares",
        "memory",
    )  # fmt: skip
    features = []
    for number in range(3):
        feature = QgsFeature(layer.fields())
        left = 500010 + 30 * number
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(left, 4999950, left + 20, 4999970)))
        feature.setAttributes([7, number + 1, f"name {number}"])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    return layer

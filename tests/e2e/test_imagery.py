"""Preparing images with qgis_process: scenes of two polarisations, tiles of a mosaic, a cut, a stretch."""

import json
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

LEFT, TOP, PIXEL = 500_000.0, 5_000_000.0, 10.0


def write(path, pixels, left=LEFT, top=TOP, nodata=None):
    """Write (C, H, W) float32 pixels of 10 m in UTM with GDAL and return the path."""
    pixels = np.asarray(pixels, np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), *pixels.shape[:0:-1], len(pixels), gdal.GDT_Float32)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32633)
    dataset.SetProjection(crs.ExportToWkt())
    dataset.SetGeoTransform((left, PIXEL, 0, top, 0, -PIXEL))
    for number, band in enumerate(pixels, start=1):
        dataset.GetRasterBand(number).WriteArray(band)
        if nodata is not None:
            dataset.GetRasterBand(number).SetNoDataValue(nodata)
    dataset.FlushCache()
    return path


def read(path):
    """Return pixels (C, H, W), their mask and the band names, as QGIS's own GDAL sees them."""
    dataset = gdal.Open(str(path))
    pixels = dataset.ReadAsArray()
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    mask = dataset.GetRasterBand(1).GetMaskBand().ReadAsArray() > 0
    return pixels, mask, [dataset.GetRasterBand(n + 1).GetDescription() for n in range(dataset.RasterCount)]


@pytest.fixture
def radar():
    """VH and VV (H, W) with a gap of zeros, as in terrain-corrected scenes."""
    vh, vv = np.random.default_rng(5).uniform(0.01, 0.2, (2, 60, 80)).astype(np.float32)
    vh[:10], vv[:10] = 0, 0
    return vh, vv


def test_a_folder_of_polarisations_becomes_three_band_rasters(qgis_process, tmp_path, radar):
    vh, vv = radar
    for place in ("a", "b"):
        write(tmp_path / "in" / place / f"s1_{place}_vh_2017.tif", vh[None])
        write(tmp_path / "in" / place / f"s1_{place}_vv_2017.tif", vv[None])
    parameters = {"FOLDER": tmp_path / "in", "RECIPE": "Sentinel-1 3 bands", "OUTPUT": tmp_path / "out"}
    results = qgis_process.results("geoseg:stackfolder", parameters)
    assert results["COUNT"] == 2
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tif"))
    assert written == ["a/s1_a_3b_2017.tif", "b/s1_b_3b_2017.tif"]
    pixels, mask, names = read(tmp_path / "out" / written[1])
    assert names[:2] == ["VH", "VV"]
    assert np.array_equal(mask, vh > 0)
    assert np.allclose(pixels[:, 10:], np.stack([vh, vv, (vh + vv) * 0.5])[:, 10:], atol=1e-7)


def test_tiles_become_a_mosaic_a_cut_and_eight_bit(qgis_process, tmp_path):
    whole = np.random.default_rng(6).uniform(0, 3000, (3, 100, 120)).astype(np.float32)
    for row in (0, 50):
        for col in (0, 60):
            tile = whole[:, row : row + 50, col : col + 60]
            write(tmp_path / "tiles" / f"t_{row}_{col}.tif", tile, LEFT + PIXEL * col, TOP - PIXEL * row)
    mosaic = tmp_path / "mosaic.tif"
    parameters = {"FOLDER": tmp_path / "tiles", "FORMAT": "COG", "OUTPUT": mosaic}
    assert qgis_process.results("geoseg:mosaicrasters", parameters) == {"OUTPUT": str(mosaic), "COUNT": 4}
    assert np.array_equal(read(mosaic)[0], whole)
    assert gdal.Open(str(mosaic)).GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE") == "COG"

    virtual = tmp_path / "mosaic.vrt"
    qgis_process.results("geoseg:mosaicrasters", {"FOLDER": tmp_path / "tiles", "OUTPUT": virtual})
    assert np.array_equal(read(virtual)[0], whole)

    extent = f"{LEFT + 200},{LEFT + 900},{TOP - 800},{TOP - 100} [EPSG:32633]"
    qgis_process.results("geoseg:clipraster", {"INPUT": mosaic, "EXTENT": extent, "OUTPUT": tmp_path / "cut.tif"})
    cut = whole[:, 10:80, 20:90]
    assert np.array_equal(read(tmp_path / "cut.tif")[0], cut)

    parameters = {"INPUT": tmp_path / "cut.tif", "METHOD": "percentiles", "OUTPUT": tmp_path / "bytes.tif"}
    results = qgis_process.results("geoseg:rescaleimage", parameters)
    low, high = np.percentile(cut, [2, 98], axis=(1, 2))[..., None, None]
    expected = np.clip((cut - low) / (high - low), 0, 1) * 255
    assert np.abs(read(tmp_path / "bytes.tif")[0] - expected).max() <= 0.51
    assert len(results["LIMITS"].split(";")) == 3


def test_an_index_is_known_by_its_name(qgis_process, tmp_path):
    red, near = np.random.default_rng(7).uniform(0.01, 0.6, (2, 20, 30)).astype(np.float32)
    image = write(tmp_path / "image.tif", [red, near])
    parameters = {"INPUTS": image, "NAMES": "red, nir", "INDICES": "NDVI", "OUTPUT": tmp_path / "ndvi.tif"}
    assert qgis_process.results("geoseg:stackbands", parameters)["NAMES"] == "red, nir, NDVI"
    pixels, _, names = read(tmp_path / "ndvi.tif")
    assert names == ["red", "nir", "NDVI"]
    assert np.allclose(pixels[2], (near - red) / (near + red), atol=1e-6)


@pytest.mark.parametrize(
    ("algorithm", "parameters", "words"),
    [
        ("stackbands", {"EXPRESSIONS": "x = __import__('os')"}, "__import__"),
        ("stackbands", {"INDICES": "NDVY"}, "NDVI"),
        ("stackbands", {"RECIPE": "Sentinel-1 3 bands"}, "VH"),
        ("stackbands", {"BANDS": "7"}, "7"),
        ("mosaicrasters", {"LIKE": "{image}", "CRS": "EPSG:4326"}, "LIKE gives the whole grid"),
        ("rescaleimage", {"METHOD": "fixed range", "LOW": 9, "HIGH": 1}, "LOW is 9 and HIGH is 1"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(qgis_process, tmp_path, algorithm, parameters, words):
    image = write(tmp_path / "image.tif", np.ones((2, 20, 30)))
    name = "INPUT" if algorithm == "rescaleimage" else "INPUTS"
    given = {key: str(value).format(image=image) for key, value in parameters.items()}
    done = qgis_process.run(f"geoseg:{algorithm}", {name: image, **given, "OUTPUT": tmp_path / "out.tif"})
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    # QGIS keeps statistics beside a raster that it opens.
    assert {path.name for path in tmp_path.iterdir()} - {"image.tif.aux.xml"} == {"image.tif"}


def test_a_mosaic_says_what_made_it(qgis_process, tmp_path):
    image = write(tmp_path / "image.tif", np.ones((1, 20, 30)))
    qgis_process.results("geoseg:mosaicrasters", {"INPUTS": image, "OUTPUT": tmp_path / "out.tif"})
    tags = gdal.Open(str(tmp_path / "out.tif")).GetMetadata()
    assert json.loads(tags["GEOSEG_REQUEST"])["parameters"]["inputs"] == [str(image)]
    assert Path(image).exists()

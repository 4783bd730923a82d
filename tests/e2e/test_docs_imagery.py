"""The commands that docs/imagery.md shows do what they say, on files of the names they use."""

import re

import numpy as np
import pytest
from geoseg.tests.e2e.documented import commands_of, read_page, run_shown
from osgeo import gdal, osr

PAGE = "imagery.md"

SCENE = ["blue", "green", "red", "nir"]
BANDS = {
    "cut.tif": SCENE,
    "rgb.tif": ["red", "green", "blue"],
    "vegetation.tif": ["red", "nir", "NDVI", "MSAVI"],
    "stack.tif": [*SCENE, "ratio", "sum"],
    "s1_3b.tif": ["VH", "VV", "mean"],
    "stacked": ["VH_dB", "VV_dB", "mean_dB"],
    "mosaic.tif": ["a", "b", "c"],
    "seamless.tif": ["height"],
    "mosaic.vrt": ["a", "b", "c"],
    "bytes.tif": SCENE,
    "clipped.tif": SCENE,
    "same.tif": SCENE,
}


def write(path, count, left=0, names=()):
    """Write a scene of 64 x 64 pixels of 10 m in UTM zone 45N, `left` pixels east of the corner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 64, 64, count, gdal.GDT_Float32)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    dataset.SetProjection(crs.ExportToWkt())
    dataset.SetGeoTransform((500_000 + 10 * left, 10, 0, 3_000_000, 0, -10))
    for number in range(count):
        band = dataset.GetRasterBand(number + 1)
        band.WriteArray(np.random.default_rng(number).uniform(0.01, 0.9, (64, 64)))
        if names:
            band.SetDescription(names[number])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    write(folder / "scene.tif", 4, names=SCENE)
    for name in ("labels", "b04", "b08", "s1_vh", "s1_vv"):
        write(folder / f"{name}.tif", 1)
    write(folder / "a.tif", 1, names=("height",))
    write(folder / "b.tif", 1, left=40, names=("height",))
    for pair in ("scenes/s1_vh_1.tif", "scenes/s1_vv_1.tif"):
        write(folder / pair, 1)
    for col in (0, 64):
        write(folder / "tiles" / f"t_{col}.tif", 3, left=col, names=("a", "b", "c"))
    return folder


@pytest.mark.parametrize("command", commands_of(PAGE), ids=lambda line: line.split("OUTPUT=")[1])
def test_a_command_works_as_shown(qgis_process, folder, monkeypatch, command):
    monkeypatch.chdir(folder)
    parameters, _ = run_shown(qgis_process, command)
    output = folder / parameters["OUTPUT"][0]
    results = [output] if output.is_file() else sorted(output.rglob("*.tif"))
    assert results
    for result in results:
        dataset = gdal.Open(str(result))
        assert np.isfinite(dataset.ReadAsArray()).any()
        names = [dataset.GetRasterBand(number + 1).GetDescription() for number in range(dataset.RasterCount)]
        assert names == BANDS[output.name]


def test_the_recipes_are_those_there_are(provider):
    listed = re.findall(r"^\| ((?:Sentinel|slump)[^|]*?) \|", read_page(PAGE), re.MULTILINE)
    assert ["none", *listed] == provider.algorithm("stackbands").parameterDefinition("RECIPE").options()

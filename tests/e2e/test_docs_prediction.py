"""The commands that docs/prediction.md shows do what they say, on files of the names they use."""

import json
import shutil

import numpy as np
import pytest
from geoseg.tests.e2e.documented import commands_of, run_shown
from osgeo import gdal, ogr, osr

PAGE = "prediction.md"


@pytest.fixture(scope="module")
def folder(qgis_process, chain, tmp_path_factory):
    """The eastern scene of the chain as a town, its model and the same one as ONNX, an area, and two small scenes."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(chain.folder / "east.tif", folder / "town.tif")
    shutil.copy(chain.folder / "model.safetensors", folder / "landcover.safetensors")
    qgis_process.results(
        "geoseg:exportmodel", {"MODEL": folder / "landcover.safetensors", "OUTPUT": folder / "other.onnx"}
    )
    write_triangle(folder / "area.geojson", [(463110, 5426990), (463150, 5426900), (463110, 5426900)])
    for name, window in (("scenes/a.tif", [0, 0, 64, 70]), ("scenes/2024/b.tif", [30, 100, 64, 64])):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        gdal.Translate(str(folder / name), str(folder / "town.tif"), srcWin=window)
    return folder


def write_triangle(path, corners):
    """Write a polygon whose corners are given in UTM zone 33N, in degrees."""
    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32633)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_degrees = osr.CoordinateTransformation(utm, degrees)
    ring = [to_degrees.TransformPoint(x, y)[:2] for x, y in (*corners, corners[0])]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


@pytest.fixture(scope="module")
def said(qgis_process, folder):
    """Every command of the page, run in its order: what each said, by its output.

    The model is mostly the one that needs no torch, and so starts sooner. Sharing has tests of its own.
    """
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in commands_of(PAGE):
            if command.startswith("qgis_process") and "DEVICES" not in command:
                quick = {} if "FURTHER_MODELS" in command else {"MODEL": "other.onnx"}
                parameters, said_by_it = run_shown(qgis_process, command, **quick)
                said[parameters["OUTPUT"][0]] = said_by_it
    return said


@pytest.fixture
def read(folder, said):
    """Reads a result."""
    return lambda name: gdal.Open(str(folder / name)).ReadAsArray()


def test_every_command_makes_a_map(folder, said, read):
    rasters = [name for name in said if name.endswith(".tif")]
    assert len(rasters) >= 7
    for name in rasters:
        assert set(np.unique(read(name))) <= {0, 1, 2, 3, 4, 5, 255}, name
    assert not [file for file in folder.rglob("*") if file.name.startswith(".") or "unfinished" in file.name]


def test_what_can_be_written_is_written(folder, read):
    classes = read("classes.tif")
    np.testing.assert_array_equal(read("town_classes.tif"), classes)
    array = np.load(folder / "town.npy")
    assert array.shape == (*classes.shape, 6) and array.dtype == np.float32
    np.testing.assert_allclose(array.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_array_equal(array.argmax(axis=2), classes)
    for name in ("classes", "probabilities", "confidence", "entropy", "margin"):
        dataset = gdal.Open(str(folder / f"town_{name}.tif"))
        assert dataset.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE") == "COG"
        assert dataset.GetRasterBand(1).DataType == gdal.GDT_Byte
        assert json.loads(dataset.GetMetadataItem("GEOSEG_REQUEST"))["parameters"]["overlap"] == 25
    ordered = np.sort(array, axis=2)
    entropy = -(array * np.log(np.maximum(array, 1e-30))).sum(axis=2) / np.log(6)
    margins = {"confidence": ordered[..., -1], "margin": ordered[..., -1] - ordered[..., -2], "entropy": entropy}
    for name, expected in margins.items():
        dataset = gdal.Open(str(folder / f"town_{name}.tif"))
        scale = dataset.GetRasterBand(1).GetScale()
        assert scale == pytest.approx(1 / 254)
        np.testing.assert_allclose(read(f"town_{name}.tif") * scale, expected, atol=0.5 / 254 + 1e-5)
    picture = gdal.Open(str(folder / "town.png"))
    np.testing.assert_array_equal(picture.ReadAsArray(), classes)
    source = ogr.Open(str(folder / "town_polygons.gpkg"))
    layer = source.GetLayer()
    assert layer.GetFeatureCount() > 0
    shown = sum(feature.GetGeometryRef().GetArea() for feature in layer)
    assert shown == pytest.approx((classes != 0).sum() * 0.25)


def test_parts_are_those_of_the_whole_map(folder, read):
    whole = gdal.Open(str(folder / "classes.tif"))
    left, _, _, top, _, _ = whole.GetGeoTransform()
    part = gdal.Open(str(folder / "part.tif"))
    assert part.GetGeoTransform()[0] == 463110 and part.GetGeoTransform()[3] == 5426980
    col, row = round((463110 - left) / 0.5), round((top - 5426980) / 0.5)
    np.testing.assert_array_equal(part.ReadAsArray(), whole.ReadAsArray(col, row, 80, 160))
    area = gdal.Open(str(folder / "area.tif"))
    col, row = (
        round((area.GetGeoTransform()[0] - left) / 0.5), round((top - area.GetGeoTransform()[3]) / 0.5)
    )  # fmt: skip
    inside = area.ReadAsArray() != 255
    assert inside.sum() * 0.25 == pytest.approx(40 * 90 / 2, rel=0.05)
    expected = whole.ReadAsArray(col, row, area.RasterXSize, area.RasterYSize)
    np.testing.assert_array_equal(area.ReadAsArray()[inside], expected[inside])


def test_what_should_change_nothing_changes_nothing(read):
    for name in ("own_pixels.tif", "long.tif"):
        np.testing.assert_array_equal(read(name), read("classes.tif"))


def test_thresholds_and_opinions_change_a_part(read):
    for name in ("careful.tif", "opinions.tif"):
        share = (read(name) == read("classes.tif")).mean()
        assert 0.5 < share < 1, name


def test_every_scene_has_its_maps(folder, said, qgis_process, monkeypatch):
    maps = sorted(str(file.relative_to(folder / "maps")) for file in (folder / "maps").rglob("*.*"))
    stems = ("2024/b", "a")
    ends = ("classes.qml", "classes.tif", "classes.tif.aux.xml", "polygons.gpkg", "polygons.qml")
    assert maps == sorted(f"{stem}_{end}" for stem in stems for end in ends)
    assert "COUNT:	2" in said["maps"]
    monkeypatch.chdir(folder)
    command = next(line for line in commands_of(PAGE) if "predictscenes" in line)
    _, again = run_shown(qgis_process, command, MODEL="other.onnx")
    assert "COUNT:	0" in again and "SKIPPED:	2" in again

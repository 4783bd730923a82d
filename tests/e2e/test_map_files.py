"""All that a prediction writes, through the real qgis_process, as QGIS and its own GDAL read it."""

import json

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsPointXY, QgsRaster, QgsRasterLayer

RASTERS = {"PROBABILITIES": "p.tif", "CONFIDENCE": "c.tif", "ENTROPY": "e.tif", "MARGIN": "m.tif"}


@pytest.fixture(scope="module", params=["float16", "uint8"])
def mapped(qgis_process, chain, tmp_path_factory, request):
    """A folder with all of them, made by the thresholds of the model's card, and the type of probabilities."""
    folder = tmp_path_factory.mktemp("mapped")
    files = {**RASTERS, "OUTPUT": "map.tif", "POLYGONS": "areas.gpkg", "PICTURE": "map.png", "ARRAY": "array.npy"}
    qgis_process.results(
        "geoseg:predictsegmentation",
        {
            "INPUT": chain.folder / "east.tif",
            "MODEL": chain.folder / "model.safetensors",
            "DECISION": "card",
            "PROBABILITY_TYPE": request.param,
            "FORMAT": "COG",
            **{name: folder / file for name, file in files.items()},
        },
    )
    return folder, request.param


def probabilities(folder):
    return np.moveaxis(np.load(folder / "array.npy"), -1, 0)


def test_classes_are_those_that_reach_the_thresholds_of_the_card(mapped, chain):
    folder, _ = mapped
    dataset = gdal.Open(str(folder / "map.tif"))
    thresholds = json.loads(dataset.GetMetadataItem("GEOSEG_THRESHOLDS"))
    names = [one["name"] for one in json.loads(dataset.GetMetadataItem("GEOSEG_CLASSES"))]
    values = np.array([one["value"] for one in json.loads(dataset.GetMetadataItem("GEOSEG_CLASSES"))])
    assert list(thresholds) == names[1:]
    found = probabilities(folder)
    limits = np.array([thresholds[name] for name in names[1:]], np.float32)[:, None, None]
    reached = np.where(found[1:] >= limits, found[1:], -1)
    indices = np.where(reached.max(axis=0) >= 0, 1 + reached.argmax(axis=0), 0)
    np.testing.assert_array_equal(dataset.ReadAsArray(), values[indices])
    picture = gdal.Open(str(folder / "map.png"))
    np.testing.assert_array_equal(picture.ReadAsArray(), values[indices])
    assert picture.GetGeoTransform() == dataset.GetGeoTransform()


def test_qgis_shows_probabilities_from_0_to_1(mapped, qgis_new_project):
    folder, kind = mapped
    found = probabilities(folder)
    ordered = np.sort(found, axis=0)
    wanted = {"p.tif": found, "c.tif": ordered[-1:], "m.tif": ordered[-1:] - ordered[-2:-1]}
    for name in RASTERS.values():
        layer = QgsRasterLayer(str(folder / name), name)
        assert layer.renderer().type() == "singlebandpseudocolor"
        assert (layer.renderer().classificationMin(), layer.renderer().classificationMax()) == (0, 1)
        assert layer.renderer().band() == (2 if name == "p.tif" else 1)
        corner = layer.extent().xMinimum(), layer.extent().yMaximum()
        point = QgsPointXY(
            corner[0] + 30.5 * layer.rasterUnitsPerPixelX(), corner[1] - 20.5 * layer.rasterUnitsPerPixelY()
        )
        shown = layer.dataProvider().identify(point, QgsRaster.IdentifyFormatValue).results()
        assert all(0 <= value <= 1 for value in shown.values())
        if name in wanted:
            steps = 1 / 254 if kind == "uint8" else 1 / 2048
            np.testing.assert_allclose(list(shown.values()), wanted[name][:, 20, 30], atol=steps)


def test_what_lies_beside_them(mapped):
    folder, _ = mapped
    rasters = [name.replace(".tif", suffix) for name in RASTERS.values() for suffix in (".tif", ".qml")]
    others = ["map.tif", "map.qml", "map.tif.aux.xml", "map.png", "map.pgw", "map.png.aux.xml", "array.npy"]
    assert sorted(file.name for file in folder.iterdir()) == sorted([*rasters, *others, "areas.gpkg", "areas.qml"])


def test_thresholds_are_heeded_only_where_they_are_asked_for(qgis_process, chain, tmp_path):
    parameters = {"INPUT": chain.folder / "east.tif", "MODEL": chain.folder / "model.safetensors"}
    done = qgis_process.run(
        "geoseg:predictsegmentation", {**parameters, "THRESHOLD": "0.3", "OUTPUT": tmp_path / "map.tif"}
    )
    assert done.returncode == 1
    assert "Set DECISION to fixed" in done.stderr + done.stdout

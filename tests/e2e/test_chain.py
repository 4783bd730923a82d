"""The chain, step by step through qgis_process, on a small demo scene: what lies on the disk afterwards."""

import json

import numpy
import pytest
from osgeo import gdal, ogr
from qgis.core import QgsPalettedRasterRenderer, QgsRasterLayer, QgsVectorLayer

gdal.UseExceptions()
ogr.UseExceptions()

CLASSES = {0: "background", 1: "building", 2: "field", 3: "road", 4: "tree", 5: "water"}


def read(path):
    dataset = gdal.Open(str(path))
    return dataset, dataset.GetGeoTransform(), dataset.ReadAsArray()


def test_every_result_is_declared_and_there(chain):
    missing = {name for results in chain.results.values() for name, value in results.items() if value is None}
    of_maps = {"CONFIDENCE", "ENTROPY", "MARGIN", "PICTURE", "ARRAY"}
    assert missing == {"INSTANCES", "WEIGHTS", "PREVIEW", "LOG"} | of_maps  # which were not asked for
    assert chain.results["maketiles"]["TILE_COUNT"] > 0
    assert 0 <= chain.results["trainsegmentation"]["BEST_IOU"] <= 1
    assert 1 <= chain.results["trainsegmentation"]["BEST_EPOCH"] <= 3


def test_the_scene_is_as_declared(chain):
    scene, transform, _ = read(chain.folder / "scene.tif")
    assert (scene.RasterCount, scene.RasterXSize, scene.RasterYSize) == (4, 320, 320)
    assert scene.GetRasterBand(1).DataType == gdal.GDT_UInt16
    assert (transform[1], transform[5]) == (0.5, -0.5)


def test_clips_are_exact_parts_of_the_scene(chain):
    _, _, scene = read(chain.folder / "scene.tif")
    _, _, west = read(chain.folder / "west.tif")
    _, _, east = read(chain.folder / "east.tif")
    assert numpy.array_equal(west, scene[:, :, :192])
    assert numpy.array_equal(east, scene[:, :, 192:])


def test_labels_lie_on_the_grid_of_the_image(chain):
    image, image_transform, _ = read(chain.folder / "west.tif")
    label, label_transform, values = read(chain.folder / "west_labels.tif")
    assert label_transform == image_transform
    assert label.GetProjection() == image.GetProjection()
    assert len(numpy.unique(values)) > 3


def test_the_dataset_has_pairs_of_tiles_and_their_splits(chain):
    dataset = chain.folder / "dataset"
    images = sorted(path.name for path in (dataset / "images").glob("*.tif"))
    assert images == sorted(path.name for path in (dataset / "labels").glob("*.tif"))
    assert len(images) == chain.results["maketiles"]["TILE_COUNT"]
    assert json.loads((dataset / "dataset.json").read_text(encoding="utf-8"))
    tiles = QgsVectorLayer(str(dataset / "tiles.gpkg"), "tiles")
    splits = [feature["split"] for feature in tiles.getFeatures()]
    assert len(splits) == len(images)
    assert set(splits) == {"train", "validation", "unused"}
    assert tiles.renderer().type() == "categorizedSymbol"


def test_the_prediction_lies_on_the_grid_of_the_image_and_holds_classes_alone(chain):
    image, image_transform, _ = read(chain.folder / "east.tif")
    predicted, transform, values = read(chain.folder / "predicted.tif")
    assert transform == image_transform
    assert predicted.GetProjection() == image.GetProjection()
    assert set(numpy.unique(values)) <= set(CLASSES)


@pytest.mark.parametrize("name", ["west_labels.tif", "predicted.tif"])
def test_class_rasters_open_with_names_and_colours(chain, name):
    layer = QgsRasterLayer(str(chain.folder / name), name)
    assert isinstance(layer.renderer(), QgsPalettedRasterRenderer)
    shown = {entry.label: entry.color.name() for entry in layer.renderer().classes()}
    assert shown["building"] == "#d7301f"
    assert len(set(shown.values())) == len(shown)


def test_probabilities_sum_to_one_and_agree_with_the_classes(chain):
    dataset, _, probabilities = read(chain.folder / "probabilities.tif")
    _, _, classes = read(chain.folder / "predicted.tif")
    names = [dataset.GetRasterBand(band + 1).GetDescription() for band in range(dataset.RasterCount)]
    values = {name: value for value, name in CLASSES.items()}
    assert numpy.abs(probabilities.astype("float64").sum(axis=0) - 1).max() < 0.02
    chosen = numpy.array([values[name] for name in names])[probabilities.argmax(axis=0)]
    assert (chosen == classes).mean() > 0.99


def test_polygons_are_valid_and_say_what_they_are(chain):
    layer = QgsVectorLayer(str(chain.folder / "polygons.gpkg"), "polygons")
    assert layer.isValid()
    assert layer.crs().authid() == "EPSG:32633"
    assert layer.renderer().type() == "categorizedSymbol"
    features = list(layer.getFeatures())
    assert features
    assert all(feature.geometry().isGeosValid() for feature in features)


def test_polygons_cover_the_predicted_area(chain):
    _, transform, classes = read(chain.folder / "predicted.tif")
    layer = QgsVectorLayer(str(chain.folder / "polygons.gpkg"), "polygons")
    covered = sum(feature.geometry().area() for feature in layer.getFeatures())
    mapped = (classes != 0).sum() * abs(transform[1] * transform[5])
    assert covered == pytest.approx(mapped, rel=0.01)


def test_the_report_needs_nothing_from_elsewhere(chain):
    page = (chain.folder / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page or "data:image/png" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_nothing_unfinished_is_left(chain):
    assert not list(chain.folder.rglob(".geoseg-*"))

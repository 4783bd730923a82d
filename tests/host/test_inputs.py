"""Parameters become plain values: layers become files that say the same, and what cannot is refused."""

import zipfile
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES
from geoseg.geoseg_plugin.host.inputs import ParameterReader, raster_source
from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsField,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsProperty,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant


@pytest.fixture
def read(provider, qgis_new_project):
    """Return the plain value of one parameter of an algorithm."""

    def read_value(name, parameter, value):
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        field = next(one for one in fields_of(STAGES[name]) if one.parameter == parameter)
        return ParameterReader(provider.algorithm(name).create(), {parameter: value}, context).value(field)

    return read_value


@pytest.mark.parametrize(
    ("given", "taken"),
    [("fpn", "fpn"), ("nonsense", "nonsense"), (QgsProperty.fromExpression("'f' || 'pn'"), "fpn"), (None, "unet")],
)
def test_a_choice_is_read_as_it_is_and_never_becomes_the_default(read, given, taken):
    assert read("trainsegmentation", "ARCHITECTURE", given) == taken


def open_source(source):
    layer = QgsVectorLayer(source, "read", "ogr")
    assert layer.isValid(), source
    return layer


@pytest.fixture
def on_disk(squares, tmp_path):
    """The squares as a GeoPackage in a folder with a space and letters that are not ASCII."""
    path = str(tmp_path / "größe 地.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.layerName = "roofs"
    options.layerOptions = ["FID=id"]
    writer = QgsVectorFileWriter.create(
        path, squares.fields(), squares.wkbType(), squares.crs(), QgsProject.instance().transformContext(), options
    )
    for feature in squares.getFeatures():
        assert writer.addFeature(feature)
    del writer
    layer = QgsVectorLayer(f"{path}|layername=roofs", "Roofs of today", "ogr")
    assert layer.featureCount() == 3
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_raster_file_stays_a_path(read, raster):
    assert read("clipraster", "INPUT", raster) == raster
    assert read("clipraster", "INPUT", QgsRasterLayer(raster, "scene")) == raster


def test_an_address_that_gdal_reads_stays_as_it_is(read, raster, tmp_path):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        packed.write(raster, "image.tif")
    address = f"/vsizip/{tmp_path}/packed.zip/image.tif"
    assert read("predictsegmentation", "INPUT", address) == address
    assert read("maketiles", "IMAGES", [raster, address]) == [raster, address]
    with pytest.raises(InputError, match=r"nothing\.tif' cannot be opened as a raster"):
        read("predictsegmentation", "INPUT", address.replace("image", "nothing"))


def test_raster_options_of_qgis_are_dropped(provider, raster):
    layer = QgsRasterLayer(f"{raster}|option:NUM_THREADS=2", "scene")
    assert raster_source(layer, fields_of(STAGES["clipraster"])[0]) == raster


def test_web_raster_is_refused(read, qgis_new_project):
    layer = QgsRasterLayer("type=xyz&url=http://127.0.0.1:9/{z}/{x}/{y}.png&zmax=1", "tiles", "wms")
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(InputError, match="INPUT: the layer 'tiles' comes from a 'wms' source") as caught:
        read("clipraster", "INPUT", layer.id())
    assert "Export it to GeoTIFF" in caught.value.fix


def test_vector_file_stays_a_path(read, on_disk):
    path = on_disk.source().partition("|")[0]
    assert read("rasterizelabels", "LABELS", on_disk.id()) == f"{path}|layername=roofs"
    assert read("rasterizelabels", "LABELS", path) == path


def test_layer_whose_source_says_more_than_a_path_is_exported(read, on_disk, tmp_path):
    """A file in an archive, a geometry type: a path and a layer name would lead the engine to something else."""
    archive = tmp_path / "roofs.zip"
    path = Path(on_disk.source().partition("|")[0])
    with zipfile.ZipFile(archive, "w") as file:
        file.write(path, path.name)
    for source in (f"/vsizip/{archive}/{path.name}|layername=roofs", f"{on_disk.source()}|geometrytype=Polygon"):
        layer = QgsVectorLayer(source, "more")
        assert layer.isValid(), source
        QgsProject.instance().addMapLayer(layer)
        answer = read("rasterizelabels", "LABELS", layer.id())
        assert not answer.startswith((str(archive), str(path)))
        assert open_source(answer).featureCount() == 3


def test_memory_layer_is_exported_with_its_fields(read, squares):
    QgsProject.instance().addMapLayer(squares)
    layer = open_source(read("rasterizelabels", "LABELS", squares.id()))
    assert layer.name() == "read" and layer.source().endswith("|layername=squares")
    assert [field.name() for field in layer.fields()][1:] == ["fid", "class_id", "a_long_field_name"]
    assert [feature["a_long_field_name"] for feature in layer.getFeatures()] == ["name 0", "name 1", "name 2"]
    assert [feature["fid"] for feature in layer.getFeatures()] == [7, 7, 7]
    assert layer.crs() == squares.crs()


def test_filtered_layer_keeps_its_filter(read, on_disk):
    assert on_disk.setSubsetString('"class_id" > 1')
    layer = open_source(read("rasterizelabels", "LABELS", on_disk.id()))
    assert sorted(feature["class_id"] for feature in layer.getFeatures()) == [2, 3]


def test_selected_features_only(read, on_disk):
    on_disk.selectByExpression('"class_id" = 2')
    value = QgsProcessingFeatureSourceDefinition(on_disk.id(), selectedFeaturesOnly=True)
    layer = open_source(read("rasterizelabels", "LABELS", value))
    assert [feature["class_id"] for feature in layer.getFeatures()] == [2]
    everything = QgsProcessingFeatureSourceDefinition(on_disk.id(), selectedFeaturesOnly=False)
    assert open_source(read("rasterizelabels", "LABELS", everything)).featureCount() == 3


def test_no_selected_feature_is_said(read, on_disk):
    value = QgsProcessingFeatureSourceDefinition(on_disk.id(), selectedFeaturesOnly=True)
    with pytest.raises(InputError, match=f"no feature of the layer '{on_disk.name()}' is selected"):
        read("rasterizelabels", "LABELS", value)


def test_several_layers_come_whole(read, on_disk):
    value = [QgsProcessingFeatureSourceDefinition(on_disk.id(), selectedFeaturesOnly=True)]
    with pytest.raises(InputError, match="takes whole layers"):
        read("maketiles", "LABELS", value)


def test_lost_layer_with_options_is_named(read):
    value = QgsProcessingFeatureSourceDefinition("/no/such.shp", selectedFeaturesOnly=True)
    with pytest.raises(InputError, match=r"LABELS.*'/no/such\.shp' cannot be opened"):
        read("rasterizelabels", "LABELS", value)


def test_feature_limit(read, on_disk):
    value = QgsProcessingFeatureSourceDefinition(on_disk.id(), featureLimit=2)
    assert open_source(read("rasterizelabels", "LABELS", value)).featureCount() == 2


def test_unsaved_edits_count(read, on_disk):
    on_disk.startEditing()
    on_disk.deleteFeature(next(on_disk.getFeatures()).id())
    assert open_source(read("rasterizelabels", "LABELS", on_disk.id())).featureCount() == 2
    on_disk.rollBack()


def test_computed_field_is_written_out(read, on_disk):
    on_disk.addExpressionField('"class_id" * 10', QgsField("ten", QVariant.Int))
    layer = open_source(read("rasterizelabels", "LABELS", on_disk.id()))
    assert sorted(feature["ten"] for feature in layer.getFeatures()) == [10, 20, 30]


def test_invalid_geometries_are_left_to_the_engine(read, squares):
    from qgis.core import QgsFeature, QgsGeometry

    bow_tie = QgsFeature(squares.fields())
    bow_tie.setGeometry(QgsGeometry.fromWkt("Polygon((0 0, 1 1, 1 0, 0 1, 0 0))"))
    squares.dataProvider().addFeatures([bow_tie])
    QgsProject.instance().addMapLayer(squares)
    value = QgsProcessingFeatureSourceDefinition(squares.id(), featureLimit=10)
    assert open_source(read("rasterizelabels", "LABELS", value)).featureCount() == 4


def test_several_layers_of_both_kinds(read, raster, squares, on_disk):
    assert read("maketiles", "IMAGES", [raster]) == [raster]
    assert read("maketiles", "IMAGES", raster) == [raster]
    QgsProject.instance().addMapLayer(squares)
    exported, path = read("maketiles", "LABELS", [squares.id(), on_disk.source()])
    assert open_source(exported).featureCount() == 3
    assert path == on_disk.source()


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("/a/one.onnx", ["/a/one.onnx"]),
        (["/a/one.onnx", "C:\\two ü.safetensors"], ["/a/one.onnx", "C:\\two ü.safetensors"]),
        (["models/of today.onnx"], ["models/of today.onnx"]),
        (None, None),
        ([], None),
    ],
)
def test_files_stay_paths(read, given, taken):
    """They are no layers: QGIS opens none of them, whether they are there or not."""
    assert read("predictsegmentation", "FURTHER_MODELS", given) == taken


def test_one_lost_layer_among_several_is_named(read, raster):
    with pytest.raises(InputError, match=r"IMAGES.*'/no/such\.tif' cannot be opened"):
        read("maketiles", "IMAGES", [raster, "/no/such.tif"])


def test_extent_keeps_its_crs(read, raster, qgis_new_project):
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    assert read("clipraster", "EXTENT", "1,2,3,4 [EPSG:4326]") == "1,2,3,4 [EPSG:4326]"
    assert read("clipraster", "EXTENT", "1,2,3,4") == "1,2,3,4"
    rectangle = QgsReferencedRectangle(QgsRectangle(1, 3, 2, 4), QgsCoordinateReferenceSystem("EPSG:4326"))
    assert read("clipraster", "EXTENT", rectangle) == "1.0,2.0,3.0,4.0 [EPSG:4326]"
    assert read("clipraster", "EXTENT", raster) == "500000.0,500128.0,4999872.0,5000000.0 [EPSG:32633]"


def test_extent_in_a_crs_without_code(read):
    crs = QgsCoordinateReferenceSystem.fromProj("+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84")
    text = read("clipraster", "EXTENT", QgsReferencedRectangle(QgsRectangle(1, 3, 2, 4), crs))
    assert "Lambert_Azimuthal_Equal_Area" in text


def test_extent_that_cannot_be_read(read):
    with pytest.raises(RequestError, match="extent 'here' cannot be read"):
        read("clipraster", "EXTENT", "here")


@pytest.mark.parametrize("unset", [None, NULL, "", [], [NULL]])
def test_unset_values_are_none_or_default(read, unset):
    assert read("clipraster", "LIKE", unset) is None
    assert read("clipraster", "SNAP", unset) == "input grid"
    assert read("maketiles", "TILE_SIZE", unset) == 0
    assert read("predictsegmentation", "POLYGONS", unset) is None


def test_plain_values(read):
    assert read("maketiles", "TILE_SIZE", "128") == 128
    assert read("rasterizelabels", "ALL_TOUCHED", "true") is True
    assert read("rasterizelabels", "FIELD", "class_id") == "class_id"
    assert read("trainsegmentation", "ARCHITECTURE", "fpn") == "fpn"
    assert read("predictsegmentation", "OUTPUT", "TEMPORARY_OUTPUT").endswith(".tif")
    assert read("trainsegmentation", "MODEL", "TEMPORARY_OUTPUT").endswith(".safetensors")

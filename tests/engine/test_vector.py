"""Reading and writing layers."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
import shapely
from geoseg.geoseg_plugin.contract.errors import InputError, OutputError
from geoseg.geoseg_plugin.contract.fields import VECTOR_FORMATS
from geoseg.geoseg_plugin.engine.vector import is_vector, read_features, reproject, write_features
from rasterio.crs import CRS

UTM, DEGREES = CRS.from_epsg(32633), CRS.from_epsg(4326)
SHAPES = [shapely.box(500_000, 5_000_000, 500_010, 5_000_010), shapely.box(500_020, 5_000_000, 500_030, 5_000_010)]


def columns():
    return {"name": np.array(["wald", "дом"], dtype=object), "size": np.array([1.5, 2.5]), "count": np.array([1, 2])}


@pytest.mark.parametrize("suffix", VECTOR_FORMATS)
def test_a_layer_comes_back_as_it_was_written(tmp_path, suffix):
    path = tmp_path / f"layer{suffix}"
    shapes, crs = SHAPES, UTM
    if suffix == ".geojson":
        shapes, crs = reproject(np.array(SHAPES, dtype=object), UTM, DEGREES), DEGREES
    write_features(path, shapes, columns(), crs, geometry_type="Polygon")
    features = read_features(str(path), ["name", "count"])
    order = np.argsort(features.columns["count"])
    assert features.columns["name"][order].tolist() == ["wald", "дом"]
    assert features.crs == crs
    there = features.geometries[order]
    assert shapely.area(shapely.symmetric_difference(there, shapes)).max() <= 1e-6
    assert len(features) == 2


@pytest.mark.parametrize("suffix", VECTOR_FORMATS)
def test_features_are_added(tmp_path, suffix):
    path = tmp_path / f"layer{suffix}"
    for append in (False, True, True):
        write_features(path, SHAPES, columns(), UTM, geometry_type="Polygon", append=append)
    assert read_features(str(path), ["name"]).columns["name"].tolist() == ["wald", "дом"] * 3


def test_a_geopackage_is_of_a_version_that_older_qgis_reads_without_a_warning(tmp_path):
    path = tmp_path / "layer.gpkg"
    write_features(path, SHAPES, columns(), UTM, geometry_type="Polygon")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)


def test_layers_are_chosen_by_name_or_number(data):
    path = str(data / "odd_vector" / "derived" / "two_layers.gpkg")
    assert len(read_features(f"{path}|layername=a_buildings")) == 59
    assert read_features(f"{path}|layerid=1").name == "b_other_crs"
    with pytest.raises(InputError, match="has no layer 'c'"):
        read_features(f"{path}|layername=c")
    with pytest.raises(InputError, match="2 layers"):
        read_features(path)
    with pytest.raises(InputError, match="option subset"):
        read_features(f"{path}|layername=a_buildings|subset=class_id = 1")


def test_heights_are_dropped(tmp_path):
    write_features(tmp_path / "z.gpkg", [shapely.Point(1, 2, 3)], {}, UTM, geometry_type="Point Z")
    assert not shapely.has_z(read_features(str(tmp_path / "z.gpkg")).geometries).any()


def test_reprojecting_keeps_missing_geometries_and_there_and_back_is_the_same():
    shapes = np.array([*SHAPES, None], dtype=object)
    back = reproject(reproject(shapes, UTM, DEGREES), DEGREES, UTM)
    assert back[2] is None
    assert shapely.equals_exact(back[:2], shapes[:2], 1e-6).all()
    assert reproject(shapes, None, UTM) is shapes


def test_rasters_are_no_layers(data, make_raster):
    assert not is_vector(make_raster("image.tif", np.zeros((1, 3, 4), np.uint8)))
    assert is_vector(str(data / "odd_vector" / "derived" / "labels_4326.shp"))
    assert is_vector("anything.gpkg|layername=x")


def test_a_layer_that_cannot_be_written_is_an_error_in_few_words(tmp_path):
    with pytest.raises(OutputError, match=r"a\.gpkg could not be written") as caught:
        write_features(tmp_path / "nowhere" / "a.gpkg", SHAPES, columns(), UTM, geometry_type="Polygon")
    assert len(str(caught.value)) < 400

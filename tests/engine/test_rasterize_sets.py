"""Every labelled set of real data, against GDAL's own commands and against labels that others made."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
import shapely
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.run import run
from geoseg.geoseg_plugin.engine.vector import write_features
from rasterio.features import shapes as outlines

IGNORE = 255
SETS = {
    "banepa": ("banepa_buildings/buildings.gpkg", "banepa_buildings/scenes/banepa_B2.tif", "class_id"),
    "banepa in degrees": ("banepa_buildings/shp/buildings_wgs84.shp", "banepa_buildings/scenes/banepa_A1.tif", None),
    "fields": ("fields_s2_flanders/fields.gpkg", "fields_s2_flanders/s2_nir_red_green_byte.tif", None),
    "historical map": ("historical_map/train.gpkg", "historical_map/map_compress.tif", "Class"),
    "kampala": (
        "kampala_buildings/kampala_west_buildings.geojson", "kampala_buildings/kampala_west_3857.tif", None
    ),
    "trees": ("neon_trees/OSBS_029_crowns.gpkg", "neon_trees/OSBS_029.tif", "tree_id"),
    "aberystwyth": ("s2_aberystwyth/training_polygons.gpkg", "s2_aberystwyth/s2_10bands_uint16.tif", "class_id"),
    "wetland": ("s2_wetland_rcr/shp/rcr_landcover.shp", "s2_wetland_rcr/s2_8bands_uint8.tif", "Classvalue"),
    "flood": ("sen1floods11_spain/water_polygons.gpkg", "sen1floods11_spain/S1_VV_VH.tif", "class_id"),
    "vegas": ("spacenet2_vegas/vegas_buildings.geojson", "spacenet2_vegas/vegas_psrgb_uint16.tif", None),
    "roads": ("spacenet3_roads/vegas_roads.geojson", "spacenet3_roads/vegas_pan_uint16.tif", None),
    "atlanta": (
        "odd_vector/real/spacenet4_atlanta_footprints.geojson", "odd_raster/real/spacenet4_atlanta_pan_uint16.tif", None
    ),
}  # fmt: skip


@pytest.fixture
def burn(tmp_path, recorder):
    def make(labels, like, **options):
        request = RasterizeLabels(labels=str(labels), like=str(like), output=str(tmp_path / "out.tif"), **options)
        result = run(request, recorder)
        with rasterio.open(result.output) as dataset:
            return dataset.read(1), read_class_table(dataset)

    return make


def burn_with_gdal(folder, labels, like, field, *, all_touched):
    """Reproject a layer and burn it with GDAL's commands; return the values."""
    with rasterio.open(like) as image:
        (folder / "crs.wkt").write_text(image.crs.to_wkt())
        size, bounds = (image.width, image.height), image.bounds
    moved, made = folder / "moved.gpkg", folder / "gdal.tif"
    subprocess.run(["ogr2ogr", "-q", "-t_srs", folder / "crs.wkt", "-nln", "moved", moved, labels], check=True)
    command = ["gdal_rasterize", "-q", "-l", "moved", *(["-a", field] if field else ["-burn", "1"]), "-init", "0"]
    command += [*(["-at"] if all_touched else []), "-te", *map(repr, map(float, bounds)), "-ts", *map(str, size)]
    subprocess.run([*command, "-ot", "UInt16", moved, made], check=True)
    with rasterio.open(made) as dataset:
        return dataset.read(1)


@pytest.mark.skipif(not shutil.which("gdal_rasterize"), reason="the GDAL commands are not installed")
@pytest.mark.parametrize("all_touched", [False, True])
@pytest.mark.parametrize("name", SETS)
def test_real_layers_come_out_as_with_gdal(name, all_touched, burn, data, tmp_path):
    labels, like, field = data / SETS[name][0], data / SETS[name][1], SETS[name][2]
    label, _ = burn(labels, like, field=field, all_touched=all_touched, ignore_nodata=False)
    there = burn_with_gdal(tmp_path, labels, like, field, all_touched=all_touched)
    assert label.any()
    # Pixels that lie right on an edge may turn: GDAL subtracts the corner of the raster later, which costs digits.
    assert np.count_nonzero(label != there) <= 3


@pytest.mark.parametrize(("labels", "truth", "like"), [
    ("sen1floods11_spain/water_polygons.gpkg", "sen1floods11_spain/water_label.tif", "sen1floods11_spain/S1_VV_VH.tif"),
    ("spacenet2_vegas/vegas_buildings.geojson", "spacenet2_vegas/vegas_building_mask.tif",
     "spacenet2_vegas/vegas_psrgb_uint16.tif"),
])  # fmt: skip
def test_outlines_of_masks_become_these_masks(labels, truth, like, burn, data):
    label, _ = burn(data / labels, data / like, ignore_nodata=False)
    with rasterio.open(data / truth) as dataset:
        assert np.array_equal(label == 1, dataset.read(1) == 1)


def test_radar_without_data_is_ignored(burn, data):
    folder = data / "sen1floods11_spain"
    label, _ = burn(folder / "water_polygons.gpkg", folder / "S1_VV_VH.tif")
    with rasterio.open(folder / "S1_VV_VH.tif") as image:
        missing = ~np.isfinite(image.read()).all(axis=0)
    assert np.array_equal(label == IGNORE, missing)


def test_values_beyond_255_are_kept_or_made_small_by_a_table(burn, data):
    layer, like = data / "s2_wetland_rcr/shp/rcr_landcover.shp", data / "s2_wetland_rcr/s2_8bands_uint8.tif"
    label, table = burn(layer, like, field="Classvalue")
    assert label.dtype == np.uint16
    assert table.values == (0, 2100, 2253, 2260, 2360, 6201, 22531)
    classes = "1 subtidal = 2100; 2 sand = 2253, 22531; 3 marsh = 2260; 4 forest = 2360; 5 herbs = 6201"
    small, table = burn(layer, like, field="Classvalue", classes=classes)
    assert small.dtype == np.uint8
    assert table.names == ("background", "subtidal", "sand", "marsh", "forest", "herbs")
    meant = {0: 0, 2100: 1, 2253: 2, 22531: 2, 2260: 3, 2360: 4, 6201: 5, 65535: IGNORE}
    assert np.array_equal(small, np.vectorize(meant.get)(label))
    named, _ = burn(layer, like, field="Classname")
    assert np.array_equal(named > 0, label > 0)


def test_sparse_labels_of_a_map_leave_the_rest_unknown(burn, data):
    folder = data / "historical_map"
    label, table = burn(folder / "train.gpkg", folder / "map_compress.tif", field="Type", background="ignore")
    assert table.names == ("Agriculture", "Buildings", "Forest", "Soil", "Water")
    plain, _ = burn(folder / "train.gpkg", folder / "map_compress.tif", field="Type", ignore_nodata=False)
    assert set(np.unique(label)) <= {1, 2, 3, 4, 5, IGNORE}
    assert (label[plain == 0] == IGNORE).all()
    shown = label != IGNORE
    assert np.array_equal(label[shown], plain[shown])


def test_roofs_without_a_material_are_ignored_or_background(burn, data, recorder):
    layer, like = data / "banepa_buildings/buildings.gpkg", data / "banepa_buildings/scenes/banepa_B2.tif"
    options = {"field": "roof_mat", "classes": "1 concrete = concerte; 2 metal = tin; 3 tiles = clay_tiles"}
    label, _ = burn(layer, like, **options, ignore_nodata=False)
    buildings, _ = burn(layer, like, ignore_nodata=False)
    assert np.array_equal(label > 0, buildings > 0)
    assert (label == IGNORE).any()
    assert any("have no value in 'roof_mat': their pixels are ignored" in text for text in recorder.warnings)
    other, _ = burn(layer, like, **options, ignore_nodata=False, nulls="background")
    assert np.array_equal(other, np.where(label == IGNORE, 0, label))


def test_painted_colours_come_back_within_the_area_of_interest(burn, data, tmp_path):
    folder = data / "painted_cornfield"
    with rasterio.open(folder / "painted_label.tif") as dataset:
        painted, crs = dataset.read(1), dataset.crs
        found = [(shapely.geometry.shape(one), code) for one, code in outlines(painted, transform=dataset.transform)]
    found = [(one, int(code)) for one, code in found if code]
    path = tmp_path / "painted.gpkg"
    columns = {"code": np.array([code for _, code in found])}
    write_features(path, [one for one, _ in found], columns, crs, geometry_type="Polygon")
    label, _ = burn(path, folder / "fotomap_rgba.tif", field="code")
    assert np.array_equal(label, painted)
    areas = {}
    for name in ("roi_32633", "roi_3857"):
        areas[name], _ = burn(path, folder / "fotomap_rgba.tif", field="code", areas=str(folder / f"{name}.gpkg"))
        inside = areas[name] != IGNORE
        assert 0 < inside.mean() < 1
        assert np.array_equal(areas[name][inside], painted[inside])
    # Straight lines of one CRS are not quite straight in the other.
    assert np.count_nonzero(areas["roi_32633"] != areas["roi_3857"]) < 0.001 * painted.size

"""Class rasters describe themselves; class values become indices."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.class_raster import class_dtype, class_indices, create_class_raster, read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from rasterio.crs import CRS

GRID = Grid(CRS.from_epsg(32633), Affine(1, 0, 500, 0, -1, 500), 6, 5)


@pytest.mark.parametrize(("largest", "dtype", "ignore"), [
    (1, "uint8", 255), (254, "uint8", 255), (255, "uint16", 65535), (65534, "uint16", 65535),
])  # fmt: skip
def test_the_ignore_value_is_never_a_class(largest, dtype, ignore):
    assert class_dtype(ClassTable.named({0: "a", largest: "b"})) == (dtype, ignore)


@pytest.mark.parametrize("values", [{0: "ground", 3: "roof & wall"}, {0: "ground", 300: "sand"}])
def test_the_file_says_what_its_values_mean(tmp_path, values):
    classes = ClassTable.named(values)
    dtype, ignore = class_dtype(classes)
    label = np.full((6, 5), max(values), dtype)
    with create_class_raster(tmp_path / "c.tif", GRID, classes, {"NUMBERS": [1, 2]}) as dataset:
        dataset.write(label, 1)
    with rasterio.open(tmp_path / "c.tif") as dataset:
        assert np.array_equal(dataset.read(1), label)
        assert read_class_table(dataset) == classes
        assert (dataset.nodata, Grid.of(dataset), dataset.tags()["NUMBERS"]) == (ignore, GRID, "[1, 2]")
    assert (tmp_path / "c.qml").is_file()
    assert (tmp_path / "c.tif.aux.xml").is_file() == (max(values) < 256)


@pytest.mark.parametrize(("tag", "said"), [
    ("[{", "JSONDecodeError"),
    ("[5]", "TypeError"),
    ('[{"value": 1}]', "name"),
    ('[{"value": 4, "name": "b", "colour": "#000000"}, {"value": 0, "name": "a", "colour": "#000000"}]', "ascend"),
    ('[{"value": 4, "name": "b", "colour": "#000000"}, {"value": 4, "name": "a", "colour": "#000000"}]', "ascend"),
    ('[{"value": 65535, "name": "a", "colour": "#000000"}]', "65535"),
    ('[{"value": -1, "name": "a", "colour": "#000000"}]', "-1"),
    ('[{"value": 1, "name": "a", "colour": "red;background:url(x)"}]', "rrggbb"),
    ('[{"value": 1, "name": "a", "colour": "#0000001"}]', "rrggbb"),
])  # fmt: skip
def test_a_class_table_that_makes_no_sense_is_refused(make_raster, tag, said):
    path = make_raster("c.tif", np.ones((1, 4, 4), np.uint8), tags={"GEOSEG_CLASSES": tag})
    with rasterio.open(path) as dataset, pytest.raises(InputError, match=rf"c\.tif .*{said}"):
        read_class_table(dataset)


def test_values_become_indices_and_the_rest_is_ignored():
    classes = ClassTable.named({0: "a", 4: "b", 9: "c"})
    label = np.array([[0, 4, 9], [255, 5, 200]], np.uint8)
    assert class_indices(label, classes, -1).tolist() == [[0, 1, 2], [-1, -1, -1]]

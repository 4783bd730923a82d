"""The commands that docs/datasets.md shows do what they say, one after the other, on files of the names they use."""

import csv
import json
import re

import numpy as np
import pytest
from geoseg.tests.e2e.documented import commands_of, read_page, run_shown
from geoseg.tests.e2e.layers import read_table
from osgeo import gdal, ogr, osr

PAGE = "datasets.md"
LEFT, TOP, PIXEL, SIDE = 500_000.0, 3_000_000.0, 2.0, 512
MATERIALS = ["concrete", "concerte", "tin", "metal", "thatch", None]


def utm():
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32645)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return crs


def write_raster(path, pixels, east=0):
    """Write (C, H, W) pixels with GDAL, `east` pixels east of the corner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = gdal.GDT_Float32 if pixels.dtype == np.float32 else gdal.GDT_Byte
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), *pixels.shape[:0:-1], len(pixels), kind)
    dataset.SetProjection(utm().ExportToWkt())
    dataset.SetGeoTransform((LEFT + PIXEL * east, PIXEL, 0, TOP, 0, -PIXEL))
    for number, band in enumerate(pixels, start=1):
        dataset.GetRasterBand(number).WriteArray(band)


def write_layer(path, shapes, materials=None):
    """Write WKT shapes given in pixels (x right, y down) as a layer, with the field material if there are any."""
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    layer = source.CreateLayer(path.stem, utm())
    layer.CreateField(ogr.FieldDefn("material", ogr.OFTString))
    for number, shape in enumerate(shapes):
        points = re.sub(
            r"([\d.]+) ([\d.]+)",
            lambda at: f"{LEFT + PIXEL * float(at[1])} {TOP - PIXEL * float(at[2])}",
            shape,
        )
        feature = ogr.Feature(layer.GetLayerDefn())
        if materials and materials[number] is not None:
            feature.SetField("material", materials[number])
        feature.SetGeometry(ogr.CreateGeometryFromWkt(points))
        layer.CreateFeature(feature)


def rectangle(col, row, width, height):
    right, bottom = col + width, row + height
    return f"POLYGON (({col} {row}, {right} {row}, {right} {bottom}, {col} {bottom}, {col} {row}))"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two images with roofs 1024 pixels apart, a later date of the first, radar scenes with masks."""
    folder = tmp_path_factory.mktemp("docs")
    random = np.random.default_rng(3)
    corners = [(int(col), int(row)) for row in range(10, 500, 40) for col in random.integers(0, 45, 6) * 10]
    bright = np.zeros((SIDE, SIDE), np.uint8)
    for col, row in corners:
        bright[row : row + 20, col : col + 25] = 100
    for name, east in (("a", 0), ("later", 0), ("b", 1024)):
        noise = random.integers(20, 90, (3, SIDE, SIDE)).astype(np.uint8)
        write_raster(folder / f"{name}.tif", noise + bright, east)
    roofs = [rectangle(col + east, row, 25, 20) for east in (0, 1024) for col, row in corners]
    write_layer(folder / "roofs.gpkg", roofs, [MATERIALS[n % len(MATERIALS)] for n in range(len(roofs))])
    write_layer(folder / "roads.gpkg", ["LINESTRING (0 256, 512 256)"])
    write_layer(folder / "done.gpkg", [rectangle(0, 0, 256, 512)])
    for number, east in ((1, 0), (2, 1024)):
        write_raster(folder / "scenes" / f"s1_3b_{number}.tif", random.normal(size=(3, SIDE, SIDE)).astype("f4"), east)
        write_raster(folder / "masks" / f"s1_vh_{number}.tif", bright[None] // 100, east)
    rows = ["data,label,ntiles_train,ntiles_val,ymin,ymax,xmin,xmax", "a.tif,a_roofs.tif,10,4,0,200,0,200"]
    (folder / "data.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(qgis_process, folder):
    """Every command of the page, run in its order: what each said, by its command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return {command: run_shown(qgis_process, command)[1] for command in commands_of(PAGE)}


def values(path):
    """Return the pixels of a raster."""
    return gdal.Open(str(path)).ReadAsArray()


def splits(path):
    """Return the number of tiles of each split."""
    found = [row["split"] for row in read_table(path / "tiles.gpkg")]
    return {name: found.count(name) for name in set(found)}


def test_every_command_has_run(made):
    assert len(made) >= 15


def test_labels_are_as_the_tables_say(folder, made):
    roofs, roads, rims = (values(folder / f"a_{name}.tif") for name in ("roofs", "roads", "rims"))
    assert set(np.unique(roofs)) == {0, 1, 2, 255}
    assert np.array_equal(np.unique(np.nonzero(roads)[0]), np.arange(253, 259))  # 6 m on each side are 3 rows
    assert (rims[:, 256:] == 255).all()
    assert set(np.unique(rims[:, :256])) == {0, 1, 2}
    numbers, weights = values(folder / "a_numbers.tif"), values(folder / "a_weights.tif")
    assert len(np.unique(numbers)) > 20
    assert weights.min() == 1
    assert weights.max() > 1


def test_tiles_lie_where_the_layouts_say(folder, made):
    assert splits(folder / "tiles")["validation"] > 0
    strides = read_table(folder / "strides" / "tiles.gpkg")
    assert {(row["row"] % 64, row["col"] % 64) for row in strides} == {(0, 0)}
    assert len(strides) == 64
    assert len(read_table(folder / "random" / "tiles.gpkg")) == 20
    keyed = [row["tile"] for row in read_table(folder / "keyed" / "tiles.gpkg")]
    assert all(re.fullmatch(r"60#2#2\.0#45#-?\d+#-?\d+", name) for name in keyed)
    assert {row["scene"] for row in read_table(folder / "paired" / "tiles.gpkg")} == {"s1_3b_1", "s1_3b_2"}
    repeated = read_table(folder / "repeated" / "tiles.gpkg")
    assert [(row["tile"], row["split"]) for row in repeated] == [(row["tile"], row["split"]) for row in strides]
    assert len(read_table(folder / "around" / "tiles.gpkg")) > 20


def test_folds_and_statistics(folder, made):
    folds = {row["tile"]: row["fold"] for row in read_table(folder / "folds.gpkg")}
    assert set(folds.values()) == {0, 1, 2, 3}
    with (folder / "tile_stats.csv").open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    assert columns[:9] == [
        "index", "img_min", "img_max", "img_mean", "img_std", "target_ratio", "fold_index", "skip", "img_path",
    ]  # fmt: skip
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    validation = {row["tile"] for row in read_table(folder / "fold_2" / "tiles.gpkg") if row["split"] == "validation"}
    assert validation
    assert all(folds[tile] == 2 for tile in validation)


def test_splits_are_those_asked_for(folder, made):
    assert {"train", "validation", "test"} <= set(splits(folder / "blocks"))
    for row in read_table(folder / "by_scene" / "tiles.gpkg"):
        assert (row["split"] == "validation") == (row["scene"] == "b")
    for row in read_table(folder / "boxed" / "tiles.gpkg"):
        inside = row["scene"] == "a" and row["row"] + 64 <= 200 and row["col"] + 64 <= 200
        assert (row["split"] == "validation") == inside


def test_the_check_says_what_it_found(folder, made):
    assert "<html" in (folder / "check.html").read_text(encoding="utf-8")
    with (folder / "findings.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["severity"] != "error" for row in csv.DictReader(file))


def test_the_layouts_are_those_there_are(provider):
    rows = read_page(PAGE).partition("| LAYOUT |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| ([a-zD][^|]*?) \|", rows, re.MULTILINE)
    assert listed == provider.algorithm("maketiles").parameterDefinition("LAYOUT").options()

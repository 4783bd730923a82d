"""Splits by boxes and layers: which tiles lie within."""

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.tests.engine.apart import SETS


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326", ""])
def test_tiles_within_a_box_validate_and_those_at_its_edge_are_unused(cut_scenes, split_anew, crs):
    box = shapely.box(500_000 + 30, 5_000_000 - 140, 500_000 + 130, 5_000_000)
    bounds = box.bounds
    if crs == "EPSG:4326":
        bounds = rasterio.warp.transform_bounds("EPSG:32633", crs, *bounds)
    left, bottom, right, top = bounds
    text = f"{left:.9f},{right:.9f},{bottom:.9f},{top:.9f}" + (f" [{crs}]" if crs else "")
    _, _, fields, polygons = split_anew(cut_scenes(), method="box", box=text)
    inside = shapely.contains(shapely.buffer(box, 0.01), polygons)
    assert np.array_equal(fields["split"] == "validation", inside)
    assert np.array_equal(fields["split"] == "train", shapely.area(shapely.intersection(box, polygons)) < 1)
    assert inside.sum() == 3 * 4


def test_boxes_of_a_table_are_held_out(cut_scenes, split_anew, tmp_path, recorder):
    source = cut_scenes([("a", 0), ("b", 1000)], overlap=25)
    table = tmp_path / "data.csv"
    table.write_text(
        "data,label,ntiles_train,ntiles_val,ymin,ymax,xmin,xmax\na.tif,l.tif,9,3,0,200,100,300\n"
        "elsewhere.tif,l.tif,9,3,0,9,0,9\nb.tif,l.tif,9,3,,,,\n"
    )
    _, _, fields, _ = split_anew(source, method="box", boxes=str(table))
    top, left = fields["row"], fields["col"]
    inside = (top + 64 <= 200) & (left >= 100) & (left + 64 <= 300) & (fields["scene"] == "a")
    touching = (top < 200) & (left + 64 > 100) & (left < 300) & (fields["scene"] == "a")
    assert inside.any()
    assert np.array_equal(fields["split"] == "validation", inside)
    assert np.array_equal(fields["split"] == "unused", touching & ~inside)
    assert any("elsewhere.tif" in text for text in recorder.warnings)


def test_scenes_without_georeference_lie_apart_and_have_boxes(make_raster, split_anew, tmp_path, recorder):
    image = np.random.default_rng(1).integers(1, 250, (2, 256, 256)).astype(np.uint8)
    plain = {"crs": None, "transform": Affine(1, 0, 0, 0, 1, 0)}
    images = [make_raster(f"{name}.tif", image, **plain) for name in "abcdefghij"]
    request = MakeTiles(images=images, output=str(tmp_path / "source"), tile_size=128, overlap=0, validation=0)
    source = make_tiles(request, recorder).output
    dataset, result, _, _ = split_anew(source, "drawn", method="scene")
    assert [len(dataset.split(name)) for name in SETS] == [28, 8, 4]
    assert result.unused_count == 0
    with pytest.raises(InputError, match="without georeference"):
        split_anew(source, "boxed", method="box", box="0,128,0,128")
    table = tmp_path / "data.csv"
    table.write_text("data,ymin,ymax,xmin,xmax\nsomewhere/c.tif,0,256,0,128\n")
    with pytest.raises(InputError, match="names no scene"):
        split_anew(source, "boxed", method="box", boxes=str(table))
    table.write_text("data,ymin,ymax,xmin,xmax\nc.tif,0,256,0,128\nd,120,256,128,256\n")
    dataset, _, _, _ = split_anew(source, "boxed", method="box", boxes=str(table))
    assert [tile.id for tile in dataset.split("validation")] == [
        "c_000000_000000",
        "c_000128_000000",
        "d_000128_000128",
    ]
    assert [tile.id for tile in dataset.split("unused")] == ["d_000000_000128"]


@pytest.mark.parametrize(("row", "said"), [
    ("a.tif,0,200,300,100", "The box of a.tif in .*xmin 300, xmax 100"),
    ("c.tif,0,200,100,300", "it names no scene"), ("a.tif,0,50,0,50", "no tile lies wholly within a box"),
    ("a.tif,x,200,100,300", "ymin x"),
])  # fmt: skip
def test_boxes_that_are_none_are_refused(cut_scenes, split_anew, tmp_path, row, said):
    table = tmp_path / "data.csv"
    table.write_text(f"data,ymin,ymax,xmin,xmax\n{row}\n")
    with pytest.raises(InputError, match=said):
        split_anew(cut_scenes(), method="box", boxes=str(table))


def test_a_table_without_its_columns_is_refused(cut_scenes, split_anew, tmp_path):
    (tmp_path / "data.csv").write_text("data,ymin,ymax,xmin\na.tif,0,1,2\n")
    with pytest.raises(InputError, match="lacks the column xmax"):
        split_anew(cut_scenes(), method="box", boxes=str(tmp_path / "data.csv"))


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_polygons_of_a_layer_give_the_sets(cut_scenes, split_anew, make_layer, tmp_path, crs):
    shapes = [shapely.box(0, 0, 128, 512), shapely.box(300, 0, 512, 512)]
    layer = make_layer("l.gpkg", shapes, split=["Validation", "test"])
    if crs:
        features = pyogrio.raw.read(layer)
        moved = shapely.transform(
            shapely.from_wkb(features[2]),
            lambda points: np.column_stack(rasterio.warp.transform("EPSG:32633", crs, *points.T)),
        )
        layer = str(tmp_path / "moved.gpkg")
        pyogrio.raw.write(layer, shapely.to_wkb(moved), features[3], ["split"], crs=crs, geometry_type="Polygon")
    _, _, fields, _ = split_anew(cut_scenes(), method="layer", layer=layer, layer_field="split")
    col = fields["col"]
    expected = np.select([col < 128, col >= 320, col == 256], ["validation", "test", "unused"], "train")
    assert np.array_equal(fields["split"], expected)


def test_outside_polygons_for_training_tiles_are_unused(cut_scenes, split_anew, make_layer):
    shapes = [shapely.box(0, 0, 128, 512), shapely.box(128, 0, 320, 512)]
    layer = make_layer("l.gpkg", shapes, split=["validation", "train"])
    _, _, fields, _ = split_anew(cut_scenes(), method="layer", layer=layer, layer_field="split")
    expected = np.select([fields["col"] < 128, fields["col"] < 320], ["validation", "train"], "unused")
    assert np.array_equal(fields["split"], expected)


def test_layers_that_do_not_fit_are_refused(cut_scenes, split_anew, make_layer):
    source = cut_scenes()
    with pytest.raises(InputError, match="holds valid"):
        split_anew(source, method="layer", layer=make_layer("l.gpkg", [shapely.box(0, 0, 99, 99)], s=["valid"]),
              layer_field="s")  # fmt: skip
    with pytest.raises(InputError, match="No tile lies wholly within"):
        split_anew(source, method="layer", layer=make_layer("m.gpkg", [shapely.box(9000, 0, 9099, 99)]))

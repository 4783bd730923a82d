"""A dataset split anew: the same tiles in other sets, which share no ground."""

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.stages.dataset_split import SplitDataset
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.splitting import linked_copy
from geoseg.geoseg_plugin.engine.datasets.splitting.split_dataset import split_dataset
from geoseg.geoseg_plugin.engine.datasets.statistics.tile_statistics import measure_tiles
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles

SIDE = 512
SETS = ("train", "validation", "test")


@pytest.fixture
def make(tmp_path, recorder, make_raster):
    """Makes a dataset of scenes (name, metres to the east) of 512 pixels with tiles of 64, labels or none."""

    def run(scenes=(("a", 0),), *, dtype="uint8", labelled=True, nodata=None, **options):
        random = np.random.default_rng(1)
        images, labels = [], []
        (tmp_path / "labels").mkdir()
        for name, east in scenes:
            transform = Affine(0.5, 0, 500_000 + east, 0, -0.5, 5_000_000)
            image = random.integers(1, 250, (2, SIDE, SIDE)).astype(dtype)
            image[:, :3, :70] = 0
            label = (random.random((1, SIDE, SIDE)) < np.linspace(0, 0.3, SIDE)).astype(np.uint8)
            images.append(make_raster(f"{name}.tif", image, transform=transform, nodata=nodata))
            labels.append(make_raster(f"labels/{name}.tif", label, transform=transform))
        request = MakeTiles(
            images=images, labels=labels if labelled else (), output=str(tmp_path / "source"),
            **{"tile_size": 64, "overlap": 0, "validation": 0, **options},
        )  # fmt: skip
        return make_tiles(request, recorder).output

    return run


@pytest.fixture
def split(tmp_path, recorder):
    """Splits a dataset anew; returns the new one, the result, and the new layer's fields and footprints."""

    def run(source, name="anew", **options):
        result = split_dataset(SplitDataset(dataset=source, output=str(tmp_path / name), **options), recorder)
        meta, _, wkb, columns = pyogrio.raw.read(result.tiles)
        fields = dict(zip(meta["fields"], columns, strict=True))
        return open_dataset(result.output), result, fields, shapely.from_wkb(wkb)

    return run


def snapshot(folder):
    """Bytes and times of all files of a folder."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def check_apart(fields, polygons, buffer=0.0):
    """No two sets share ground or come closer than a buffer, in metres."""
    areas = {name: shapely.union_all(polygons[fields["split"] == name]) for name in SETS}
    for number, one in enumerate(SETS):
        for other in SETS[number + 1 :]:
            assert shapely.area(shapely.intersection(areas[one], areas[other])) < 1e-6
            assert not shapely.distance(areas[one], areas[other]) < buffer - 1e-6


def test_the_new_dataset_has_the_same_tiles_in_other_sets(make, split, recorder):
    source = make()
    before = snapshot(source)
    old = open_dataset(source)
    dataset, result, fields, polygons = split(source)
    assert snapshot(source) == before
    assert [tile.id for tile in dataset.tiles] == [tile.id for tile in old.tiles]
    counts = [len(dataset.split(name)) for name in (*SETS, "unused")]
    assert counts == [result.train_count, result.validation_count, result.test_count, result.unused_count]
    assert counts[3] == 0
    assert counts[1] == pytest.approx(0.2 * 64, abs=2)
    assert counts[2] == pytest.approx(0.1 * 64, abs=2)
    check_apart(fields, polygons)
    assert (dataset.classes, dataset.dtype, dataset.crs) == (old.classes, old.dtype, old.crs)
    for one, other in zip(dataset.tiles, old.tiles, strict=True):
        for kind in ("image", "label"):
            assert getattr(one, kind).samefile(getattr(other, kind))
    assert any("128 files are hard links" in text for text in recorder.notes)


def test_statistics_are_those_of_the_new_training_tiles(make, split):
    dataset, _, _, _ = split(make(nodata=0))
    pixels = []
    for tile in dataset.split("train"):
        with rasterio.open(tile.image) as opened:
            image = opened.read()
            pixels.append(image[:, image.any(axis=0)].astype(float))
    joined = np.concatenate(pixels, axis=1)
    for band, one in enumerate(dataset.statistics):
        assert (one.mean, one.std) == (pytest.approx(joined[band].mean()), pytest.approx(joined[band].std()))
        assert (one.minimum, one.maximum) == (joined[band].min(), joined[band].max())


def test_it_says_how_it_was_made_and_from_what(make, split):
    source = make()
    dataset, _, _, _ = split(source, seed=5)
    request = dataset.made["request"]
    assert (request["stage"], request["parameters"]["seed"]) == ("splitdataset", 5)
    assert dataset.made["source"]["folder"] == source
    assert dataset.made["source"]["fingerprint"] == open_dataset(source).fingerprint
    assert dataset.made["source"]["made"]["request"]["stage"] == "maketiles"
    assert dataset.made["scenes"] == open_dataset(source).made["scenes"]


def test_class_shares_are_told(make, split, recorder):
    _, result, fields, _ = split(make())
    shares = json.loads(result.class_shares)
    assert set(shares) == set(SETS)
    for name, own in shares.items():
        mine = fields["split"] == name
        pixels = [fields[f"class_{value}"][mine].sum() for value in (0, 1)]
        assert [own["0"], own["1"]] == pytest.approx([100 * one / sum(pixels) for one in pixels], abs=1e-3)
    assert abs(shares["train"]["1"] - shares["validation"]["1"]) < 3
    assert any(text.startswith("validation: ") and "background" in text for text in recorder.notes)


def test_the_same_seed_splits_alike_and_another_differs(make, split):
    source = make()
    splits = [tuple(split(source, str(at), seed=seed)[2]["split"]) for at, seed in enumerate((1, 1, 2, 3))]
    assert splits[0] == splits[1]
    assert len(set(splits)) > 1


@pytest.mark.parametrize("method", ["spatial blocks", "random"])
@pytest.mark.parametrize("buffer", [0, 20])
def test_sets_lie_apart_on_the_ground(make, split, method, buffer):
    source = make([("a", 0), ("b", 100)], overlap=30)
    options = {"validation": 20, "test": 10} if method == "spatial blocks" else {"validation": 1, "test": 1}
    _, result, fields, polygons = split(source, method=method, buffer=buffer, **options)
    check_apart(fields, polygons, buffer * 0.5)
    assert result.unused_count > 0


def test_tiles_unused_before_take_part_again(make, split):
    source = make([("a", 0), ("b", 5000)], overlap=30, validation=20, block_size=128)
    assert open_dataset(source).split("unused")
    _, result, _, _ = split(source, method="scene", validation_names="b")
    assert result.unused_count == 0
    assert result.train_count == result.validation_count


def test_random_warns_of_leakage(make, split, recorder):
    split(make(), method="random")
    assert any("figures are too good" in text for text in recorder.warnings)


def test_scenes_are_named_and_take_those_on_the_same_ground_along(make, split, recorder):
    source = make([("roof_2012", 0), ("roof_2017", 0), ("field", 5000), ("wood", 9000)])
    dataset, _, _, _ = split(source, method="scene", validation_names="2012", test_names="wood")
    scenes = {name: {tile.scene for tile in dataset.split(name)} for name in (*SETS, "unused")}
    assert scenes == {"train": {"field"}, "validation": {"roof_2012", "roof_2017"}, "test": {"wood"}, "unused": set()}
    assert "Scenes named for validation: roof_2012." in recorder.notes
    assert any("roof_2017" in text for text in recorder.notes)


def test_a_scene_of_the_very_name_is_meant_before_those_that_hold_it(make, split):
    dataset, _, _, _ = split(make([("t1", 0), ("t10", 5000)]), method="scene", validation_names="t1")
    assert {tile.scene for tile in dataset.split("validation")} == {"t1"}


def test_scenes_are_drawn_where_none_is_named(make, split):
    source = make([(name, 1000 * number) for number, name in enumerate("abcde")])
    dataset, _, _, _ = split(source, method="scene", test=20)
    sets = [{tile.scene for tile in dataset.split(name)} for name in SETS]
    assert [len(one) for one in sets] == [3, 1, 1]


def test_names_that_cannot_be_are_refused(make, split):
    source = make([("a2012", 0), ("a2017", 0), ("b", 5000)])
    with pytest.raises(RequestError, match=r"'c'.*a2012, a2017, b"):
        split(source, method="scene", validation_names="c")
    with pytest.raises(RequestError, match="named for validation and for test"):
        split(source, method="scene", validation_names="a2012", test_names="a2017")
    with pytest.raises(InputError, match="No train tile is left"):
        split(source, method="scene", validation_names="a, b")


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326", ""])
def test_tiles_within_a_box_validate_and_those_at_its_edge_are_unused(make, split, crs):
    box = shapely.box(500_000 + 30, 5_000_000 - 140, 500_000 + 130, 5_000_000)
    bounds = box.bounds
    if crs == "EPSG:4326":
        bounds = rasterio.warp.transform_bounds("EPSG:32633", crs, *bounds)
    left, bottom, right, top = bounds
    text = f"{left:.9f},{right:.9f},{bottom:.9f},{top:.9f}" + (f" [{crs}]" if crs else "")
    _, _, fields, polygons = split(make(), method="box", box=text)
    inside = shapely.contains(shapely.buffer(box, 0.01), polygons)
    assert np.array_equal(fields["split"] == "validation", inside)
    assert np.array_equal(fields["split"] == "train", shapely.area(shapely.intersection(box, polygons)) < 1)
    assert inside.sum() == 3 * 4


def test_boxes_of_a_table_are_held_out(make, split, tmp_path, recorder):
    source = make([("a", 0), ("b", 1000)], overlap=25)
    table = tmp_path / "data.csv"
    table.write_text(
        "data,label,ntiles_train,ntiles_val,ymin,ymax,xmin,xmax\na.tif,l.tif,9,3,0,200,100,300\n"
        "elsewhere.tif,l.tif,9,3,0,9,0,9\nb.tif,l.tif,9,3,,,,\n"
    )
    _, _, fields, _ = split(source, method="box", boxes=str(table))
    top, left = fields["row"], fields["col"]
    inside = (top + 64 <= 200) & (left >= 100) & (left + 64 <= 300) & (fields["scene"] == "a")
    touching = (top < 200) & (left + 64 > 100) & (left < 300) & (fields["scene"] == "a")
    assert inside.any()
    assert np.array_equal(fields["split"] == "validation", inside)
    assert np.array_equal(fields["split"] == "unused", touching & ~inside)
    assert any("elsewhere.tif" in text for text in recorder.warnings)


def test_scenes_without_georeference_lie_apart_and_have_boxes(make_raster, split, tmp_path, recorder):
    image = np.random.default_rng(1).integers(1, 250, (2, 256, 256)).astype(np.uint8)
    plain = {"crs": None, "transform": Affine(1, 0, 0, 0, 1, 0)}
    images = [make_raster(f"{name}.tif", image, **plain) for name in "abcdefghij"]
    request = MakeTiles(images=images, output=str(tmp_path / "source"), tile_size=128, overlap=0, validation=0)
    source = make_tiles(request, recorder).output
    dataset, result, _, _ = split(source, "drawn", method="scene")
    assert [len(dataset.split(name)) for name in SETS] == [28, 8, 4]
    assert result.unused_count == 0
    with pytest.raises(InputError, match="without georeference"):
        split(source, "boxed", method="box", box="0,128,0,128")
    table = tmp_path / "data.csv"
    table.write_text("data,ymin,ymax,xmin,xmax\nsomewhere/c.tif,0,256,0,128\n")
    with pytest.raises(InputError, match="names no scene"):
        split(source, "boxed", method="box", boxes=str(table))
    table.write_text("data,ymin,ymax,xmin,xmax\nc.tif,0,256,0,128\nd,120,256,128,256\n")
    dataset, _, _, _ = split(source, "boxed", method="box", boxes=str(table))
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
def test_boxes_that_are_none_are_refused(make, split, tmp_path, row, said):
    table = tmp_path / "data.csv"
    table.write_text(f"data,ymin,ymax,xmin,xmax\n{row}\n")
    with pytest.raises(InputError, match=said):
        split(make(), method="box", boxes=str(table))


def test_a_table_without_its_columns_is_refused(make, split, tmp_path):
    (tmp_path / "data.csv").write_text("data,ymin,ymax,xmin\na.tif,0,1,2\n")
    with pytest.raises(InputError, match="lacks the column xmax"):
        split(make(), method="box", boxes=str(tmp_path / "data.csv"))


@pytest.mark.parametrize("crs", [None, "EPSG:4326"])
def test_polygons_of_a_layer_give_the_sets(make, split, make_layer, tmp_path, crs):
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
    _, _, fields, _ = split(make(), method="layer", layer=layer, layer_field="split")
    col = fields["col"]
    expected = np.select([col < 128, col >= 320, col == 256], ["validation", "test", "unused"], "train")
    assert np.array_equal(fields["split"], expected)


def test_outside_polygons_for_training_tiles_are_unused(make, split, make_layer):
    shapes = [shapely.box(0, 0, 128, 512), shapely.box(128, 0, 320, 512)]
    layer = make_layer("l.gpkg", shapes, split=["validation", "train"])
    _, _, fields, _ = split(make(), method="layer", layer=layer, layer_field="split")
    expected = np.select([fields["col"] < 128, fields["col"] < 320], ["validation", "train"], "unused")
    assert np.array_equal(fields["split"], expected)


def test_layers_that_do_not_fit_are_refused(make, split, make_layer):
    source = make()
    with pytest.raises(InputError, match="holds valid"):
        split(source, method="layer", layer=make_layer("l.gpkg", [shapely.box(0, 0, 99, 99)], s=["valid"]),
              layer_field="s")  # fmt: skip
    with pytest.raises(InputError, match="No tile lies wholly within"):
        split(source, method="layer", layer=make_layer("m.gpkg", [shapely.box(9000, 0, 9099, 99)]))


def test_folds_become_sets(make, split, tmp_path, recorder):
    source = make(overlap=25)
    folds = str(tmp_path / "folds.gpkg")
    measure_tiles(TileStatistics(dataset=source, folds="spatial blocks", fold_count=4, tiles=folds), recorder)
    own = pyogrio.raw.read(folds, columns=["fold"])[3][0]
    _, _, fields, polygons = split(source, method="fold", layer=folds, validation_names="2", test_names="0")
    check_apart(fields, polygons)
    assert np.array_equal(fields["split"] == "test", own == 0)
    assert set(own[fields["split"] == "validation"]) == {2}
    assert set(own[fields["split"] == "train"]) == {1, 3}
    with pytest.raises(RequestError, match=r"no fold '7'.*0, 1, 2, 3"):
        split(source, "b", method="fold", layer=folds, validation_names="7")
    with pytest.raises(RequestError, match="named twice"):
        split(source, "b", method="fold", layer=folds, validation_names="1", test_names="1")


@pytest.mark.parametrize("kind", [float, object])
def test_tiles_without_a_fold_are_unused(make, split, tmp_path, kind):
    source, folds = make(), str(tmp_path / "folds.gpkg")
    tiles = np.array([tile.id for tile in open_dataset(source).tiles], dtype=object)
    numbers = (np.arange(64) % 4).astype(kind) if kind is float else (np.arange(64) % 4).astype(str).astype(object)
    numbers[:8] = np.nan if kind is float else None
    pyogrio.raw.write(
        folds, shapely.to_wkb(np.repeat(shapely.box(0, 0, 1, 1), 64)), [tiles, numbers], ["tile", "fold"],
        geometry_type="Polygon", crs="EPSG:32633",
    )  # fmt: skip
    _, _, fields, _ = split(source, method="fold", layer=folds, test_names="1")
    assert (fields["split"][:8] == "unused").all()
    assert np.array_equal(fields["split"][8:] == "test", np.arange(8, 64) % 4 == 1)


def test_folds_that_are_no_numbers_are_refused(make, split, make_layer, tmp_path):
    layer = make_layer("folds.gpkg", [shapely.box(0, 0, 1, 1)], tile=["x"], fold=["one"])
    with pytest.raises(InputError, match="'one' is no fold"):
        split(make(), method="fold", layer=layer, test_names="1")


def test_folds_of_another_dataset_are_refused(make, split, blobs, tmp_path, recorder):
    folds = str(tmp_path / "folds.gpkg")
    measure_tiles(TileStatistics(dataset=blobs, folds="random", fold_count=4, tiles=folds), recorder)
    with pytest.raises(InputError, match="64 of 64 tiles have no fold"):
        split(make(), method="fold", layer=folds, validation_names="0")


def edit(source, change):
    """Change the fields and footprints of tiles.gpkg as a user may by hand."""
    path = f"{source}/tiles.gpkg"
    meta, _, wkb, columns = pyogrio.raw.read(path)
    fields, wkb = change(dict(zip(meta["fields"], columns, strict=True)), wkb)
    Path(path).unlink()
    pyogrio.raw.write(
        path, wkb, list(fields.values()), list(fields), layer="tiles", driver="GPKG", geometry_type="Polygon",
        crs=meta["crs"],
    )  # fmt: skip


def test_layers_edited_by_hand_are_used_as_they_are(make, split):
    source = make()
    edit(source, lambda fields, wkb: (
        {**{name: column[::-1][3:] for name, column in fields.items()}, "note": np.arange(61)}, wkb[::-1][3:]
    ))  # fmt: skip
    dataset, result, fields, _ = split(source)
    assert len(dataset.tiles) == len(list((dataset.folder / "images").iterdir())) == 61
    assert result.unused_count == 0
    assert "note" not in fields


def test_layers_that_lost_their_statistics_are_measured_anew(make, split, recorder):
    source = make()
    whole = split(source, "whole")
    edit(source, lambda fields, wkb: ({name: fields[name] for name in ("tile", "scene", "split")}, wkb))
    dataset, result, fields, _ = split(source)
    assert any("they are measured" in text for text in recorder.notes)
    assert list(fields["split"]) == list(whole[2]["split"])
    assert result.class_shares == whole[1].class_shares
    for one, other in zip(dataset.statistics, whole[0].statistics, strict=True):
        assert one.mean == pytest.approx(other.mean)


def test_unlabelled_tiles_and_smaller_ones_are_split(make, split):
    dataset, result, _, _ = split(make(labelled=False, edges="shrink", layout="stride", stride=60))
    assert result.class_shares == "{}"
    assert dataset.split("validation")
    assert not (dataset.folder / "labels").exists() or not list((dataset.folder / "labels").iterdir())


def test_masks_beside_tiles_come_along(make, split):
    source = make()
    tile = open_dataset(source).tiles[0]
    tile.image.with_name(f"{tile.id}.tif.msk").write_bytes(b"x")
    dataset, _, _, _ = split(source)
    assert (dataset.folder / "images" / f"{dataset.tiles[0].id}.tif.msk").read_bytes() == b"x"


def test_only_tiles_are_links(make, split, recorder):
    source = make()
    tile = open_dataset(source).tiles[0]
    beside = tile.label.with_name(f"{tile.id}.tif.aux.xml")
    beside.write_text("old")
    dataset, _, _, _ = split(source)
    dataset.tiles[0].label.with_name(beside.name).write_text("new")
    assert beside.read_text() == "old"
    assert dataset.tiles[0].label.samefile(tile.label)
    assert any("an edit of one shows in both datasets" in text for text in recorder.notes)


def test_files_are_copied_where_links_are_not_possible(make, split, recorder, monkeypatch):
    def refuse(source, target):
        raise OSError("not on this disk")

    source = make()
    monkeypatch.setattr(linked_copy.os, "link", refuse)
    dataset, _, _, _ = split(source)
    size = sum(path.stat().st_size for kind in ("images", "labels") for path in (dataset.folder / kind).iterdir())
    assert any(f"128 files are copies, {size / 1e6:,.1f} MB" in text for text in recorder.notes)
    assert not dataset.tiles[0].image.samefile(f"{source}/images/{dataset.tiles[0].id}.tif")


def test_a_folder_in_use_is_refused_and_nothing_is_left(make, split, tmp_path, make_recorder):
    source = make()
    with pytest.raises(OutputError, match="already exists"):
        split(source, "labels")
    request = SplitDataset(dataset=source, output=str(tmp_path / "anew"))
    with pytest.raises(Cancelled):
        split_dataset(request, make_recorder(lambda one: "Linking tiles" in one.texts))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "labels", "source"]


def test_a_split_dataset_can_be_split_again(make, split):
    dataset, _, _, _ = split(make())
    again, _, _, _ = split(str(dataset.folder), "again", method="random")
    assert again.made["source"]["made"]["source"]["made"]["request"]["stage"] == "maketiles"

"""Datasets made of scenes with known pixels."""

import json

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.raster import read_valid
from rasterio.enums import ColorInterp
from rasterio.windows import Window

SIDE = 256
CLASSES = {"GEOSEG_CLASSES": json.dumps(ClassTable.named({0: "background", 4: "roof"}).to_json())}


@pytest.fixture
def scene():
    random = np.random.default_rng(5)
    return random.integers(1, 250, (3, SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def label():
    label = np.zeros((1, SIDE, SIDE), np.uint8)
    label[0, 10:200:20, 10:200:20] = 4
    label[0, :, 100:140] = 4
    return label


@pytest.fixture
def cut(tmp_path, recorder):
    def run(images, labels, *, name="dataset", tile_size=64, **options):
        images, labels = ([one] if isinstance(one, str) else one for one in (images, labels))
        request = MakeTiles(images=images, labels=labels, tile_size=tile_size, output=str(tmp_path / name), **options)
        result = make_tiles(request, recorder)
        return open_dataset(result.output), result

    return run


def footprint_columns(dataset):
    meta, _, wkb, columns = pyogrio.raw.read(dataset.folder / "tiles.gpkg")
    return dict(zip(meta["fields"], columns, strict=True)), shapely.from_wkb(wkb), meta["crs"]


def test_tiles_hold_the_pixels_of_their_place(cut, make_raster, scene, label):
    image = make_raster("scene.tif", scene, names=("red", "green", "nir"))
    dataset, result = cut(image, make_raster("label.tif", label, tags=CLASSES))
    used = len(dataset.tiles) - len(dataset.split("unused"))
    assert (result.tile_count, result.train_count + result.validation_count) == (len(dataset.tiles), used)
    assert dataset.bands == ("red", "green", "nir")
    assert (dataset.dtype, dataset.ignore_value, dataset.crs, dataset.pixel_size) == (
        "uint8",
        255,
        "EPSG:32633",
        (0.5, 0.5),
    )
    assert dataset.classes.names == ("background", "roof")
    columns, polygons, crs = footprint_columns(dataset)
    assert crs == "EPSG:32633"
    for number, tile in enumerate(dataset.tiles):
        row, col = columns["row"][number], columns["col"][number]
        place = (slice(row, row + 64), slice(col, col + 64))
        with rasterio.open(tile.image) as opened:
            assert np.array_equal(opened.read(), scene[:, *place])
            assert shapely.box(*opened.bounds).equals(polygons[number]) or (
                shapely.box(*opened.bounds).symmetric_difference(polygons[number]).area < 1e-6
            )
        with rasterio.open(tile.label) as opened:
            assert np.array_equal(opened.read(1), label[0][place])
            assert opened.nodata == 255
            assert opened.colormap(1)[4] == (0xD7, 0x30, 0x1F, 255)
        assert columns["class_4"][number] == (label[0][place] == 4).sum()
        assert columns["mean_2"][number] == pytest.approx(scene[1][place].mean())
        assert columns["max_3"][number] == scene[2][place].max()
        assert columns["split"][number] == tile.split


def test_statistics_are_those_of_the_training_tiles(cut, make_raster, scene, label):
    dataset, _ = cut(make_raster("scene.tif", scene), make_raster("label.tif", label), overlap=0)
    pixels = []
    for tile in dataset.split("train"):
        with rasterio.open(tile.image) as opened:
            pixels.append(opened.read().reshape(3, -1))
    joined = np.concatenate(pixels, axis=1).astype(float)
    for band, one in enumerate(dataset.statistics):
        assert (one.mean, one.std) == (pytest.approx(joined[band].mean()), pytest.approx(joined[band].std()))
        assert (one.minimum, one.maximum) == (joined[band].min(), joined[band].max())


def test_the_same_request_makes_the_same_dataset(cut, make_raster, scene, label):
    image, labels = make_raster("scene.tif", scene), make_raster("label.tif", label)
    one, other = (cut(image, labels, name=name, seed=9)[0] for name in ("one", "other"))
    assert [(tile.id, tile.split) for tile in one.tiles] == [(tile.id, tile.split) for tile in other.tiles]
    assert one.statistics == other.statistics


def test_a_vector_layer_is_burnt_on_the_way(cut, make_raster, make_layer, scene):
    box = shapely.box(100, 0, 140, 256)
    dataset, _ = cut(make_raster("scene.tif", scene), make_layer("l.gpkg", [box], kind=["roof"]), field="kind")
    columns, _, _ = footprint_columns(dataset)
    for number, tile in enumerate(dataset.tiles):
        col = columns["col"][number] + np.arange(64)
        with rasterio.open(tile.label) as opened:
            assert np.array_equal(opened.read(1), np.tile((col >= 100) & (col < 140), (64, 1)))
    assert dataset.classes.names == ("background", "roof")


def test_a_scene_smaller_than_a_tile_is_padded(cut, make_raster, scene, recorder):
    label = np.ones((1, 40, 50), np.uint8)
    label[0, :, 20:] = 2
    image = make_raster("scene.tif", scene[:, :40, :50])
    dataset, _ = cut(image, make_raster("label.tif", label), validation=0)
    (tile,) = dataset.tiles
    with rasterio.open(tile.image) as opened:
        pixels = opened.read()
        assert np.array_equal(pixels[:, :40, :50], scene[:, :40, :50])
        valid = read_valid(opened, Window(0, 0, 64, 64), pixels)
        assert valid[:40, :50].all()
        assert valid.sum() == 40 * 50
    with rasterio.open(tile.label) as opened:
        padded = opened.read(1)
        assert np.array_equal(padded[:40, :50], label[0])
        assert (padded == 255).sum() == 64 * 64 - 40 * 50
    assert dataset.statistics[0].mean == pytest.approx(scene[0, :40, :50].mean())
    assert any("VALIDATION is 0" in text for text in recorder.warnings)


def test_pixels_without_data_are_ignored_and_do_not_count(cut, make_raster, scene, label):
    scene = scene.astype(np.float32)
    scene[:, :30, :] = -9999
    scene[1, 40, 40] = np.nan
    dataset, _ = cut(make_raster("scene.tif", scene, nodata=-9999), make_raster("label.tif", label))
    assert min(one.minimum for one in dataset.statistics) >= 1
    columns, _, _ = footprint_columns(dataset)
    for number, tile in enumerate(dataset.tiles):
        if columns["row"][number] == 0:
            with rasterio.open(tile.label) as opened:
                assert (opened.read(1)[:30] == 255).all()
            assert columns["nodata_share"][number] >= 30 / 64


def test_nodata_in_one_band_does_not_reach_the_statistics(cut, make_raster, scene, label):
    scene = scene.astype(np.float32)
    scene[1, 40:60] = -9999
    dataset, _ = cut(make_raster("scene.tif", scene, nodata=-9999), make_raster("label.tif", label))
    assert min(one.minimum for one in dataset.statistics) >= 1


def test_tiles_without_labels_or_data_are_left_out(cut, make_raster, scene, label, recorder):
    label[0, :, :130] = 255
    image, labels = make_raster("scene.tif", scene), make_raster("label.tif", label, nodata=255)
    dataset, _ = cut(image, labels, overlap=0)
    assert len(dataset.tiles) == 8
    assert any("8 of 16 tiles have no image data or no labels" in text for text in recorder.notes)


def test_alpha_and_mask_bands_are_no_image_bands(cut, make_raster, scene, label):
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[:, :20] = 0
    image = make_raster("rgba.tif", np.concatenate([scene, mask[None]]), photometric="RGB", alpha="YES")
    dataset, _ = cut(image, make_raster("label.tif", label))
    assert len(dataset.bands) == 3
    columns, _, _ = footprint_columns(dataset)
    for number, tile in enumerate(dataset.tiles):
        with rasterio.open(tile.image) as opened:
            pixels = opened.read()
            assert pixels.shape[0] == 3
            valid = read_valid(opened, Window(0, 0, 64, 64), pixels)
        assert (~valid).sum() == 64 * max(0, 20 - columns["col"][number])


def test_near_infrared_is_not_taken_for_transparency(cut, make_raster, scene, label):
    near_infrared = np.full((1, SIDE, SIDE), 90, np.uint8)
    near_infrared[:, :, 40:90] = 0
    image = make_raster("rgbn.tif", np.concatenate([scene, near_infrared]), photometric="RGB", alpha="UNSPECIFIED")
    dataset, _ = cut(image, make_raster("label.tif", label))
    for tile in dataset.tiles:
        with rasterio.open(tile.image) as opened, rasterio.open(tile.label) as labels:
            assert ColorInterp.alpha not in opened.colorinterp
            assert read_valid(opened, Window(0, 0, 64, 64), opened.read()).all()
            assert (labels.read(1) != 255).all()


def test_labels_are_matched_by_grid_and_then_by_name(cut, make_raster, scene, label, tmp_path):
    (tmp_path / "labels").mkdir()
    far = Affine(0.5, 0, 510_000, 0, -0.5, 5_000_000)
    images = [
        make_raster("a.tif", scene),
        make_raster("b.tif", scene[::-1]),
        make_raster("c.tif", scene, transform=far),
    ]
    labels = [
        make_raster("labels/c_truth.tif", label, transform=far), make_raster("labels/b.tif", 0 * label + 4),
        make_raster("labels/a.tif", label),
    ]  # fmt: skip
    dataset, _ = cut(images, labels, overlap=0)
    columns, _, _ = footprint_columns(dataset)
    whole = {name: (columns["class_4"] == 64 * 64)[columns["scene"] == name].all() for name in "abc"}
    assert whole == {"a": False, "b": True, "c": False}


def test_labels_on_another_grid_are_refused_naming_both(cut, make_raster, scene, label):
    with pytest.raises(InputError, match=r"256 x 256 pixels.*200 x 256 pixels"):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label[:, :, :200]))


def test_two_labels_that_fit_equally_are_refused(cut, make_raster, scene, label):
    labels = [make_raster("x.tif", label), make_raster("y.tif", label)]
    with pytest.raises(InputError, match="2 label rasters have the grid"):
        cut(make_raster("scene.tif", scene), labels)


def test_values_outside_the_class_table_are_refused(cut, make_raster, scene, label, tmp_path):
    label[0, 100, 100] = 9
    with pytest.raises(InputError, match=r"label\.tif holds 9"):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label, tags=CLASSES))
    assert not (tmp_path / "dataset").exists()


def test_values_become_classes_where_no_table_is_stated(cut, make_raster, scene, label, recorder):
    colours = {0: (1, 2, 3, 255), 4: (16, 32, 48, 255)}
    dataset, _ = cut(make_raster("scene.tif", scene), make_raster("label.tif", label, colours=colours))
    assert dataset.classes.names == ("background", "class 4")
    assert any("label.tif names no classes: its value 0 is taken for the background" in text for text in recorder.notes)
    assert [one.colour for one in dataset.classes] == ["#010203", "#102030"]


def test_names_beside_a_raster_are_used(cut, make_raster, scene, label, tmp_path):
    names = "<Category>nothing</Category><Category /><Category/><Category></Category><Category>A &amp; B</Category>"
    path = make_raster("label.tif", label)
    (tmp_path / "label.tif.aux.xml").write_text(
        f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand></PAMDataset>'
    )
    assert cut(make_raster("scene.tif", scene), path)[0].classes.names == ("nothing", "A & B")


@pytest.mark.parametrize(("value", "shown"), [(-1, "-1"), (0.5, "0.5")])
def test_labels_that_are_no_class_values_are_refused(cut, make_raster, scene, label, value, shown):
    label = label.astype(np.float32)
    label[0, 3, 3] = value
    with pytest.raises(InputError, match=shown):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label))


def test_an_image_given_twice_is_refused(cut, make_raster, scene, label, tmp_path):
    image, labels = make_raster("scene.tif", scene), make_raster("label.tif", label)
    with pytest.raises(InputError, match=r"scene\.tif is given twice"):
        cut([image, image], labels)
    (tmp_path / "link.tif").symlink_to(image)
    with pytest.raises(InputError, match=r"link\.tif is the same file as .*scene\.tif"):
        cut([image, str(tmp_path / "link.tif")], labels)


def test_images_of_different_kinds_are_refused(cut, make_raster, scene, label):
    labels = make_raster("label.tif", label)
    with pytest.raises(InputError, match="differ in bands"):
        cut([make_raster("a.tif", scene), make_raster("b.tif", scene[:2])], labels)
    with pytest.raises(InputError, match="differ in the data type"):
        cut([make_raster("a.tif", scene), make_raster("c.tif", scene.astype(np.uint16))], labels)


def test_tiles_say_their_version_and_leave_the_request_to_the_dataset(cut, make_raster, scene, label):
    dataset, _ = cut(make_raster("scene.tif", scene), make_raster("label.tif", label))
    for path in (dataset.tiles[0].image, dataset.tiles[0].label):
        with rasterio.open(path) as opened:
            assert {key for key in opened.tags() if key.startswith("GEOSEG")} == {"GEOSEG_VERSION"}
    assert dataset.made["request"]["stage"] == "maketiles"


def test_scenes_that_overlap_share_no_ground_between_sets(cut, make_raster, scene, label):
    moved = Affine(0.5, 0, 500_000 + 50, 0, -0.5, 5_000_000)
    images = [make_raster("a.tif", scene), make_raster("b.tif", scene, transform=moved)]
    labels = [make_raster("la.tif", label), make_raster("lb.tif", label, transform=moved)]
    dataset, _ = cut(images, labels, block_size=64)
    columns, polygons, _ = footprint_columns(dataset)
    sets = [shapely.union_all(polygons[columns["split"] == name]) for name in ("train", "validation")]
    assert shapely.area(shapely.intersection(*sets)) < 1e-6


def test_scenes_in_two_crs_are_compared_on_the_ground(cut, make_raster, make_layer, scene):
    # The same ground in the neighbouring zone: about 500 km west of its central meridian.
    other = make_raster("b.tif", scene, crs="EPSG:32634", transform=Affine(0.5, 0, 30_000, 0, -0.5, 5_000_000))
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 128, 256)])
    dataset, _ = cut([make_raster("a.tif", scene), other], layer)
    assert dataset.crs == "EPSG:32633"
    assert {tile.scene for tile in dataset.tiles} == {"a", "b"}


def test_unreferenced_scenes_lie_apart(cut, make_raster, scene, label, tmp_path):
    (tmp_path / "labels").mkdir()
    plain = {"crs": None, "transform": Affine(1, 0, 0, 0, 1, 0)}
    images = [make_raster(f"{name}.tif", scene, **plain) for name in "abcdef"]
    labels = [make_raster(f"labels/{name}.tif", label, **plain) for name in "abcdef"]
    dataset, _ = cut(images, labels, overlap=0)
    assert len(dataset.tiles) == 6 * 16


def test_layers_are_not_mixed_with_rasters_or_fields(cut, make_raster, make_layer, scene, label):
    image, layer = make_raster("scene.tif", scene), make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)])
    with pytest.raises(RequestError, match="beside other labels"):
        cut(image, [layer, make_raster("label.tif", label)])
    with pytest.raises(RequestError, match="FIELD is given"):
        cut(image, make_raster("label.tif", label), field="kind")


def test_a_layer_that_lies_on_no_scene_is_refused(cut, make_raster, make_layer, scene):
    with pytest.raises(InputError, match="No feature of"):
        cut(make_raster("scene.tif", scene), make_layer("l.gpkg", [shapely.box(9000, 0, 9009, 9)]))


def test_one_class_alone_and_missing_classes_are_warned_of(cut, make_raster, scene, label, recorder):
    cut(make_raster("scene.tif", scene), make_raster("label.tif", 0 * label), name="one")
    assert any("All labels are of one class" in text for text in recorder.warnings)
    rare = 0 * label
    rare[0, 0, 0] = 4
    cut(make_raster("scene.tif", scene), make_raster("rare.tif", rare), name="rare")
    assert any("tile holds 'class 4': give another SEED or a smaller BLOCK_SIZE" in text for text in recorder.warnings)


def test_the_size_of_the_dataset_is_said_first_and_warned_of(cut, make_raster, scene, label, recorder):
    image, labels = make_raster("scene.tif", scene), make_raster("label.tif", label)
    cut(image, labels, name="few", overlap=0)
    assert recorder.notes[1] == "16 tiles of 64 pixels a side are cut, about 0.3 MB on disk."
    assert not any("times the pixels" in text for text in recorder.warnings)
    cut(image, labels, name="many", tile_size=40, overlap=85)
    assert any("hold 33 times the pixels of the images" in text for text in recorder.warnings)


def test_a_tile_larger_than_the_image_cannot_be_split(cut, make_raster, scene, label):
    with pytest.raises(InputError, match=r"TILE_SIZE is 512.*scene\.tif has only 256 x 256 pixels"):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label), tile_size=512)


def test_a_class_that_no_label_has_is_told_from_one_that_a_split_lacks(cut, make_raster, scene, label, recorder):
    cut(make_raster("scene.tif", scene), make_raster("label.tif", 0 * label, tags=CLASSES))
    assert "No tile holds 'roof'." in recorder.warnings
    assert not any("SEED" in text for text in recorder.warnings)


def test_a_folder_with_content_is_left_alone(cut, make_raster, scene, label, tmp_path):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "precious.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        cut(make_raster("scene.tif", scene), make_raster("label.tif", label))
    assert (tmp_path / "dataset" / "precious.txt").read_text() == "mine"


def test_cancelling_leaves_nothing(make_raster, make_recorder, scene, label, tmp_path):
    request = MakeTiles(
        images=[make_raster("scene.tif", scene)], labels=[make_raster("label.tif", label)], tile_size=32,
        output=str(tmp_path / "dataset"),
    )  # fmt: skip
    with pytest.raises(Cancelled):
        make_tiles(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [0.4]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["label.tif", "scene.tif"]


def test_the_real_scenes_make_a_dataset(cut, data):
    folder = data / "banepa_buildings"
    images = [str(folder / "scenes" / f"banepa_A{number}.tif") for number in (1, 2, 3)]
    dataset, result = cut(images, str(folder / "shp" / "buildings_wgs84.shp"), tile_size=256)
    assert result.validation_count >= 0.1 * result.tile_count
    columns, _, _ = footprint_columns(dataset)
    assert 0.1 < columns["class_1"].sum() / (columns["class_0"].sum() + columns["class_1"].sum()) < 0.7

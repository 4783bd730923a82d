"""All that a label raster can be made of: layers, overlaps, areas, gaps, rims, instances and weights."""

import json

import numpy as np
import pytest
import rasterio
import shapely
from geoseg.geoseg_plugin.contract.errors import InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.stages.labels import OVERLAP_RULES, RasterizeLabels
from geoseg.geoseg_plugin.engine import completeness
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.imagery import writing
from geoseg.geoseg_plugin.engine.labels import rasterize
from geoseg.geoseg_plugin.engine.run import run
from geoseg.geoseg_plugin.engine.vector import read_features, reproject, write_features
from rasterio.crs import CRS
from scipy.ndimage import distance_transform_edt

SHAPE = (40, 60)
IGNORE = 255


@pytest.fixture
def image(make_raster):
    return make_raster("image.tif", np.ones((3, *SHAPE), np.uint8))


@pytest.fixture
def make(tmp_path, recorder):
    """Rasterizes and returns the pixels of all results and the result."""

    def work(labels, like, *, instances=False, weights=False, **options):
        names = ["output", *(["instances"] if instances else []), *(["weights"] if weights else [])]
        wanted = {name: str(tmp_path / f"{name}.tif") for name in names}
        request = RasterizeLabels(labels=labels, like=like, **wanted, **options)
        result = run(request, recorder)
        pixels = {}
        for name, path in wanted.items():
            with rasterio.open(path) as dataset:
                pixels[name] = dataset.read(1)
        return pixels, result

    return work


def test_the_first_layer_lies_on_top(make, make_layer, image):
    top = make_layer("top.gpkg", [shapely.box(0, 0, 10, 10)], kind=["b"])
    middle = make_layer("middle.gpkg", [shapely.box(5, 0, 20, 10)], kind=["c"])
    lowest = make_layer("lowest.gpkg", [shapely.box(0, 0, 30, 10)], kind=["a"])
    pixels, _ = make(top, image, more_labels=[middle, lowest], field="kind", instances=True)
    assert pixels["output"][5, ::5].tolist() == [2, 2, 3, 3, 1, 1, *[0] * 6]
    assert pixels["instances"][5, ::5].tolist() == [1, 1, 2, 2, 3, 3, *[0] * 6]


def test_layers_may_have_different_crs(make, make_layer, make_raster, tmp_path):
    image = make_raster("large.tif", np.ones((3, 400, 400), np.uint8))
    top, below = shapely.Point(120, 120).buffer(60), shapely.box(100, 100, 300, 300)
    paths = [make_layer("top.gpkg", [top]), make_layer("below.gpkg", [below])]
    here = make(paths[0], image, more_labels=paths[1:])[0]["output"]
    features = read_features(paths[1])
    degrees = reproject(features.geometries, features.crs, CRS.from_epsg(4326))
    write_features(tmp_path / "deg.gpkg", degrees, {}, CRS.from_epsg(4326), geometry_type="Polygon", layer="below")
    there = make(paths[0], image, more_labels=[str(tmp_path / "deg.gpkg")])[0]["output"]
    assert np.array_equal(here, there)
    assert (here[120, 120], here[250, 250]) == (1, 2)
    with pytest.raises(InputError, match=r"bare\.gpkg has no CRS"):
        make(paths[0], image, more_labels=[make_layer("bare.gpkg", [below], crs=None)])


@pytest.mark.parametrize(("rule", "expected"), [
    ("later feature", [9, 4, 4, 6]), ("earlier feature", [9, 9, 4, 6]), ("smaller feature", [9, 9, 4, 6]),
    ("larger class value", [9, 9, 6, 6]),
])  # fmt: skip
def test_overlaps_follow_the_rule(make, make_layer, image, rule, expected):
    shapes = [shapely.box(0, 0, 20, 10), shapely.box(10, 0, 38, 20), shapely.box(25, 0, 55, 30)]
    order = [0, 1, 2] if rule != "later feature" else [2, 0, 1]
    layer = make_layer("l.gpkg", [shapes[at] for at in order], code=[(9, 4, 6)[at] for at in order])
    label = make(layer, image, field="code", overlaps=rule)[0]["output"]
    assert label[5, [5, 15, 30, 45]].tolist() == expected


def test_real_overlaps_agree_with_shapes_by_pixel_centre(make, data):
    source = data / "odd_vector" / "derived" / "overlapping_classes.gpkg"
    like = str(data / "odd_raster" / "derived" / "base_rgb_uint8.tif")
    features = read_features(str(source), ["class_id"])
    codes = features.columns["class_id"]
    with rasterio.open(like) as dataset:
        rows, cols = np.mgrid[0 : dataset.height, 0 : dataset.width] + 0.5
        inside = np.stack(
            [shapely.contains_xy(one, *(dataset.transform @ (cols, rows))) for one in features.geometries]
        )
    keys = {
        "later feature": np.arange(len(codes)), "earlier feature": -np.arange(len(codes)),
        "smaller feature": -shapely.area(features.geometries), "larger class value": codes,
    }  # fmt: skip
    assert (inside.sum(axis=0) > 1).any()
    for rule in OVERLAP_RULES:
        label = make(str(source), like, field="class_id", overlaps=rule, ignore_nodata=False)[0]["output"]
        ranks = np.lexsort((np.arange(len(codes)), keys[rule])).argsort()  # of equals the later one is seen
        seen = np.where(inside, ranks[:, None, None], -1).argmax(axis=0)
        assert np.array_equal(label, np.where(inside.any(axis=0), codes[seen], 0)), rule


def test_outside_the_areas_pixels_are_ignored(make, make_layer, image, recorder):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 20, 10)])
    areas = make_layer("areas.gpkg", [shapely.box(10, 0, 30, 20), shapely.box(40, 30, 60, 40)])
    pixels, result = make(layer, image, areas=areas)
    label = pixels["output"]
    assert (label[5, [5, 15, 25, 35]].tolist(), label[35, 50]) == ([IGNORE, 1, 0, IGNORE], 0)
    counts = {"0": 20 * 20 + 20 * 10 - 100, "1": 100}
    assert json.loads(result.class_counts) == counts
    assert result.ignored_share == round(100 * (2400 - 600) / 2400, 3)
    assert any("ignored 1800" in text for text in recorder.notes)


def test_areas_must_be_polygons_on_the_image(make, make_layer, image):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 20, 10)])
    with pytest.raises(InputError, match="holds lines or points"):
        make(layer, image, areas=make_layer("a.gpkg", [shapely.Point(5, 5)]))
    with pytest.raises(InputError, match=r"No feature of .*far\.gpkg"):
        make(layer, image, areas=make_layer("far.gpkg", [shapely.box(900, 0, 910, 10)]))


def test_sparse_fields_are_complete_within_their_squares(make, data):
    folder = data / "fields_s2_flanders"
    like = str(folder / "s2_nir_red_green_byte.tif")
    label = make(str(folder / "fields.gpkg"), like, areas=str(folder / "locations.gpkg"))[0]["output"]
    everywhere = make(str(folder / "fields.gpkg"), like)[0]["output"]
    squares = make(str(folder / "locations.gpkg"), like, ignore_nodata=False)[0]["output"] == 1
    assert (label[~squares] == IGNORE).all()
    assert np.array_equal(label[squares], everywhere[squares])
    assert 0 < squares.mean() < 0.1


@pytest.mark.parametrize(("options", "expected"), [
    ({}, [IGNORE, IGNORE, 1]), ({"zero_nodata": False}, [1, IGNORE, 1]), ({"ignore_nodata": False}, [1, 1, 1]),
])  # fmt: skip
def test_pixels_without_image_data_are_ignored_also_under_labels(make, make_layer, make_raster, options, expected):
    image = np.ones((3, *SHAPE), np.uint8)
    image[:, 5, 5], image[:, 5, 15], image[:2, 5, 25] = 0, 7, 0
    like = make_raster("gaps.tif", image, nodata=7)
    label = make(make_layer("l.gpkg", [shapely.box(0, 0, 60, 40)]), like, **options)[0]["output"]
    assert label[5, [5, 15, 25]].tolist() == expected
    assert (label == 1).sum() == 2400 - expected.count(IGNORE)


def test_an_image_without_gaps_is_not_read(make, make_layer, make_raster, monkeypatch):
    like = make_raster("plain.tif", np.zeros((3, *SHAPE), np.uint8))
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.labels.canvas.read_shown", None)
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 60, 40)])
    assert (make(layer, like, zero_nodata=False)[0]["output"] == 1).all()


def test_nothing_but_ignored_pixels_is_told(make, make_layer, make_raster, recorder):
    like = make_raster("black.tif", np.zeros((3, *SHAPE), np.uint8))
    _, result = make(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)]), like)
    assert (result.class_count, result.labelled_share, result.ignored_share) == (0, 0, 100)
    assert any("All pixels are ignored" in text for text in recorder.warnings)


def test_boundaries_become_a_class_of_their_own(make, make_layer, image):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], code=[4, 4])
    pixels, result = make(layer, image, field="code", boundary="class of its own", instances=True)
    row = pixels["output"][3].tolist()
    assert row[:22] == [4] * 8 + [5] * 4 + [4] * 6 + [5] * 2 + [0] * 2
    assert pixels["output"][:10, 3].tolist() == [4] * 8 + [5] * 2
    assert pixels["instances"][3, :21].tolist() == [1] * 10 + [2] * 10 + [0]
    with rasterio.open(result.output) as dataset:
        assert read_class_table(dataset).names == ("background", "class 4", "boundary")


def test_boundaries_may_be_ignored_and_need_room(make, make_layer, image):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 10, 10)], code=[65534])
    label = make(layer, image, field="code", boundary="ignore", boundary_width=1)[0]["output"]
    assert label[3, 7:11].tolist() == [65534, 65534, 65535, 0]
    with pytest.raises(InputError, match="no class value left"):
        make(layer, image, field="code", boundary="class of its own")


def test_features_that_mean_background_are_no_objects(make, make_layer, image):
    shapes = [shapely.box(0, 0, 30, 30), shapely.box(10, 10, 20, 20), shapely.box(40, 0, 50, 30)]
    layer = make_layer("l.gpkg", shapes, code=[1.0, 0.0, np.nan])
    pixels, _ = make(layer, image, field="code", instances=True, weights=True, boundary="ignore", boundary_width=1)
    assert pixels["instances"][15, [5, 15, 45]].tolist() == [1, 0, 3]
    assert pixels["output"][15, [5, 9, 10, 15, 45]].tolist() == [1, IGNORE, 0, 0, IGNORE]
    first, third = (distance_transform_edt(pixels["instances"] != one) for one in (1, 3))
    expected = 1 + 10 * np.exp(-((first + third) ** 2) / 50)
    np.testing.assert_allclose(pixels["weights"], np.where(pixels["instances"] == 0, expected, 1), rtol=2e-6)


def test_numbers_are_places_in_the_layers(make, make_layer, image):
    layer = make_layer("l.gpkg", [None, shapely.box(0, 0, 9, 9), shapely.Polygon()])
    below = make_layer("below.gpkg", [shapely.box(0, 0, 1, 1), shapely.box(20, 0, 29, 9)])
    assert set(np.unique(make(layer, image, more_labels=[below], instances=True)[0]["instances"])) == {0, 2, 5}


def test_the_real_instances_come_out_as_they_are(make, data):
    folder = data / "odd_raster" / "derived"
    like = str(folder / "base_rgb_uint8.tif")
    made = make(str(folder / "base_labels.gpkg"), like, instances=True)[0]["instances"]
    with rasterio.open(folder / "base_instances_int32.tif") as truth:
        true = truth.read(1)
    assert made.dtype == np.int32
    assert np.array_equal(made, true)


def test_further_results_describe_themselves(make, make_layer, image):
    _, result = make(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)]), image, instances=True, weights=True)
    for path, dtype, nodata, name in (
        (result.instances, "int32", 0, "instance"), (result.weights, "float32", None, "weight")
    ):  # fmt: skip
        with rasterio.open(path) as dataset:
            assert (dataset.dtypes, dataset.nodata, dataset.descriptions) == ((dtype,), nodata, (name,))
            assert "rasterizelabels" in dataset.tags()["GEOSEG_REQUEST"]


@pytest.mark.parametrize("all_touched", [False, True])
def test_blocks_are_the_whole_in_every_result(make, make_layer, make_raster, monkeypatch, all_touched):
    random = np.random.default_rng(3)
    centres = random.uniform(0, 300, (60, 2))
    shapes = [shapely.Point(*one).buffer(random.uniform(2, 15)) for one in centres]
    layer = make_layer("l.gpkg", shapes, code=random.integers(0, 4, 60))
    areas = make_layer("areas.gpkg", [shapely.Point(150, 150).buffer(140)])
    pixels = random.integers(0, 2, (2, 300, 280)).astype(np.uint8)
    like = make_raster("like.tif", pixels)
    options = {
        "field": "code", "areas": areas, "boundary": "class of its own", "boundary_width": 3, "border_sigma": 3,
        "overlaps": "smaller feature", "instances": True, "weights": True, "all_touched": all_touched,
    }  # fmt: skip
    whole, one = make(layer, like, **options)
    monkeypatch.setattr(rasterize, "block_shape", lambda width, pixel_bytes: (48, 80))
    parts, other = make(layer, like, **options)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)
    assert one == other


def test_results_arrive_together_or_not_at_all(make, make_layer, image, tmp_path, monkeypatch):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)])
    before = sorted(path.name for path in tmp_path.iterdir())
    whole = completeness.check_whole

    def full_disk(path):
        whole(path)
        if path.name == "weights.tif":
            raise OutputError("cut short", "Make room.")

    monkeypatch.setattr(completeness, "check_whole", full_disk)
    with pytest.raises(OutputError, match="cut short"):
        make(layer, image, instances=True, weights=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_results_need_places_of_their_own(tmp_path):
    same = str(tmp_path / "a.tif")
    with pytest.raises(RequestError, match="same file"):
        RasterizeLabels(labels="l.gpkg", like="i.tif", output=same, weights=same)


def test_blocks_are_bounded():
    rows, cols = writing.block_shape(100_000, rasterize._NUMBERED_BYTES)
    assert rows * cols * rasterize._NUMBERED_BYTES <= 64 * 1024 * 1024

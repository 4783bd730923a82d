"""Labels on the grid of an image, against areas that are known to the pixel."""

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.labels.burner import Burner
from geoseg.geoseg_plugin.engine.labels.layer import read_label_layer
from geoseg.geoseg_plugin.engine.labels.rasterize import rasterize_labels
from geoseg.geoseg_plugin.engine.raster import blocks
from geoseg.geoseg_plugin.engine.vector import reproject, write_features
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window


@pytest.fixture
def burn(tmp_path, recorder):
    def run(labels, like, **options):
        request = RasterizeLabels(labels=labels, like=like, output=str(tmp_path / "out.tif"), **options)
        result = rasterize_labels(request, recorder)
        with rasterio.open(result.output) as dataset:
            return dataset.read(1), result, read_class_table(dataset)

    return run


@pytest.fixture
def image(make_raster):
    return make_raster("image.tif", np.ones((3, 40, 60), np.uint8))


def test_a_box_becomes_exactly_its_pixels(burn, make_layer, image):
    label, result, table = burn(make_layer("house.gpkg", [shapely.box(10, 5, 20, 15)]), image)
    expected = np.zeros((40, 60), np.uint8)
    expected[5:15, 10:20] = 1
    assert np.array_equal(label, expected)
    assert (result.class_count, result.labelled_share) == (2, round(100 * 100 / 2400, 3))
    assert table.names == ("background", "house")


def test_the_result_describes_itself(burn, make_layer, image, tmp_path):
    _, result, _ = burn(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)], kind=["roof"]), image, field="kind")
    with rasterio.open(result.output) as opened:
        assert opened.nodata == 255
        assert opened.colormap(1)[1] == (0xD7, 0x30, 0x1F, 255)
        assert opened.colormap(1)[255][3] == 0
        assert "rasterizelabels" in opened.tags()["GEOSEG_REQUEST"]
        assert opened.tags()["GEOSEG_VERSION"]
    assert (tmp_path / "out.qml").is_file()
    assert "<Category>roof</Category>" in (tmp_path / "out.tif.aux.xml").read_text()


def test_texts_get_values_in_alphabetical_order_and_later_features_win(burn, make_layer, image):
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(5, 5, 15, 15), shapely.box(30, 0, 40, 10)]
    label, _, table = burn(make_layer("l.gpkg", shapes, kind=["tree", "road", "tree"]), image, field="kind")
    assert table.names == ("background", "road", "tree")
    assert (label[0, 0], label[7, 7], label[12, 12], label[5, 35], label[39, 59]) == (2, 1, 1, 2, 0)


def test_whole_numbers_are_class_values(burn, make_layer, image):
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)]
    label, _, table = burn(make_layer("l.gpkg", shapes, code=[7.0, 300.0]), image, field="code")
    assert label.dtype == np.uint16
    assert (label[5, 5], label[5, 25], label[20, 50]) == (7, 300, 0)
    assert table.values == (0, 7, 300)


@pytest.mark.parametrize(("value", "shown"), [(1.5, "1.5"), (-1.0, "-1"), (65535.0, "65535")])
def test_values_that_are_no_class_are_refused(burn, make_layer, image, value, shown):
    with pytest.raises(InputError, match=shown):
        burn(make_layer("l.gpkg", [shapely.box(0, 0, 10, 10)], code=[value]), image, field="code")


@pytest.mark.parametrize("values", [["2020-01-01", "2020-01-02"], ["2020-01-01T10:00:00", "NaT"]])
def test_dates_are_no_classes(burn, make_layer, image, values):
    labels = make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)] * 2, seen=np.array(values, "datetime64[ms]"))
    with pytest.raises(InputError, match=r"'seen' of .* holds dates"):
        burn(labels, image, field="seen")


def test_features_without_a_class_are_ignored_and_counted(burn, make_layer, image, recorder):
    parts = shapely.MultiPolygon([shapely.box(20, 0, 30, 10), shapely.box(35, 0, 40, 10)])
    shapes = [shapely.box(0, 0, 10, 10), parts, *[shapely.box(900, 0, 910, 10)] * 3]
    label, _, _ = burn(make_layer("l.gpkg", shapes, code=[2.0, *[np.nan] * 4]), image, field="code")
    assert (label[5, 5], label[5, 25], label[5, 37], label[20, 50]) == (2, 255, 255, 0)
    assert any("1 of 2 features on" in text and "have no value" in text for text in recorder.warnings)


def test_background_may_be_ignored_or_have_a_value(burn, make_layer, image):
    layer = make_layer("l.gpkg", [shapely.box(0, 0, 10, 10)], kind=["roof"])
    label, result, table = burn(layer, image, field="kind", background="ignore")
    assert set(np.unique(label)) == {1, 255}
    assert result.class_count == 1
    assert table.names == ("roof",)
    label, _, _ = burn(layer, image, field="kind", background="9")
    assert set(np.unique(label)) == {1, 9}


def test_a_background_that_is_also_a_named_class_is_refused(burn, make_layer, image):
    with pytest.raises(InputError, match="also the value of 'roof'"):
        burn(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)], kind=["roof"]), image, field="kind", background="1")


def test_all_touched_burns_what_centres_miss(burn, make_layer, image, recorder):
    layer = make_layer("l.gpkg", [shapely.box(10.6, 10.6, 10.9, 10.9)])
    label, result, _ = burn(layer, image)
    assert (label.sum(), result.labelled_share) == (0, 0)
    assert any("No pixel was labelled" in text for text in recorder.warnings)
    assert burn(layer, image, all_touched=True)[0].sum() == 1


def test_lines_and_points_burn_too(burn, make_layer, image, recorder):
    shapes = [shapely.LineString([(0.5, 20.5), (59.5, 20.5)]), shapely.Point(5.5, 5.5)]
    label, _, _ = burn(make_layer("l.gpkg", shapes, code=[1, 2]), image, field="code")
    assert (label[20] == 1).all()
    assert label[5, 5] == 2
    assert np.count_nonzero(label) == 61
    assert any("2 lines or points of" in text and "one pixel wide" in text for text in recorder.notes)


@pytest.mark.parametrize("transform", [
    Affine(0.5, 0, 500_000, 0, 0.5, 4_999_980),
    Affine.translation(500_010, 4_999_990) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5),
])  # fmt: skip
def test_south_up_and_rotated_grids(burn, make_layer, make_raster, transform):
    like = make_raster("odd.tif", np.zeros((1, 40, 60), np.uint8), transform=transform)
    box = shapely.box(10.2, 5.2, 30.2, 25.2)
    label, _, _ = burn(make_layer("l.gpkg", [box]), like)
    rows, cols = np.mgrid[0:40, 0:60] + 0.5
    x, y = transform @ (cols, rows)
    assert np.array_equal(label == 1, shapely.contains_xy(box, (x - 500_000) / 0.5, (5_000_000 - y) / 0.5))


def test_labels_in_another_crs_land_on_the_same_pixels(burn, make_layer, make_raster, tmp_path):
    image = make_raster("image.tif", np.zeros((1, 400, 400), np.uint8))
    shapes = [shapely.Point(200.3, 200.3).buffer(90), shapely.box(20.3, 20.3, 60.3, 50.3)]
    here, _, _ = burn(make_layer("utm.gpkg", shapes), image)
    _, _, wkb, _ = pyogrio.raw.read(tmp_path / "utm.gpkg")
    moved = reproject(shapely.from_wkb(wkb), CRS.from_epsg(32633), CRS.from_epsg(4326))
    write_features(tmp_path / "wgs.geojson", moved, {}, CRS.from_epsg(4326), geometry_type="Polygon")
    there, _, _ = burn(str(tmp_path / "wgs.geojson"), image)
    # GeoJSON keeps 7 decimals (about a centimetre, 0.02 pixels), so pixels whose centre is on the edge may turn.
    assert np.count_nonzero(here != there) <= 0.02 * np.count_nonzero(here)


def test_a_missing_crs_on_one_side_is_an_error_and_on_both_a_warning(burn, make_layer, make_raster, image, recorder):
    bare = make_layer("bare.gpkg", [shapely.box(0, 0, 9, 9)], crs=None)
    with pytest.raises(InputError, match="has no CRS"):
        burn(bare, image)
    plain = make_raster("plain.tif", np.zeros((1, 40, 60), np.uint8), crs=None)
    with pytest.raises(InputError, match=r"plain\.tif has no CRS"):
        burn(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)]), plain)
    assert burn(bare, plain)[0].sum() == 81
    assert any("Neither" in text for text in recorder.warnings)


def test_labels_elsewhere_are_refused_with_both_places(burn, make_layer, image):
    with pytest.raises(InputError, match=r"x 500500.*60 x 40 pixels"):
        burn(make_layer("l.gpkg", [shapely.box(1000, 0, 1010, 10)]), image)


def test_invalid_missing_and_empty_geometries_are_mended_or_left_out(burn, make_layer, image, recorder):
    bowtie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    label, _, _ = burn(make_layer("l.gpkg", [bowtie, None, shapely.Polygon()]), image)
    assert 40 <= label.sum() <= 60
    assert any("2 of 3 features have no geometry" in text for text in recorder.warnings)
    assert any("1 features with invalid outlines" in text for text in recorder.warnings)


def test_an_unknown_field_lists_those_there_are(burn, make_layer, image):
    with pytest.raises(InputError, match="Its fields are: code"):
        burn(make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)], code=[1]), image, field="kind")


def test_cancelling_leaves_nothing(make_layer, make_raster, make_recorder, tmp_path):
    image = make_raster("big.tif", np.zeros((1, 5000, 40), np.uint8))
    labels = make_layer("l.gpkg", [shapely.box(0, 0, 9, 9)])
    request = RasterizeLabels(labels=labels, like=image, output=str(tmp_path / "out.tif"))
    with pytest.raises(Cancelled):
        rasterize_labels(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [0.3]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.tif", "l.gpkg"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), all_touched=st.booleans(), rows=st.integers(9, 50), cols=st.integers(9, 50))
def test_windows_together_are_the_whole(make_layer, recorder, seed, all_touched, rows, cols):
    random = np.random.default_rng(seed)
    shapes = [shapely.Polygon(random.uniform(-10, 80, (3, 2))) for _ in range(12)]
    shapes += [shapely.LineString(random.uniform(-10, 80, (4, 2))) for _ in range(3)]
    layer = read_label_layer(make_layer("l.gpkg", shapes, code=np.arange(15)), "code", 0, recorder)
    grid = Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), 60, 70)
    burner = Burner(layer, grid, "grid", all_touched=all_touched, report=recorder)
    windows = list(blocks(60, 70, rows, cols))
    for paint in (burner.burn, burner.number):
        whole = paint(Window(0, 0, 70, 60))
        joined = np.zeros_like(whole)
        for window in windows:
            joined[window.toslices()] = paint(window)
        assert np.array_equal(whole, joined)


@pytest.mark.parametrize("all_touched", [False, True])
@pytest.mark.parametrize("fraction", [1, 2, 3])
def test_windows_are_the_whole_where_vertices_lie_on_pixel_corners(tmp_path, recorder, fraction, all_touched):
    random, size, side = np.random.default_rng(fraction), 1500, 0.3
    grid = Grid(CRS.from_epsg(32633), Affine(side, 0, 500_000.15, 0, -side, 5_000_000.35), size, size)

    def draw(count):
        places = np.round(random.uniform(0, size, (count, 2)) * fraction) / fraction
        return np.column_stack([500_000.15 + places[:, 0] * side, 5_000_000.35 - places[:, 1] * side])

    shapes = [shapely.LineString(draw(2)) for _ in range(40)] + [shapely.Point(draw(1)[0]) for _ in range(20)]
    shapes += [shapely.Polygon(draw(3)) for _ in range(10)] + [shapely.MultiPoint(draw(5)).convex_hull]
    codes = {"code": np.arange(len(shapes))}
    write_features(tmp_path / "l.gpkg", np.array(shapes), codes, grid.crs, geometry_type="Unknown")
    layer = read_label_layer(str(tmp_path / "l.gpkg"), "code", 0, recorder)
    burner = Burner(layer, grid, "grid", all_touched=all_touched, report=recorder)
    whole = burner.burn(Window(0, 0, size, size))
    for rows, cols in ((256, size), (500, 500), (199, 333)):
        for window in blocks(size, size, rows, cols):
            assert np.array_equal(burner.burn(window), whole[window.toslices()])


def test_the_real_buildings_come_out_as_their_true_label(burn, data):
    folder = data / "odd_raster" / "derived"
    image = str(folder / "base_rgb_uint8.tif")
    label, _, _ = burn(str(folder / "base_labels.gpkg"), image, ignore_nodata=False)
    with rasterio.open(folder / "base_label.tif") as truth:
        assert np.array_equal(label, truth.read(1))

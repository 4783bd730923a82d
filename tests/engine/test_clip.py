"""Clipping: exact pixels, the right grid, and everything a raster says about itself."""

import json

import numpy as np
import pyogrio
import pytest
import rasterio
import rasterio.shutil
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.imagery import COG, GEOTIFF, LIKE_GRID, ClipRaster
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.clip import clip_raster
from geoseg.geoseg_plugin.engine.labels.rasterize import rasterize_labels
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.warp import transform_bounds
from rasterio.windows import Window

HEIGHT, WIDTH = 120, 160


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(1, 250, (3, HEIGHT, WIDTH)).astype(np.uint8)


@pytest.fixture
def clip(tmp_path, recorder):
    def run(source, **options):
        path = str(tmp_path / "out.tif")
        clip_raster(ClipRaster(input=source, output=path, **options), recorder)
        return path

    return run


def extent(left, top, right, bottom, crs=""):
    """An extent given in pixels of the default grid."""
    x = [500_000 + 0.5 * col for col in (left, right)]
    y = [5_000_000 - 0.5 * row for row in (bottom, top)]
    return f"{x[0]},{x[1]},{y[0]},{y[1]}{f' [{crs}]' if crs else ''}"


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(), Grid.of(dataset)


@pytest.mark.parametrize(("box", "window"), [
    ((10, 20, 50, 60), (10, 20, 50, 60)),
    ((10.4, 20.4, 49.6, 59.6), (10, 20, 50, 60)),
    ((10.001, 20.001, 50.001, 60.001), (10, 20, 50, 60)),
    ((10.02, 20, 50.02, 60), (10, 20, 51, 60)),
    ((-30, -30, 12, 13), (0, 0, 12, 13)),
    ((30.2, 30.2, 30.4, 30.4), (30, 30, 31, 31)),
])  # fmt: skip
def test_an_extent_cuts_whole_pixels(clip, make_raster, pixels, box, window):
    left, top, right, bottom = window
    clipped, grid = read(clip(make_raster("in.tif", pixels), extent=extent(*box)))
    assert np.array_equal(clipped, pixels[:, top:bottom, left:right])
    assert grid.transform.almost_equals(Affine(0.5, 0, 500_000 + left / 2, 0, -0.5, 5_000_000 - top / 2))
    assert grid.crs == rasterio.CRS.from_epsg(32633)


def test_an_extent_in_another_crs_covers_the_place(clip, make_raster, pixels):
    source = make_raster("in.tif", pixels)
    west, south, east, north = transform_bounds("EPSG:32633", "EPSG:4326", 500_010, 4_999_960, 500_030, 4_999_980)
    clipped, grid = read(clip(source, extent=f"{west},{east},{south},{north} [EPSG:4326]"))
    assert (grid.bounds.left, grid.bounds.top) == (pytest.approx(500_010, abs=0.51), pytest.approx(4_999_980, abs=0.51))
    row, col = round((5_000_000 - grid.bounds.top) * 2), round((grid.bounds.left - 500_000) * 2)
    assert np.array_equal(clipped, pixels[:, row : row + grid.height, col : col + grid.width])
    assert (grid.height, grid.width) == (pytest.approx(40, abs=1), pytest.approx(40, abs=1))


def test_like_takes_the_extent_and_keeps_the_own_grid(clip, make_raster, pixels):
    like = make_raster("like.tif", np.zeros((1, 7, 9)), transform=Affine(3, 0, 500_010.2, 0, -3, 4_999_990.1))
    clipped, grid = read(clip(make_raster("in.tif", pixels), like=like))
    assert np.array_equal(clipped, pixels[:, 19:62, 20:75])
    assert (grid.height, grid.width) == (43, 55)


def test_snapping_gives_exactly_the_grid_of_like(clip, make_raster, pixels):
    like = make_raster("like.tif", np.zeros((1, 33, 44)), transform=Affine(0.7, 0, 500_003.3, 0, -0.7, 4_999_996.7))
    source = make_raster("in.tif", pixels, nodata=0)
    clipped, grid = read(clip(source, like=like, snap=LIKE_GRID, resampling="nearest"))
    with rasterio.open(like) as dataset:
        assert grid == Grid.of(dataset)
    rows, cols = np.mgrid[0:33, 0:44] + 0.5
    x, y = grid.transform @ (cols, rows)
    near = pixels[:, ((5_000_000 - y) * 2).astype(int), ((x - 500_000) * 2).astype(int)]
    assert np.array_equal(clipped, near)


def test_snapping_to_an_aligned_grid_keeps_pixels(clip, make_raster, pixels):
    like = make_raster("like.tif", np.zeros((1, 20, 30)), transform=Affine(0.5, 0, 500_005, 0, -0.5, 4_999_990))
    clipped, _ = read(clip(make_raster("in.tif", pixels), like=like, snap=LIKE_GRID))
    assert np.array_equal(clipped, pixels[:, 20:40, 10:40])


def test_snapping_across_crs_and_beyond_the_edge_hides_what_is_not_covered(clip, make_raster, pixels):
    west, south, east, north = transform_bounds("EPSG:32633", "EPSG:4326", 499_990, 4_999_960, 500_030, 5_000_010)
    transform = Affine((east - west) / 80, 0, west, 0, (south - north) / 100, north)
    like = make_raster("like.tif", np.zeros((1, 100, 80)), crs="EPSG:4326", transform=transform)
    with rasterio.open(clip(make_raster("in.tif", pixels), like=like, snap=LIKE_GRID)) as dataset:
        shown = dataset.dataset_mask() > 0
        assert dataset.crs.to_epsg() == 4326
        assert dataset.count == 3
    assert not shown[:18].any()
    assert not shown[:, :18].any()
    assert shown[22:, 22:].all()


@pytest.mark.parametrize("says", [
    {"colours": {0: (0, 0, 0, 255), 5: (9, 9, 9, 255)}},
    {"tags": {"GEOSEG_CLASSES": json.dumps(ClassTable.named({0: "ground", 5: "roof"}).to_json())}},
])  # fmt: skip
def test_snapping_invents_no_classes(clip, make_raster, recorder, says):
    classes = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    classes[:, 30:60, 30:60] = 5
    like = make_raster("like.tif", np.zeros((1, 90, 90)), transform=Affine(0.7, 0, 500_003.3, 0, -0.7, 4_999_996.7))
    clipped, _ = read(clip(make_raster("in.tif", classes, **says), like=like, snap=LIKE_GRID))
    assert np.unique(clipped[0]).tolist() == [0, 5]
    assert "nearest" in recorder.notes[0]


def test_snapping_needs_a_crs(clip, make_raster, pixels):
    like = make_raster("like.tif", np.zeros((1, 7, 9)))
    with pytest.raises(InputError, match=r"in\.tif has no CRS"):
        clip(make_raster("in.tif", pixels, crs=None), like=like, snap=LIKE_GRID)


def test_polygons_hide_what_is_outside(clip, make_raster, make_layer, pixels):
    circle = shapely.Point(60, 50).buffer(20.3)
    layer = make_layer("area.gpkg", [circle])
    rows, cols = np.mgrid[29:71, 39:81] + 0.5
    inside = shapely.contains_xy(circle, cols, rows)
    clipped, _ = read(clip(make_raster("with.tif", pixels, nodata=0), mask=layer))
    assert np.array_equal(clipped, pixels[:, 29:71, 39:81] * inside)
    with rasterio.open(clip(make_raster("without.tif", pixels), mask=layer)) as dataset:
        assert np.array_equal(dataset.read(), pixels[:, 29:71, 39:81])
        assert np.array_equal(dataset.dataset_mask() > 0, inside)
        assert not dataset.files[1:]


def test_lines_are_no_mask(clip, make_raster, make_layer, pixels):
    with pytest.raises(InputError, match="lines or points"):
        clip(make_raster("in.tif", pixels), mask=make_layer("l.gpkg", [shapely.LineString([(0, 0), (9, 9)])]))


def test_what_a_raster_says_of_itself_is_kept(clip, make_raster):
    pixels = np.random.default_rng(0).integers(-500, 500, (2, HEIGHT, WIDTH)).astype(np.int16)
    source = make_raster("in.tif", pixels, nodata=-999, names=("VV", "VH"), tags={"SENSOR": "S1"})
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.1, 0.2), (5, 6)
        dataset.units = ("dB", "dB")
        dataset.update_tags(1, POLARISATION="VV", STATISTICS_MEAN="3")
    with rasterio.open(clip(source, extent=extent(10, 10, 40, 40))) as dataset:
        assert (dataset.dtypes[0], dataset.nodata, dataset.descriptions) == ("int16", -999, ("VV", "VH"))
        assert (dataset.scales, dataset.offsets, dataset.units) == ((0.1, 0.2), (5, 6), ("dB", "dB"))
        assert dataset.tags()["SENSOR"] == "S1"
        assert "clipraster" in dataset.tags()["GEOSEG_REQUEST"]
        assert dataset.tags(1) == {"POLARISATION": "VV"}


def test_alpha_mask_and_palette_are_kept(clip, make_raster, pixels):
    alpha = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    alpha[:, 15:] = 255
    rgba = make_raster("rgba.tif", np.concatenate([pixels, alpha]), photometric="RGB", alpha="YES")
    with rasterio.open(clip(rgba, extent=extent(10, 10, 40, 40))) as dataset:
        assert dataset.colorinterp[3] == ColorInterp.alpha
        assert np.array_equal(dataset.read(4), alpha[0, 10:40, 10:40])
    masked = make_raster("masked.tif", pixels, mask=alpha[0])
    with rasterio.open(clip(masked, extent=extent(10, 10, 40, 40))) as dataset:
        assert np.array_equal(dataset.dataset_mask(), alpha[0, 10:40, 10:40])
    colours = {0: (1, 2, 3, 255), 7: (7, 8, 9, 255)}
    palette = make_raster("palette.tif", pixels[:1] % 8, colours=colours)
    with rasterio.open(clip(palette, extent=extent(10, 10, 40, 40))) as dataset:
        assert dataset.colorinterp[0] == ColorInterp.palette
        assert {value: dataset.colormap(1)[value] for value in colours} == colours


@pytest.mark.parametrize("form", [GEOTIFF, COG])
def test_alpha_beside_a_palette_is_kept(clip, make_raster, pixels, form):
    source = make_raster(
        "in.tif", np.stack([pixels[0] % 8, pixels[1] % 2 * 255]), colours={7: (7, 8, 9, 255)}, photometric="palette",
        alpha="yes",
    )  # fmt: skip
    with rasterio.open(clip(source, extent=extent(10, 10, 40, 40), format=form)) as dataset:
        assert dataset.colorinterp == (ColorInterp.palette, ColorInterp.alpha)
        assert dataset.colormap(1)[7] == (7, 8, 9, 255)
        assert np.array_equal(dataset.read(2), pixels[1, 10:40, 10:40] % 2 * 255)


@pytest.mark.parametrize(("band", "dtype"), [(1, "int16"), (2, "uint8")])
def test_a_palette_that_cannot_be_kept_leaves_plain_bands(clip, make_raster, pixels, tmp_path, band, dtype):
    rasterio.shutil.copy(make_raster("in.tif", pixels[:2].astype(dtype)), tmp_path / "in.img", driver="HFA")
    with rasterio.open(tmp_path / "in.img", "r+") as dataset:
        dataset.write_colormap(band, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
    with rasterio.open(clip(str(tmp_path / "in.img"), extent=extent(10, 10, 40, 40))) as dataset:
        assert ColorInterp.palette not in dataset.colorinterp
        assert np.array_equal(dataset.read(), pixels[:2, 10:40, 10:40])


def test_overviews_of_classes_whose_palette_cannot_be_kept_invent_none(clip, make_raster, tmp_path):
    classes = np.tile(np.arange(0, 200, 2, dtype=np.int16), (1, 600, 6))
    rasterio.shutil.copy(make_raster("in.tif", classes), tmp_path / "in.img", driver="HFA")
    with rasterio.open(tmp_path / "in.img", "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 2: (255, 0, 0, 255)})
    path = clip(str(tmp_path / "in.img"), extent=extent(0, 0, 600, 600), format=COG)
    with rasterio.open(path, overview_level=0) as dataset:
        assert not (dataset.read(1) % 2).any()


@pytest.mark.parametrize("form", [GEOTIFF, COG])
def test_tags_of_all_domains_are_kept(clip, make_raster, pixels, recorder, form):
    source = make_raster("in.tif", pixels, tags={"SENSOR": "S1"})
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(ns="IMAGERY", CLOUDCOVER="12")
        dataset.update_tags(ns="RPC", LINE_OFF="1")
        dataset.update_tags(2, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.66")
    with rasterio.open(clip(source, extent=extent(10, 10, 40, 40), format=form)) as dataset:
        assert dataset.tags()["SENSOR"] == "S1"
        assert dataset.tags(ns="IMAGERY") == ({"CLOUDCOVER": "12"} if form == GEOTIFF else {})
        assert any("domain IMAGERY" in text for text in recorder.notes) == (form == COG)
        assert dataset.tags(2, ns="IMAGERY") == {"CENTRAL_WAVELENGTH_UM": "0.66"}
        assert not dataset.tags(ns="RPC")


def test_near_infrared_does_not_become_alpha(clip, make_raster, pixels):
    rgbn = np.concatenate([pixels, 0 * pixels[:1]])
    source = make_raster("rgbn.tif", rgbn, photometric="RGB", alpha="UNSPECIFIED")
    for options in ({"extent": extent(10, 10, 40, 40)}, {"like": make_raster("like.tif", rgbn), "snap": LIKE_GRID}):
        with rasterio.open(clip(source, **options)) as dataset:
            assert dataset.colorinterp[3] == ColorInterp.undefined
            assert (dataset.dataset_mask() > 0).all()


def test_alpha_is_cleared_outside_polygons(clip, make_raster, make_layer, pixels):
    alpha = np.full((1, HEIGHT, WIDTH), 255, np.uint8)
    rgba = make_raster("rgba.tif", np.concatenate([pixels, alpha]), photometric="RGB", alpha="YES")
    triangle = make_layer("t.gpkg", [shapely.Polygon([(10, 10), (40, 10), (10, 40)])])
    with rasterio.open(clip(rgba, mask=triangle)) as dataset:
        assert dataset.read(4)[2, 2] == 255
        assert dataset.read(4)[27, 27] == 0


def test_class_rasters_keep_their_classes_and_style(clip, make_raster, make_layer, pixels, recorder, tmp_path):
    image, labels = make_raster("in.tif", pixels), make_layer("l.gpkg", [shapely.box(5, 5, 50, 50)], kind=["roof"])
    made = str(tmp_path / "classes.tif")
    rasterize_labels(RasterizeLabels(labels=labels, field="kind", like=image, output=made), recorder)
    with rasterio.open(clip(made, extent=extent(0, 0, 30, 30))) as dataset:
        assert read_class_table(dataset).names == ("background", "roof")
    assert (tmp_path / "out.qml").is_file()


def test_south_up_rasters(clip, make_raster, pixels):
    source = make_raster("in.tif", pixels, transform=Affine(0.5, 0, 500_000, 0, 0.5, 4_999_940))
    clipped, grid = read(clip(source, extent=extent(10, 20, 50, 60)))
    assert np.array_equal(clipped, pixels[:, 60:100, 10:50])
    assert grid.bounds == (500_005, 4_999_970, 500_025, 4_999_990)


def test_rotated_rasters_are_cut_along_their_own_rows(clip, make_raster, pixels):
    turned = Affine.translation(500_000, 5_000_000) @ Affine.rotation(-30) @ Affine.scale(0.5, -0.5)
    source = make_raster("in.tif", pixels, transform=turned)
    x, y = turned @ (80, 60)
    clipped, grid = read(clip(source, extent=f"{x - 5},{x + 5},{y - 5},{y + 5}"))
    col, row = ~turned @ (grid.transform.c, grid.transform.f)
    window = Window(round(col), round(row), grid.width, grid.height)
    assert (col, row) == (pytest.approx(window.col_off, abs=1e-6), pytest.approx(window.row_off, abs=1e-6))
    assert np.array_equal(clipped, pixels[:, *window.toslices()])
    reach = 10 * (np.cos(np.pi / 6) + np.sin(np.pi / 6))
    assert (grid.width, grid.height) == (pytest.approx(2 * reach, abs=2), pytest.approx(2 * reach, abs=2))


@pytest.mark.parametrize("options", [{"snap": LIKE_GRID}, {}])
def test_rasters_that_do_not_overlap_are_refused_with_both_extents(clip, make_raster, pixels, options):
    like = make_raster("like.tif", np.zeros((1, 7, 9)), transform=Affine(0.5, 0, 600_000, 0, -0.5, 5_000_000))
    with pytest.raises(InputError, match=r"x 600000 to 600004.*160 x 120 pixels"):
        clip(make_raster("in.tif", pixels), like=like, **options)


def test_polygons_elsewhere_are_refused(clip, make_raster, make_layer, pixels):
    with pytest.raises(InputError, match="No feature of"):
        clip(make_raster("in.tif", pixels), mask=make_layer("l.gpkg", [shapely.box(900, 900, 910, 910)]))


def test_a_missing_crs_is_an_error_on_one_side_and_a_warning_on_both(clip, make_raster, pixels, recorder):
    bare = make_raster("bare.tif", pixels, crs=None)
    with pytest.raises(InputError, match=r"bare\.tif has no CRS"):
        clip(bare, like=make_raster("like.tif", np.zeros((1, 7, 9))))
    with pytest.raises(InputError, match="EXTENT has one"):
        clip(bare, extent=extent(0, 0, 10, 10, "EPSG:32633"))
    clipped, _ = read(clip(bare, like=make_raster("plain.tif", np.zeros((1, 7, 9)), crs=None)))
    assert np.array_equal(clipped, pixels[:, :7, :9])
    assert any("Neither" in text for text in recorder.warnings)


def test_blocks_join_without_seams(clip, make_raster):
    pixels = np.arange(2100 * 2200, dtype=np.uint32).reshape(1, 2100, 2200)
    clipped, _ = read(clip(make_raster("big.tif", pixels), extent=extent(20, 10, 2190, 2095)))
    assert np.array_equal(clipped, pixels[:, 10:2095, 20:2190])


def test_cancelling_leaves_nothing(make_raster, make_recorder, tmp_path):
    source = make_raster("big.tif", np.zeros((1, 4200, 300), np.uint8))
    request = ClipRaster(input=source, extent=extent(0, 0, 300, 4200), output=str(tmp_path / "out.tif"))
    with pytest.raises(Cancelled):
        clip_raster(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [0.3]))
    assert [path.name for path in tmp_path.iterdir()] == ["big.tif"]


def test_the_real_region_of_interest_is_the_same_in_both_crs(clip, data, tmp_path):
    folder = data / "painted_cornfield"
    areas = [str(folder / f"roi_{code}.gpkg") for code in (32633, 3857)]
    masks = []
    for area in areas:
        with rasterio.open(clip(str(folder / "fotomap_rgba.tif"), mask=area)) as dataset:
            masks.append((Grid.of(dataset), dataset.read(4)))
    assert masks[0][0].is_same(masks[1][0])
    assert np.mean(masks[0][1] != masks[1][1]) < 1e-4
    assert pyogrio.read_info(areas[1])["crs"] == "EPSG:3857"


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_a_new_nodata_value_takes_the_place_of_the_old(clip, make_raster, pixels, dtype):
    """In 8 bit pixels are missing where all bands have nodata, else bands each for itself."""
    pixels = np.maximum(pixels[:2], 8).astype(dtype)
    pixels[:, 10:20], pixels[0, 30:40] = 7, 7
    source = make_raster("in.tif", pixels, nodata=7)
    clipped, _ = read(clip(source, extent=extent(0, 0, 160, 120), nodata=5))
    assert (clipped[:, 10:20] == 5).all()
    assert (clipped[0, 30:40] == (7 if dtype == "uint8" else 5)).all()
    assert np.array_equal(clipped[1, 30:], pixels[1, 30:])


@pytest.mark.parametrize("hides", ["mask", "alpha", "nan"])
def test_a_nodata_value_takes_the_place_of_masks_alpha_and_missing_numbers(clip, make_raster, pixels, hides):
    hidden = np.zeros((HEIGHT, WIDTH), np.bool_)
    hidden[10:20, 5:90] = True
    if hides == "alpha":
        alpha = np.where(hidden, 0, 255).astype(np.uint8)
        source = make_raster("in.tif", np.concatenate([pixels, alpha[None]]), photometric="RGB", alpha="YES")
    elif hides == "mask":
        source = make_raster("in.tif", pixels, mask=~hidden)
    else:
        source = make_raster("in.tif", np.where(hidden, np.nan, pixels).astype(np.float32))
    clipped, _ = read(clip(source, extent=extent(0, 0, 160, 120), nodata=255))
    assert np.array_equal((clipped[:3] == 255).all(axis=0), hidden)
    assert np.array_equal(clipped[:3, ~hidden], pixels[:, ~hidden])


def test_polygons_between_pixel_centres_and_apart_from_the_extent(clip, make_raster, make_layer, pixels, recorder):
    source = make_raster("in.tif", pixels)
    clip(source, mask=make_layer("small.gpkg", [shapely.box(10.1, 10.1, 10.3, 10.3)]))
    assert "No pixel has its centre within the polygons" in recorder.warnings[0]
    with pytest.raises(InputError, match=r"lies on the part of .*in\.tif that EXTENT covers"):
        clip(source, mask=make_layer("far.gpkg", [shapely.box(100, 100, 110, 110)]), extent=extent(0, 0, 50, 50))


def test_places_by_control_points_alone_are_refused(clip, make_raster, pixels):
    corners = [(0, 0), (0, WIDTH), (HEIGHT, 0)]
    points = [GroundControlPoint(row, col, 500_000 + col / 2, 5_000_000 - row / 2) for row, col in corners]
    source = make_raster("in.tif", pixels, crs=None, transform=Affine.identity())
    with rasterio.open(source, "r+") as dataset:
        dataset.gcps = points, rasterio.CRS.from_epsg(32633)
    with pytest.raises(InputError, match="ground control points alone"):
        clip(source, extent="0,10,0,10")


def test_the_whole_world_cuts_nothing_off(clip, make_raster, pixels):
    source = make_raster("in.tif", pixels)
    assert np.array_equal(read(clip(source, extent="-180,180,-90,90 [EPSG:4326]"))[0], pixels)


def test_a_cog_has_the_same_pixels_and_polygons(clip, make_raster, make_layer, pixels):
    source, layer = make_raster("in.tif", pixels), make_layer("area.gpkg", [shapely.Point(60, 50).buffer(20.3)])
    with rasterio.open(clip(source, mask=layer)) as dataset:
        plain, mask, grid = dataset.read(), dataset.dataset_mask(), Grid.of(dataset)
    with rasterio.open(clip(source, mask=layer, format=COG)) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.array_equal(dataset.read(), plain)
        assert np.array_equal(dataset.dataset_mask(), mask)
        assert Grid.of(dataset) == grid


def test_point_rasters_keep_their_place(clip, make_raster, pixels):
    clipped = clip(make_raster("in.tif", pixels, tags={"AREA_OR_POINT": "Point"}), extent=extent(10, 20, 50, 60))
    with rasterio.open(clipped) as dataset:
        assert dataset.tags()["AREA_OR_POINT"] == "Point"
        assert (dataset.transform.c, dataset.transform.f) == (500_005, 4_999_990)
        assert np.array_equal(dataset.read(), pixels[:, 20:60, 10:50])


@pytest.mark.parametrize("window", [(0, 0, 30, 20), (25, 31, 90, 88)])
def test_real_scenes_are_copied_exactly(clip, data, window):
    left, top, right, bottom = window
    for name in (
        "sen1floods11_spain/S1_VV_VH.tif", "landsat8_cloud/l8_9bands_uint16.tif", "landsat8_cloud/cloud_label.tif",
        "naip_rgbn_timeseries/m_4709963_se_14_1_20120731.tif", "s2_wetland_rcr/s2_8bands_uint8.tif",
        "historical_map/map_compress.tif", "odd_raster/real/cog_rgb_mask.tif",
    ):  # fmt: skip
        with rasterio.open(data / name) as dataset:
            truth = dataset.read(window=Window(left, top, right - left, bottom - top))
            shown = dataset.dataset_mask(window=Window(left, top, right - left, bottom - top))
            (west, north), (east, south) = dataset.transform @ (left, top), dataset.transform @ (right, bottom)
        with rasterio.open(clip(str(data / name), extent=f"{west!r},{east!r},{south!r},{north!r}")) as dataset:
            assert np.array_equal(dataset.read(), truth, equal_nan=truth.dtype.kind == "f"), name
            assert np.array_equal(dataset.dataset_mask(), shown), name

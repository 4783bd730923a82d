"""Clipping against what others make of the same: gdal_translate, gdalwarp and rasterio.mask, pixel by pixel."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.mask
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.stages.imagery import LIKE_GRID, ClipRaster
from geoseg.geoseg_plugin.engine.imagery.clip import clip_raster

# rasterio.mask itself multiplies in a way that a later affine will not know.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
HEIGHT, WIDTH = 120, 160
METHODS = {"nearest": "near", "bilinear": "bilinear", "cubic": "cubic", "average": "average"}
LIKES = {
    "inside": Affine(0.7, 0, 500_003.3, 0, -0.7, 4_999_996.7),
    "finer and beyond the corner": Affine(0.3, 0, 499_993.3, 0, -0.3, 5_000_005.7),
    "coarser and not square": Affine(1.7, 0, 500_001.1, 0, -1.2, 4_999_999.3),
    "half a pixel off": Affine(0.5, 0, 500_005.25, 0, -0.5, 4_999_990.25),
}


@pytest.fixture
def clip(tmp_path, recorder):
    def run(source, **options):
        path = str(tmp_path / "out.tif")
        clip_raster(ClipRaster(input=source, output=path, **options), recorder)
        return read(path)

    return run


@pytest.fixture
def gdal(tmp_path):
    def run(program, *arguments):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        path = str(tmp_path / f"{program}.tif")
        subprocess.run([program, "-q", *map(str, arguments), path], check=True, capture_output=True)
        return read(path)

    return run


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.dataset_mask() > 0, dataset.transform


def scene(make_raster, hides, dtype=np.uint8):
    """A noisy image with a hole, hidden in one of several ways."""
    pixels = np.random.default_rng(3).integers(1, 250, (3, HEIGHT, WIDTH)).astype(dtype)
    shown = np.ones((HEIGHT, WIDTH), np.bool_)
    shown[30:60, 40:90] = False
    pixels[:, ~shown] = 0
    options = {"nothing": {}, "nodata": {"nodata": 0}, "mask": {"mask": shown}, "nan": {"nodata": np.nan}}[hides]
    if hides == "nan":
        pixels[:, ~shown] = np.nan
    return make_raster("in.tif", pixels, **options)


@pytest.mark.parametrize("hides", ["nothing", "nodata", "mask"])
def test_an_extent_on_the_own_grid_is_that_of_gdal_translate(clip, gdal, make_raster, hides):
    source = scene(make_raster, hides)
    pixels, shown, transform = clip(source, extent="500010.25,500060.75,4999951,4999990.5")
    truth = gdal("gdal_translate", "-srcwin", 20, 19, 102, 79, source)
    assert np.array_equal(pixels, truth[0])
    assert np.array_equal(shown, truth[1])
    assert transform == truth[2]


def wholly_within(own, transform, shape):
    """Return (H, W) True for pixels of a grid that lie on the scene, whose grid is `own`, as a whole."""
    rows, cols = np.indices(shape)
    left, top = ~own @ (transform @ (cols, rows))
    right, bottom = ~own @ (transform @ (cols + 1, rows + 1))
    return (left >= 0) & (top >= 0) & (right <= WIDTH) & (bottom <= HEIGHT)


@pytest.mark.parametrize("resampling", METHODS)
@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize("hides", ["nothing", "nodata", "mask", "nan"])
def test_a_grid_of_like_is_that_of_gdalwarp(clip, gdal, make_raster, resampling, like, hides):
    source = scene(make_raster, hides, np.float32 if hides == "nan" else np.uint8)
    with rasterio.open(make_raster("like.tif", np.zeros((1, 40, 50), np.uint8), transform=LIKES[like])) as dataset:
        bounds, transform = dataset.bounds, dataset.transform
    pixels, shown, _ = clip(source, like=dataset.name, snap=LIKE_GRID, resampling=resampling)
    truth, truth_shown, _ = gdal(
        "gdalwarp", "-te", *bounds, "-ts", 50, 40, "-r", METHODS[resampling], "-ovr", "NONE",
        "-wo", f"XSCALE={0.5 / transform.a!r}", "-wo", f"YSCALE={-0.5 / transform.e!r}",
        *([] if hides in ("nodata", "nan") else ["-dstalpha"]), source,
    )  # fmt: skip
    compared = np.ones(shown.shape, np.bool_)
    if resampling == "average":  # along the edges gdalwarp averages the wrong pixels; test_view.py has the truth there
        with rasterio.open(source) as dataset:
            compared = wholly_within(dataset.transform, transform, shown.shape)
    assert np.array_equal(shown[compared], truth_shown[compared])
    both = shown & truth_shown & compared
    if hides == "nodata":  # gdalwarp makes 1 of a 0 in single bands, which would be no gap either
        truth = np.where((truth == 1) & (pixels == 0), 0, truth)
    # GDAL before 3.7 rounds averages another way.
    assert np.abs(pixels[:, both].astype(float) - truth[:3, both]).max() <= (
        1e-4 if hides == "nan" else int(resampling == "average")
    )


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32632"])
def test_nearest_pixels_in_another_crs_are_those_of_gdalwarp(clip, gdal, make_raster, crs):
    source = scene(make_raster, "nodata")
    bounds = rasterio.warp.transform_bounds("EPSG:32633", crs, 500_010, 4_999_950, 500_060, 4_999_990)
    transform = rasterio.transform.from_bounds(*bounds, 90, 70)
    like = make_raster("like.tif", np.zeros((1, 70, 90), np.uint8), crs=crs, transform=transform)
    pixels, shown, _ = clip(source, like=like, snap=LIKE_GRID, resampling="nearest")
    truth = gdal("gdalwarp", "-t_srs", crs, "-te", *map(repr, bounds), "-ts", 90, 70, "-et", 0.001, source)
    assert np.array_equal(pixels, truth[0])
    assert np.array_equal(shown, truth[1])


def shapes():
    return shapely.union(shapely.Point(60.2, 50.1).buffer(20.3), shapely.box(90, 20.6, 130.4, 70)).difference(
        shapely.Point(60, 50).buffer(7.7)
    )


@pytest.mark.parametrize("options", [{}, {"nodata": 7.0}])
@pytest.mark.parametrize("hides", ["nothing", "nodata", "mask"])
def test_polygons_are_cut_as_rasterio_and_gdalwarp_cut_them(clip, gdal, make_raster, make_layer, hides, options):
    source, layer = scene(make_raster, hides), make_layer("area.gpkg", [shapes()])
    pixels, shown, transform = clip(source, mask=layer, **options)
    ground = shapely.transform(shapes(), lambda points: (500_000, 5_000_000) + points * [0.5, -0.5])
    with rasterio.open(source) as dataset:
        truth, truth_transform = rasterio.mask.mask(dataset, [ground], crop=True, filled=False)
    assert transform == truth_transform
    wanted = ~truth.mask.all(axis=0)
    assert np.array_equal(shown, wanted)
    assert np.array_equal(pixels[:, shown], truth.data[:, wanted])
    if options:
        assert (pixels[:, ~shown] == options["nodata"]).all()
    if hides == "mask":
        return  # gdalwarp 3.6 forgets mask bands where it has a cutline
    bounds = rasterio.transform.array_bounds(*shown.shape, transform)
    warped = gdal("gdalwarp", "-cutline", layer, "-te", *bounds, "-tr", 0.5, 0.5, "-dstalpha", source)
    assert np.array_equal(warped[1], shown)


@pytest.mark.parametrize("hides", ["nothing", "nodata", "mask"])
def test_polygons_with_an_extent_or_a_grid(clip, make_raster, make_layer, hides):
    source, layer = scene(make_raster, hides), make_layer("area.gpkg", [shapes()])
    whole, whole_shown, transform = clip(source, mask=layer)
    part, shown, part_transform = clip(source, mask=layer, extent="500030,500060,4999950,4999985")
    col, row = (round(at) for at in ~transform @ (part_transform.c, part_transform.f))
    rows, cols = slice(row, row + shown.shape[0]), slice(col, col + shown.shape[1])
    assert (part_transform.c, part_transform.f) == (500_030, 4_999_985)
    assert np.array_equal(shown, whole_shown[rows, cols])
    assert np.array_equal(part, whole[:, rows, cols])
    like = make_raster("like.tif", np.zeros((1, 200, 300), np.uint8), transform=Affine(0.5, 0, 499_990, 0, -0.5, 5e6))
    grown, grown_shown, _ = clip(source, mask=layer, like=like, snap=LIKE_GRID)
    expected = np.zeros((200, 300), np.bool_)
    left, top = round((transform.c - 499_990) * 2), round((5e6 - transform.f) * 2)
    expected[top : top + whole_shown.shape[0], left : left + whole_shown.shape[1]] = whole_shown
    assert np.array_equal(grown_shown, expected)
    assert np.array_equal(grown[:, expected], whole[:, whole_shown])

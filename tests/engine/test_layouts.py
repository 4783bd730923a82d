"""Every layout through the whole stage on real data, pixel by pixel against rasters read and warped another way."""

import shutil
import subprocess

import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import rasterio.features
import scipy.ndimage
import shapely
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import (
    COVERAGE,
    DLTILE,
    DROP,
    EVEN,
    PAD_NODATA,
    PAD_VALUE,
    RANDOM,
    REFLECT,
    SHIFT,
    SHRINK,
    STRIDE,
    MakeTiles,
)
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.dltile import read_key
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.raster import read_valid
from rasterio.windows import Window

IGNORE = 255


@pytest.fixture
def cut(tmp_path, recorder):
    def run(image, label, *, name="dataset", **options):
        labels = [] if label is None else [str(label)]
        folder = str(tmp_path / name)
        request = MakeTiles(
            images=[str(image)], labels=labels, output=folder, **{"validation": 0, "zero_nodata": False} | options
        )
        make_tiles(request, recorder)
        return open_dataset(folder)

    return run


@pytest.fixture
def square(data):
    """A scene of 400 x 384 pixels and its label."""
    return data / "odd_raster/derived/base_rgb_uint8.tif", data / "odd_raster/derived/base_label.tif"


def places(dataset):
    columns = ["tile", "row", "col", "height", "width"]
    layer = pyogrio.raw.read(dataset.folder / "tiles.gpkg", columns=columns, read_geometry=False)
    found = dict(zip(layer[0]["fields"], layer[3], strict=True))
    return {found["tile"][at]: tuple(int(found[name][at]) for name in columns[1:]) for at in range(len(found["tile"]))}


def read(path, bands=None):
    with rasterio.open(path) as dataset:
        return dataset.read(bands)


def shown(path):
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
        return read_valid(dataset, Window(0, 0, dataset.width, dataset.height), pixels)


def gdal(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def assert_alike(made, truth, *, exact=False):
    """Compare pixels: releases of GDAL round a few of those that lie half-way otherwise."""
    apart = np.abs(made.astype(int) - truth)
    assert apart.max() <= (0 if exact else 1)
    assert np.mean(apart > 0) < 0.01


PADDED = {PAD_NODATA: 0, PAD_VALUE: 77}


@pytest.mark.parametrize("edges", [PAD_NODATA, PAD_VALUE, REFLECT, SHIFT, SHRINK, DROP])
@pytest.mark.parametrize(("size", "stride"), [(150, 130), (448, 448)], ids=["inside", "larger"])
def test_stride(cut, square, edges, size, stride):
    if edges == DROP and size > 400:
        with pytest.raises(InputError, match="No tile of 448 pixels lies wholly inside"):
            cut(*square, layout=STRIDE, edges=edges, tile_size=size, stride=stride)
        return
    dataset = cut(*square, layout=STRIDE, edges=edges, fill=77, tile_size=size, stride=stride)
    image, label = read(square[0]), read(square[1], 1)
    height, width = label.shape
    over = [(0, size)] * 2
    if edges == REFLECT:
        image, label = np.pad(image, [(0, 0), *over], "symmetric"), np.pad(label, over, "symmetric")
    else:
        image = np.pad(image, [(0, 0), *over], constant_values=PADDED.get(edges, 0))
        label = np.pad(label, over, constant_values=IGNORE)
    offsets = (0, 130, 260) if size == 150 else (0,)
    expected = [(row, col, size, size) for row in offsets for col in offsets]
    if edges == SHIFT:
        expected = [(min(row, max(height - size, 0)), min(col, max(width - size, 0)), *s) for row, col, *s in expected]
    if edges == SHRINK:
        expected = [(row, col, min(size, height - row), min(size, width - col)) for row, col, *_ in expected]
    if edges == DROP:
        expected = [one for one in expected if one[0] + size <= height and one[1] + size <= width]
    assert list(places(dataset).values()) == expected
    for tile, (row, col, tall, wide) in zip(dataset.tiles, expected, strict=True):
        part = (slice(row, row + tall), slice(col, col + wide))
        assert tile.id == f"base_rgb_uint8_{row:06d}_{col:06d}"
        assert np.array_equal(read(tile.image), image[:, *part])
        assert np.array_equal(read(tile.label, 1), label[part])
        inside = np.zeros((tall, wide), bool)
        inside[: height - row, : width - col] = True
        assert np.array_equal(shown(tile.image), inside | (edges in (REFLECT, PAD_VALUE)))


def test_random(cut, square, recorder):
    options = {"layout": RANDOM, "count": 40, "tile_size": 96}
    dataset = cut(*square, **options)
    image, label = read(square[0]), read(square[1], 1)
    found = places(dataset)
    assert len(found) == len(set(found.values())) == 40
    for tile in dataset.tiles:
        row, col, height, width = found[tile.id]
        part = (slice(row, row + height), slice(col, col + width))
        assert (height, width) == (96, 96)
        assert row <= 384 - 96
        assert col <= 400 - 96
        assert np.array_equal(read(tile.image), image[:, *part])
        assert np.array_equal(read(tile.label, 1), label[part])
    assert places(cut(*square, name="again", **options)) == found
    assert places(cut(*square, name="other", seed=7, **options)) != found


def test_random_tiles_that_filters_refuse_are_drawn_again(cut, square, recorder):
    label = read(square[1], 1) > 0
    dataset = cut(*square, layout=RANDOM, count=30, tile_size=64, min_labelled=30)
    assert len(dataset.tiles) == 30
    for row, col, height, width in places(dataset).values():
        assert label[row : row + height, col : col + width].mean() >= 0.3
    few = cut(*square, name="few", layout=RANDOM, count=5, tile_size=384)
    assert len(few.tiles) == 5
    assert len(cut(*square, name="all", layout=RANDOM, count=50, tile_size=384).tiles) == 17
    assert any("17" in text and "50" in text for text in [*recorder.warnings, *recorder.notes])


def test_coverage(cut, data, recorder):
    scene, layer = (
        data / "kampala_buildings" / name for name in ("kampala_west_3857.tif", "kampala_west_buildings.geojson")
    )
    dataset = cut(scene, layer, layout=COVERAGE, coverage=str(layer), tile_size=128, edges=PAD_NODATA)
    with rasterio.open(scene) as source:
        image, transform, crs = source.read(), source.transform, source.crs
    shapes = shapely.from_wkb(pyogrio.raw.read(layer)[2])
    lon, lat = shapely.get_coordinates(shapely.centroid(shapes)).T
    xs, ys = rasterio.warp.transform("EPSG:4326", crs, lon, lat)
    cols, rows = np.floor(~transform @ (np.array(xs), np.array(ys))).astype(int)
    kept = (rows >= 0) & (rows < 2048) & (cols >= 0) & (cols < 2048)
    corners = set(zip((rows[kept] - 64).tolist(), (cols[kept] - 64).tolist(), strict=True))
    found = places(dataset)
    assert {one[:2] for one in found.values()} == corners
    assert any(f"{(~kept).sum()} of 65 features" in text for text in recorder.notes)
    padded = np.pad(image, [(0, 0), (64, 64), (64, 64)])
    for tile in dataset.tiles:
        row, col, _, _ = found[tile.id]
        assert np.array_equal(read(tile.image), padded[:, row + 64 : row + 192, col + 64 : col + 192])


@pytest.mark.parametrize(
    ("name", "label", "resolution", "resampling"),
    [
        ("landsat8_cloud/l8_9bands_uint16.tif", "landsat8_cloud/cloud_label.tif", 30.0, "bilinear"),
        ("landsat8_cloud/l8_9bands_uint16.tif", "landsat8_cloud/cloud_label.tif", 25.0, "nearest"),
        ("sen1floods11_spain/S2_13bands.tif", "sen1floods11_spain/water_label.tif", 7.0, "cubic"),
    ],
)
def test_dltile(cut, data, tmp_path, name, label, resolution, resampling):
    dataset = cut(
        data / name, data / label, layout=DLTILE, pixel_size=resolution, padding=8, tile_size=256,
        resampling=resampling,
    )  # fmt: skip
    keys = {tile.id: read_key(tile.id) for tile in dataset.tiles}
    (zone,) = {grid.zone for grid, _, _ in keys.values()}
    assert (dataset.crs, dataset.pixel_size) == (f"EPSG:{32600 + zone}", (resolution, resolution))
    west, north = min(ti for _, ti, _ in keys.values()), max(tj for _, _, tj in keys.values())
    east, south = max(ti for _, ti, _ in keys.values()), min(tj for _, _, tj in keys.values())
    step, around = 240 * resolution, 8 * resolution
    left, top = 500_000 + west * step - around, (north + 1) * step + around
    right, bottom = 500_000 + (east + 1) * step + around, south * step - around
    warp = ["gdalwarp", "-q", "-t_srs", dataset.crs, "-te", left, bottom, right, top, "-tr", resolution, resolution]
    warp += ["-et", 0.001, "-wo", "UNIFIED_SRC_NODATA=YES"]
    gdal(*warp, "-r", resampling, "-dstalpha", data / name, tmp_path / "image.tif")
    gdal(*warp, "-r", "near", "-dstnodata", IGNORE, "-ot", "Byte", data / label, tmp_path / "label.tif")
    image, truth = read(tmp_path / "image.tif"), read(tmp_path / "label.tif", 1)
    truth[image[-1] == 0] = IGNORE
    corner = rasterio.Affine(resolution, 0, left, 0, -resolution, top)
    for tile in dataset.tiles:
        _, ti, tj = keys[tile.id]
        row, col = (north - tj) * 240, (ti - west) * 240
        part = (slice(row, row + 256), slice(col, col + 256))
        with rasterio.open(tile.image) as made:
            assert made.crs == dataset.crs
            assert made.transform.almost_equals(corner @ rasterio.Affine.translation(col, row), 1e-9)
            assert_alike(made.read(), image[:-1, *part], exact=resampling == "nearest")
        assert np.array_equal(read(tile.label, 1), truth[part])
        assert np.array_equal(shown(tile.image), image[-1][part] > 0)


def test_dltile_against_interpolation_by_hand(cut, data):
    # Of EPSG:3857 other releases of GDAL make other pixels.
    scene = data / "kampala_buildings/kampala_west_3857.tif"
    dataset = cut(scene, None, layout=DLTILE, pixel_size=0.06, tile_size=512, resampling="bilinear")
    move = pyproj.Transformer.from_crs(dataset.crs, "EPSG:3857", always_xy=True)
    with rasterio.open(scene) as source:
        image, inverse = source.read().astype(float), ~source.transform
    for tile in dataset.tiles[::5]:
        with rasterio.open(tile.image) as made:
            rows, cols = np.mgrid[0:512, 0:512] + 0.5
            col, row = inverse @ move.transform(*(made.transform @ (cols, rows)))
            inside = (np.minimum(row, col) > 1) & (np.maximum(row, col) < 2047)
            for band, pixels in enumerate(made.read()):
                truth = scipy.ndimage.map_coordinates(image[band], [row - 0.5, col - 0.5], order=1, mode="nearest")
                assert (np.abs(pixels - truth)[inside] < 0.51).all()


def test_dltile_on_both_sides_of_the_antimeridian(cut, data):
    scene = data / "odd_raster/real/cog_dateline.tif"
    dataset = cut(scene, None, layout=DLTILE, pixel_size=150, tile_size=512, resampling="nearest")
    with rasterio.open(scene) as source:
        image, inverse, crs = source.read(1), ~source.transform, source.crs
    zones = set()
    for tile in dataset.tiles:
        with rasterio.open(tile.image) as made:
            zones.add(made.crs.to_epsg() - 32600)
            rows, cols = np.mgrid[0:512, 0:512] + 0.5
            x, y = made.transform @ (cols.ravel(), rows.ravel())
            col, row = inverse @ tuple(map(np.array, rasterio.warp.transform(made.crs, crs, x, y)))
            clear = (np.abs(col - np.round(col)) > 0.01) & (np.abs(row - np.round(row)) > 0.01)
            col, row = np.floor(col).astype(int), np.floor(row).astype(int)
            inside = (row >= 0) & (row < image.shape[0]) & (col >= 0) & (col < image.shape[1])
            truth = np.where(inside, image[np.clip(row, 0, image.shape[0] - 1), np.clip(col, 0, image.shape[1] - 1)], 0)
            assert np.array_equal(made.read(1).ravel()[clear], truth[clear])
            assert np.array_equal(shown(tile.image).ravel()[clear], inside[clear])
    assert zones == {60, 1}


@pytest.mark.parametrize(
    ("size", "resampling", "method"), [(0.11, "bilinear", "near"), (0.45, "average", "mode"), (0.4, "cubic", "mode")]
)
def test_pixel_size(cut, square, tmp_path, size, resampling, method):
    dataset = cut(*square, tile_size=96, pixel_size=size, resampling=resampling, overlap=30)
    gdal("gdalwarp", "-q", "-tr", size, size, "-r", resampling, "-dstalpha", square[0], tmp_path / "image.tif")
    gdal("gdalwarp", "-q", "-tr", size, size, "-r", method, square[1], tmp_path / "label.tif")
    with rasterio.open(tmp_path / "image.tif") as warped:
        image, transform = warped.read([1, 2, 3]), warped.transform
    label = read(tmp_path / "label.tif", 1)
    assert dataset.pixel_size == (size, size)
    bottom, right = 0, 0
    for tile, (row, col, _, _) in zip(dataset.tiles, places(dataset).values(), strict=True):
        part = (slice(row, row + 96), slice(col, col + 96))
        with rasterio.open(tile.image) as made:
            assert made.transform.almost_equals(transform @ rasterio.Affine.translation(col, row), 1e-9)
            assert_alike(made.read(), image[:, *part])
        assert np.array_equal(read(tile.label, 1), label[part])
        bottom, right = max(bottom, row + 96), max(right, col + 96)
    assert (bottom, right) == label.shape


def test_layers_are_burnt_on_the_pixels_of_the_tiles(cut, square, data, tmp_path):
    layer = data / "odd_raster/derived/base_labels.gpkg"
    dataset = cut(square[0], layer, tile_size=64, pixel_size=0.33)
    shapes = shapely.from_wkb(pyogrio.raw.read(layer)[2])
    for tile in dataset.tiles:
        with rasterio.open(tile.label) as made:
            truth = rasterio.features.rasterize(shapes, made.shape, transform=made.transform)
            assert np.array_equal(made.read(1), truth)


def test_bands_and_zeros(cut, data):
    scene = data / "s2_wetland_rcr/s2_8bands_uint8.tif"
    dataset = cut(scene, None, tile_size=256, bands="8,3,2")
    image = read(scene, [8, 3, 2])
    assert len(dataset.bands) == 3
    for tile, (row, col, _, _) in zip(dataset.tiles, places(dataset).values(), strict=True):
        assert np.array_equal(read(tile.image), image[:, row : row + 256, col : col + 256])
    with pytest.raises(RequestError, match="'nir', which does not exist"):
        cut(scene, None, name="none", tile_size=256, bands="nir")


def test_folders_of_scenes_are_paired_with_their_labels(data, tmp_path, recorder):
    scenes = sorted((data / "banepa_buildings/scenes").glob("*.tif"))[:3]
    shapes = shapely.from_wkb(pyogrio.raw.read(data / "banepa_buildings/buildings.gpkg")[2])
    for number, scene in enumerate(scenes):
        (tmp_path / f"in/{number}").mkdir(parents=True)
        shutil.copy(scene, tmp_path / f"in/{number}/{scene.name}")
        with rasterio.open(scene) as source:
            label = rasterio.features.rasterize(shapes, source.shape, transform=source.transform)
            profile = {**source.profile, "count": 1, "compress": "deflate", "photometric": "minisblack"}
        (tmp_path / "truth").mkdir(exist_ok=True)
        with rasterio.open(tmp_path / "truth" / scene.name.replace("banepa", "roofs"), "w", **profile) as made:
            made.write(label, 1)
    request = MakeTiles(
        image_folder=str(tmp_path / "in"), label_folder=str(tmp_path / "truth"), pairing="banepa, roofs",
        tile_size=256, zero_nodata=False, output=str(tmp_path / "dataset"),
    )  # fmt: skip
    make_tiles(request, recorder)
    dataset = open_dataset(request.output)
    assert {tile.scene for tile in dataset.tiles} == {scene.stem for scene in scenes}
    for tile, (row, col, _, _) in zip(dataset.tiles, places(dataset).values(), strict=True):
        truth = read(tmp_path / "truth" / f"{tile.scene.replace('banepa', 'roofs')}.tif", 1)
        assert np.array_equal(read(tile.label, 1), truth[row : row + 256, col : col + 256])


def test_dates_of_one_place_share_a_label_and_stay_together(data, tmp_path, recorder):
    later = data / "naip_rgbn_timeseries/m_4709963_se_14_1_20170827.tif"
    with rasterio.open(later) as source:
        profile, pixels = {**source.profile, "photometric": "minisblack"}, source.read()
    with rasterio.open(tmp_path / "earlier.tif", "w", **profile) as made:
        made.write(pixels[:, ::-1])
    with rasterio.open(tmp_path / "label.tif", "w", **{**profile, "count": 1, "nodata": None}) as made:
        made.write((pixels[3] > 120).astype(np.uint8), 1)
    request = MakeTiles(
        images=(str(later), str(tmp_path / "earlier.tif")), labels=(str(tmp_path / "label.tif"),), tile_size=128,
        overlap=0, output=str(tmp_path / "dataset"),
    )  # fmt: skip
    make_tiles(request, recorder)
    dataset = open_dataset(request.output)
    found, sets = places(dataset), {}
    for tile in dataset.tiles:
        sets.setdefault(found[tile.id], set()).add(tile.split)
    assert all(len(one) == 1 for one in sets.values())
    assert {tile.split for tile in dataset.tiles} >= {"train", "validation"}


def test_what_a_layout_makes_no_use_of_is_warned_of(cut, square, recorder):
    cut(*square, tile_size=256, stride=100, count=7, coverage="c.gpkg")
    assert [text.split()[0] for text in recorder.warnings if "makes no use" in text] == ["COVERAGE", "STRIDE", "COUNT"]


@pytest.mark.parametrize("layout", [EVEN, STRIDE, RANDOM, DLTILE, COVERAGE])
@pytest.mark.parametrize("edges", [SHIFT, PAD_NODATA, REFLECT, SHRINK])
def test_a_raster_smaller_than_a_tile(cut, data, make_layer, tmp_path, layout, edges):
    scene = data / "odd_raster/derived/tiny_5x3.tif"
    with rasterio.open(scene) as source:
        image, (x, y) = source.read(), source.transform @ (2.5, 1.5)
        crs = source.crs
    from geoseg.geoseg_plugin.engine.vector import write_features

    write_features(tmp_path / "c.gpkg", [shapely.Point(x, y)], {}, crs, geometry_type="Point")
    options = {DLTILE: {"pixel_size": 0.15}, COVERAGE: {"coverage": str(tmp_path / "c.gpkg")}}.get(layout, {})
    dataset = cut(scene, None, layout=layout, edges=edges, tile_size=32, resampling="nearest", **options)
    if layout == DLTILE:
        return
    (tile,) = dataset.tiles
    (row, col, height, width) = places(dataset)[tile.id]
    pixels, known = read(tile.image), shown(tile.image)
    assert pixels.shape[1:] == (height, width) == ((3, 5) if edges == SHRINK else (32, 32))
    assert np.array_equal(pixels[:, -row : 3 - row, -col : 5 - col], image)
    assert known.sum() == (32 * 32 if edges == REFLECT else 15)

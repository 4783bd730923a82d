"""Every odd raster through the stages: a right result, or an error that names the file and says what to do.

The files under derived/ show one place, so that what is right is known; those under real/ come from other projects.
`EXPECTED` holds for every file what each stage must make of it: RIGHT, or a piece of the error's text.
"""

import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.run import run

RIGHT = "right"
UNREADABLE = "cannot be opened"
MISSING = "files that do not exist"
DAMAGED = "cannot be read around"
COMPLEX = "complex numbers"
NO_CRS = "has no CRS"
ELSEWHERE = "No feature of"
BEYOND = "has no place in the CRS of"
NO_DATA = "has both image data and labels"
NO_LIMITS = "has no pixels with data"
CLASSES = "holds classes"


@dataclass(frozen=True)
class Expected:
    """What each stage makes of a file. Tiles are made with a square of labels in the middle of the raster."""

    clip: str = RIGHT
    rasterize: str = RIGHT
    tiles: str = RIGHT
    rescale: str = RIGHT
    stack: str = RIGHT
    mosaic: str = RIGHT


GOOD = Expected()
BROKEN = Expected(*[UNREADABLE] * 6)
# Grids can be read, so that labels can be burnt onto them.
HALF_BROKEN = replace(Expected(*[DAMAGED] * 6), rasterize=RIGHT)
IS_COMPLEX = Expected(*[COMPLEX] * 6)

DERIVED = {
    "all_nodata.tif": Expected(tiles=NO_DATA, rescale=NO_LIMITS),
    "bandseq_striped_lzw.tif": GOOD,
    "base_instances_int32.tif": GOOD,
    "base_label.tif": GOOD,
    "base_rgb_uint8.tif": GOOD,
    "constant_127.tif": GOOD,
    "corrupt_middle_block.tif": HALF_BROKEN,
    "dir with space & ünïcode/image 01.tif": GOOD,
    "float32_inf.tif": GOOD,
    "float32_nan_but_no_nodata_tag.tif": GOOD,
    "float32_nan_nodata.tif": GOOD,
    "float32_nodata_-9999.tif": GOOD,
    "huge_offset_1e9.tif": Expected(rasterize=ELSEWHERE),
    "int16_negative.tif": GOOD,
    "internal_mask.tif": GOOD,
    "jpeg2000.jp2": GOOD,
    "mixed_crs_neighbour_3857.tif": GOOD,
    "mixed_crs_neighbour_4326.tif": GOOD,
    "no_crs.tif": Expected(rasterize=NO_CRS),
    "no_georef.tif": Expected(rasterize=NO_CRS, mosaic=NO_CRS),
    "nonsquare_pixels.tif": GOOD,
    "one_band.tif": GOOD,
    "one_bit_mask.tif": Expected(rescale=CLASSES),
    "one_row_400x1.tif": GOOD,
    "palette_label.tif": Expected(rescale=CLASSES),
    "png_worldfile_no_crs.png": Expected(rasterize=NO_CRS),
    "relative.vrt": GOOD,
    "rgba_alpha.tif": GOOD,
    "rotated_30deg.tif": GOOD,
    "south_up.tif": GOOD,
    "text_named_tif.tif": BROKEN,
    "tiny_1x1.tif": GOOD,
    "tiny_5x3.tif": GOOD,
    "truncated_200bytes.tif": BROKEN,
    "truncated_60pct.tif": HALF_BROKEN,
    "two_bands.tif": GOOD,
    "uint16_12bit.tif": GOOD,
    "uint8_nodata0.tif": GOOD,
    "vrt_missing_source.vrt": Expected(*[MISSING] * 6),
    "width_not_multiple_of_32_397x251.tif": GOOD,
    "zero_bytes.tif": BROKEN,
    "建物_здания_भवन é ü.tif": GOOD,
}
REAL = {
    "RGBA.uint16.tif": Expected(rasterize=ELSEWHERE),
    "all-nodata.tif": Expected(rasterize=ELSEWHERE, tiles=NO_DATA, rescale=NO_LIMITS),
    "alpha.tif": Expected(rasterize=ELSEWHERE),
    "cog_cmap.tif": Expected(rasterize=ELSEWHERE, rescale=CLASSES),
    "cog_dateline.tif": Expected(rasterize=ELSEWHERE),
    "cog_rgb_mask.tif": Expected(rasterize=ELSEWHERE),
    "cog_scale.tif": Expected(rasterize=ELSEWHERE),
    "corrupt.tif": replace(HALF_BROKEN, rasterize=ELSEWHERE),
    "float_nan.tif": Expected(rasterize=NO_CRS, mosaic=NO_CRS),
    "float_raster_with_nodata.tif": Expected(rasterize=ELSEWHERE),
    "geomatrix.tif": Expected(rasterize=ELSEWHERE),
    "goes.tif": Expected(rasterize=BEYOND),
    "image_colormap.tif": Expected(rasterize=ELSEWHERE, rescale=CLASSES),
    "image_nan.tif": Expected(rasterize=ELSEWHERE),
    "image_webp.tif": Expected(rasterize=ELSEWHERE),
    "inverted_lat.tif": Expected(tiles=NO_DATA, rescale=NO_LIMITS),
    "rgb-byte-tenth.tif": Expected(rasterize=ELSEWHERE),
    "rotated.tif": Expected(rasterize=NO_CRS, mosaic=NO_CRS),
    "spacenet4_atlanta_pan_uint16.tif": Expected(rasterize=ELSEWHERE),
    "spacenet6_sar_vh_complex64_rotated.tif": IS_COMPLEX,
    "spacenet6_sar_vv_complex64_rotated.tif": IS_COMPLEX,
    "test_esri_wkt.tif": Expected(rasterize=ELSEWHERE),
    "umbra_sar_rotated.tif": Expected(rasterize=ELSEWHERE),
}
EXPECTED = {f"derived/{name}": one for name, one in DERIVED.items()} | {f"real/{n}": one for n, one in REAL.items()}
LARGE = ("real/cog_cmap.tif", "real/cog_dateline.tif")
# Pixels without data, by nodata value, NaN, infinity, mask band and alpha band, counted from the bare bands and masks.
HIDDEN = {
    "derived/base_rgb_uint8.tif": 0,
    "derived/float32_inf.tif": 2,
    "derived/float32_nan_but_no_nodata_tag.tif": 4800,
    "derived/float32_nan_nodata.tif": 4800,
    "derived/float32_nodata_-9999.tif": 4800,
    "derived/internal_mask.tif": 38400,
    "derived/rgba_alpha.tif": 38400,
    "derived/uint8_nodata0.tif": 24001,
    "real/cog_rgb_mask.tif": 2739,
    "real/float_nan.tif": 1,
    "real/image_nan.tif": 61292,
}


@pytest.fixture
def odd(data):
    return data / "odd_raster"


def check(expectation, name, action):
    """Do the action and return its result, None where it failed as it should."""
    if expectation == RIGHT:
        return action()
    with pytest.raises(GeosegError) as caught:
        action()
    assert expectation in caught.value.message
    assert name.rsplit("/", 1)[-1].rsplit(".", 1)[0] in caught.value.message
    assert caught.value.fix
    return None


def test_the_table_knows_every_file(odd):
    found = {str(path.relative_to(odd)) for path in odd.rglob("*") if path.suffix in (".tif", ".jp2", ".vrt", ".png")}
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_rasterize(name, odd, tmp_path, recorder, data):
    path = str(odd / name)
    labels = str(odd / "derived" / "base_labels.gpkg")
    if name.startswith("real/inverted_lat"):
        labels = str(data / "odd_vector" / "real" / "mixed_crs.gpkg|layername=oregon_4326")
    request = RasterizeLabels(labels=labels, like=path, ignore_nodata=False, output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].rasterize, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(path) as source, rasterio.open(result.output) as made:
        assert Grid.of(made) == Grid.of(source)
        label = made.read(1)
    assert set(np.unique(label)) <= {0, 1}
    if name.startswith("derived/"):
        assert_true_label(label, path, odd)


@pytest.mark.parametrize("name", [f"derived/{name}" for name, one in DERIVED.items() if one.rasterize == RIGHT])
def test_rasterize_ignores_what_the_image_does_not_show(name, odd, tmp_path, recorder):
    path, labels, output = str(odd / name), str(odd / "derived" / "base_labels.gpkg"), str(tmp_path / "out.tif")
    found = []
    for ignore_nodata in (True, False):
        run(RasterizeLabels(labels, like=path, ignore_nodata=ignore_nodata, zero_nodata=False, output=output), recorder)
        with rasterio.open(output) as made:
            found.append(made.read(1))
    ignored = found[0] == 255
    assert np.array_equal(found[0][~ignored], found[1][~ignored])
    assert np.count_nonzero(ignored) == HIDDEN.get(name, np.count_nonzero(ignored))


@pytest.mark.parametrize("name", [f"derived/{name}" for name, one in DERIVED.items() if one == HALF_BROKEN])
def test_rasterize_meets_damage_where_it_looks_for_gaps(name, odd, tmp_path, recorder):
    labels, output = str(odd / "derived" / "base_labels.gpkg"), str(tmp_path / "out.tif")
    check(DAMAGED, name, lambda: run(RasterizeLabels(labels, like=str(odd / name), output=output), recorder))
    assert list(tmp_path.iterdir()) == []


def assert_true_label(label, path, odd):
    """Compare labels with base_label.tif, looked up where the raster's pixels lie on the ground."""
    with rasterio.open(odd / "derived" / "base_label.tif") as dataset:
        truth, there = dataset.read(1), Grid.of(dataset)
    with rasterio.open(path) as dataset:
        grid = Grid.of(dataset)
    rows, cols = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    x, y = grid.transform @ (cols, rows)
    if grid.crs != there.crs:
        x, y = (np.reshape(one, x.shape) for one in rasterio.warp.transform(grid.crs, there.crs, x.ravel(), y.ravel()))
    col, row = (np.floor(one).astype(int) for one in ~there.transform @ (x, y))
    inside = (col >= 0) & (col < there.width) & (row >= 0) & (row < there.height)
    right = truth[row[inside], col[inside]] == label[inside]
    same_pixels = grid.crs == there.crs and grid.transform.almost_equals(there.transform)
    assert right.mean() == 1 if same_pixels else right.mean() > 0.97


@pytest.mark.parametrize("name", EXPECTED)
def test_tiles(name, odd, tmp_path, recorder):
    path, label = str(odd / name), str(tmp_path / "label.tif")
    write_square(path, label, odd)
    side = 1024 if name in LARGE else 256
    request = MakeTiles(
        images=[path], labels=[label], tile_size=side, validation=0, zero_nodata=False, output=str(tmp_path / "tiles")
    )  # fmt: skip
    result = check(EXPECTED[name].tiles, name, lambda: run(request, recorder))
    if result is None:
        assert [one.name for one in tmp_path.iterdir()] == ["label.tif"]
        return
    dataset = open_dataset(result.output)
    with rasterio.open(path) as source:
        truth, valid = source.read(), source.dataset_mask() > 0
        where = Grid.of(source)
    if truth.dtype.kind == "f":
        valid &= np.isfinite(truth).all(axis=0)
    assert np.count_nonzero(~valid) == HIDDEN.get(name, np.count_nonzero(~valid))
    for tile in dataset.tiles:
        with rasterio.open(tile.image) as image, rasterio.open(tile.label) as opened:
            assert image.count == len(dataset.bands)
            col, row = (round(one) for one in ~where.transform @ (image.transform.c, image.transform.f))
            height, width = min(side, where.height - row), min(side, where.width - col)
            there = (slice(row, row + height), slice(col, col + width))
            known = truth[: image.count, *there]
            assert np.array_equal(image.read()[:, :height, :width], known, equal_nan=known.dtype.kind == "f")
            assert np.array_equal(opened.read(1)[:height, :width] != 255, valid[there])
    for one in dataset.statistics:
        assert np.isfinite([one.mean, one.std, one.minimum, one.maximum]).all()


def write_square(path, label, odd):
    """Write a label raster on the grid of a raster: 1 in its left half, 0 elsewhere."""
    try:
        with rasterio.open(path) as dataset:
            grid = Grid.of(dataset)
    except rasterio.errors.RasterioError:
        shutil.copy(odd / "derived" / "base_label.tif", label)
        return
    pixels = np.zeros((grid.height, grid.width), np.uint8)
    pixels[:, : max(1, grid.width // 2)] = 1
    with rasterio.open(
        label, "w", driver="GTiff", dtype="uint8", count=1, height=grid.height, width=grid.width, crs=grid.crs,
        transform=grid.transform,
    ) as dataset:  # fmt: skip
        dataset.write(pixels, 1)

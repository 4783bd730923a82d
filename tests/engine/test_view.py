"""Views: a raster on another grid, with the pixels and the gaps that it has there."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.view import check_placed, holds_classes, view_on_grid, warn_of_blending
from rasterio.crs import CRS
from rasterio.windows import Window

UTM = CRS.from_epsg(32633)
HEIGHT, WIDTH = 60, 80


def grid(col=0.0, row=0.0, size=0.5, height=HEIGHT, width=WIDTH):
    """A grid that begins at a pixel of the rasters of these tests."""
    return Grid(UTM, Affine(size, 0, 500_000 + 0.5 * col, 0, -size, 5_000_000 - 0.5 * row), height, width)


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(1, 250, (2, HEIGHT, WIDTH)).astype(np.uint8)


@pytest.fixture
def view(make_raster):
    def read(source, on, window=None, resampling="nearest", **options):
        with rasterio.open(source) as dataset, view_on_grid(dataset, on, resampling) as one:
            window = window or Window(0, 0, on.width, on.height)
            image, valid = one.read_bands(window, dataset.indexes, **options)
            return image, None if valid is None else valid.any(axis=0), one.covers(on), one.pixels is dataset

    return read


@pytest.mark.parametrize(("col", "row"), [(0, 0), (7, 9), (-5, 3), (70, 50), (-80, 0), (500, 0)])
@pytest.mark.parametrize("hides", ["nothing", "nodata", "mask"])
def test_aligned_grids_read_pixels_as_they_are_also_beyond_the_edges(view, make_raster, pixels, col, row, hides):
    known = np.ones((HEIGHT, WIDTH), np.bool_)
    known[10:20, 10:30] = hides == "nothing"
    pixels[:, ~known] = 0
    options = {"nothing": {}, "nodata": {"nodata": 0}, "mask": {"mask": known}}[hides]
    image, shown, covers, direct = view(make_raster("in.tif", pixels, **options), grid(col, row))
    wide, wide_known = np.zeros((2, 400, 1000), np.uint8), np.zeros((400, 1000), np.bool_)
    wide[:, 100 : 100 + HEIGHT, 200 : 200 + WIDTH], wide_known[100 : 100 + HEIGHT, 200 : 200 + WIDTH] = pixels, known
    part = (slice(100 + row, 100 + row + HEIGHT), slice(200 + col, 200 + col + WIDTH))
    shown = np.ones((HEIGHT, WIDTH), np.bool_) if shown is None else shown
    assert direct
    assert covers == ((col, row) == (0, 0))
    assert np.array_equal(shown, wide_known[part])
    assert np.array_equal(image[:, shown], wide[:, *part][:, shown])


def test_a_hundredth_of_a_pixel_is_no_reason_to_resample(view, make_raster, pixels):
    source = make_raster("in.tif", pixels)
    image, shown, _, direct = view(source, grid(0.004, 0.004))
    assert direct
    assert shown is None
    assert np.array_equal(image, pixels)
    assert not view(source, grid(0.1, 0))[3]


def test_unasked_masks_are_not_read(view, make_raster, pixels):
    assert view(make_raster("in.tif", pixels, nodata=0), grid(), masked=False)[1] is None


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic", "average"])
def test_windows_of_a_resampled_view_join_to_the_whole(view, make_raster, resampling):
    source = make_raster("in.tif", np.random.default_rng(0).integers(0, 255, (1, 700, 900)).astype(np.uint8))
    on = grid(-20, -30, 0.37, 900, 1200)
    whole, shown, _, _ = view(source, on, resampling=resampling)
    for window in (Window(0, 0, 300, 200), Window(511, 127, 90, 300), Window(1100, 800, 100, 100)):
        part, part_shown, _, _ = view(source, on, window, resampling)
        rows, cols = window.toslices()
        assert np.array_equal(part, whole[:, rows, cols])
        assert np.array_equal(part_shown, shown[rows, cols])


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
@pytest.mark.parametrize("nodata", [None, np.nan])
def test_a_missing_number_does_not_spread(view, make_raster, resampling, nodata):
    pixels = np.full((2, HEIGHT, WIDTH), 5, np.float32)
    pixels[0, 20:30, 20:30] = np.nan
    source = make_raster("in.tif", pixels, nodata=nodata)
    with rasterio.open(source) as dataset, view_on_grid(dataset, grid(5.3, 5.3), resampling) as one:
        image, valid = one.read_bands(Window(0, 0, 60, 40), (1, 2))
    assert np.allclose(image[valid], 5)
    assert valid[1].all()
    assert 80 <= (~valid[0]).sum() <= 121


@pytest.mark.parametrize(
    ("dtype", "nodata", "by_band"), [("int16", -9999, True), ("int16", 0, False), ("uint8", 7, False)]
)
def test_bands_are_known_as_all_bands_of_the_raster_tell(make_raster, dtype, nodata, by_band):
    pixels = np.ones((3, HEIGHT, WIDTH), dtype)
    pixels[1, :10], pixels[:, 20:30] = nodata, nodata
    known = np.broadcast_to(pixels != nodata, pixels.shape) if by_band else (pixels != nodata).any(axis=0)[None]
    source = make_raster("in.tif", pixels, nodata=nodata)
    with rasterio.open(source) as dataset, view_on_grid(dataset, grid(), "nearest") as one:
        for bands in ((2,), (3, 2), (1, 2, 3)):
            valid = one.read_bands(Window(0, 0, WIDTH, HEIGHT), bands)[1]
            assert np.array_equal(valid, known[[band - 1 for band in bands]] if by_band else known)


def test_a_mask_band_beside_nodata_counts_where_pixels_are_resampled_too(view, make_raster, pixels):
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[20:30, 20:30] = 0
    pixels[:, 40:50, 40:50] = 0
    source = make_raster("in.tif", pixels, mask=mask, nodata=0)
    shown, finer = view(source, grid())[1], view(source, grid(size=0.25, height=2 * HEIGHT, width=2 * WIDTH))[1]
    assert np.array_equal(shown, mask > 0)
    assert np.array_equal(finer, (mask > 0).repeat(2, axis=0).repeat(2, axis=1))


def test_numbers_that_do_not_exist_are_no_data_on_the_own_grid_too(view, make_raster):
    pixels = np.ones((2, HEIGHT, WIDTH), np.float32)
    pixels[:, 0, 0], pixels[0, 0, 1], pixels[:, 0, 2] = np.nan, np.nan, np.inf
    shown = view(make_raster("in.tif", pixels), grid())[1]
    assert shown[0, :4].tolist() == [False, True, False, True]


def test_half_transparent_pixels_are_shown(view, make_raster, pixels):
    alpha = np.full((1, HEIGHT, WIDTH), 128, np.uint8)
    alpha[:, :, :10] = 0
    rgba = np.concatenate([pixels, pixels[:1], alpha])
    source = make_raster("in.tif", rgba, photometric="RGB", alpha="YES")
    for on in (grid(), grid(0.5, 0.5, height=20, width=30)):
        shown = view(source, on)[1]
        assert not shown[:, :9].any()
        assert shown[:, 11:].all()


@pytest.mark.parametrize("turn", [0, 30, 90, 180])
def test_a_turned_grid_gets_the_pixels_that_lie_there(view, make_raster, pixels, turn):
    centre = Affine.translation(500_020, 4_999_985) @ Affine.rotation(turn)
    on = Grid(UTM, centre @ Affine.scale(0.4, -0.4) @ Affine.translation(-15, -15), 30, 30)
    image, shown, _, _ = view(make_raster("in.tif", pixels), on)
    rows, cols = np.mgrid[0:30, 0:30] + 0.5
    x, y = on.transform @ (cols, rows)
    at_col, at_row = (x - 500_000) * 2, (5_000_000 - y) * 2
    clear = (np.abs(at_col - at_col.round()) > 0.01) & (np.abs(at_row - at_row.round()) > 0.01)
    assert shown.all()
    assert np.array_equal(image[:, clear], pixels[:, at_row.astype(int), at_col.astype(int)][:, clear])


def test_bands_of_several_types_become_one(view, make_raster, pixels, tmp_path):
    first, second = make_raster("a.tif", pixels[:1]), make_raster("b.tif", pixels[1:].astype(np.float32) + 0.5)
    path = tmp_path / "both.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{number}"><SimpleSource><SourceFilename>{source}</SourceFilename>'
        "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for number, (kind, source) in enumerate((("Byte", first), ("Float32", second)), start=1)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"
    )
    for on in (grid(), grid(200, 0), grid(0.3, 0.3)):
        assert view(str(path), on)[0].dtype == np.float32
    assert np.array_equal(view(str(path), grid())[0], pixels + np.array([0, 0.5]).reshape(2, 1, 1))


def test_bands_with_several_nodata_values_are_refused_where_they_must_be_resampled(view, make_raster, tmp_path, pixels):
    source = make_raster("a.tif", pixels[:1])
    path = tmp_path / "both.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><NoDataValue>{band}</NoDataValue><SimpleSource>'
        f"<SourceFilename>{source}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"
    )
    view(str(path), grid())
    with pytest.raises(InputError, match=r"different nodata values \(1\.0, 2\.0\)"):
        view(str(path), grid(0.3, 0.3))


def test_a_damaged_file_is_named_where_it_is_resampled(view, make_raster):
    noise = np.random.default_rng(0).integers(0, 255, (1, 300, 300)).astype(np.uint8)
    damaged = make_raster("damaged.tif", noise, compress="deflate")
    content = Path(damaged).read_bytes()
    Path(damaged).write_bytes(content[:40_000] + bytes(5000) + content[45_000:])
    with pytest.raises(InputError, match=rf"The raster {damaged} cannot be read"):
        view(damaged, grid(0.5, 0.5, height=300, width=300))


def test_without_crs_nothing_is_resampled(view, make_raster, pixels):
    with pytest.raises(InputError, match="has no CRS"):
        view(make_raster("in.tif", pixels, crs=None), grid(0.3, 0.3))


def test_colour_tables_are_of_classes(make_raster, pixels):
    with rasterio.open(make_raster("in.tif", pixels[:1], colours={1: (1, 2, 3, 255)})) as dataset:
        assert holds_classes(dataset)
    with rasterio.open(make_raster("plain.tif", pixels)) as dataset:
        assert not holds_classes(dataset)


@pytest.mark.parametrize(("pixels", "resampling", "warned"), [
    (np.arange(400).reshape(1, 20, 20) % 5, "bilinear", True),
    (np.arange(400).reshape(1, 20, 20) % 5, "nearest", False),
    (np.arange(400).reshape(1, 20, 20), "bilinear", False),
    (np.arange(400).reshape(1, 20, 20) % 5 * 0.5, "bilinear", False),
])  # fmt: skip
def test_a_blend_of_what_looks_like_classes_is_warned_of(make_raster, recorder, pixels, resampling, warned):
    path = make_raster("in.tif", pixels.astype("float32" if pixels.dtype.kind == "f" else "uint16"))
    with rasterio.open(path) as dataset:
        for shift in (0, 0.2):
            with view_on_grid(dataset, grid(col=shift, height=20, width=20), resampling) as one:
                warn_of_blending(one, resampling, recorder)
    assert len(recorder.warnings) == warned


def test_a_colour_table_counts_in_the_first_band_only(make_raster, pixels, tmp_path):
    plain = make_raster("in.tif", pixels)
    for band, holds in ((1, True), (2, False)):
        rasterio.shutil.copy(plain, tmp_path / f"{band}.img", driver="HFA")
        with rasterio.open(tmp_path / f"{band}.img", "r+") as dataset:
            dataset.write_colormap(band, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255)})
        with rasterio.open(tmp_path / f"{band}.img") as dataset:
            assert holds_classes(dataset) == holds


@pytest.mark.parametrize("has_grid", [False, True])
def test_a_place_by_control_points_alone_is_refused_and_beside_a_grid_noted(tmp_path, recorder, has_grid):
    points = "".join(f'<GCP Pixel="{col}" Line="{row}" X="{col}" Y="{-row}"/>' for col, row in ((0, 0), (9, 0), (0, 9)))
    own = "<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>" * has_grid
    (tmp_path / "in.vrt").write_text(
        f'<VRTDataset rasterXSize="9" rasterYSize="9">{own}<GCPList Projection="EPSG:32633">{points}</GCPList>'
        '<VRTRasterBand dataType="Byte" band="1"/></VRTDataset>'
    )
    with rasterio.open(tmp_path / "in.vrt") as dataset:
        if has_grid:
            check_placed(dataset, recorder)
            assert "beside its own grid" in recorder.notes[0]
        else:
            with pytest.raises(InputError, match="by ground control points alone"):
                check_placed(dataset, recorder)


@pytest.mark.parametrize("kind", ["plain", "nodata", "mask", "float"])
def test_averages_are_those_of_what_is_covered(make_raster, pixels, kind):
    options = {"nodata": {"nodata": 0}, "mask": {"mask": np.full((HEIGHT, WIDTH), 255, np.uint8)}}.get(kind, {})
    image = pixels.astype(np.float32) if kind == "float" else pixels
    size, shift = 5.0, 3  # a pixel of the grid is 10 x 10 pixels, of which some lie beyond the raster
    on = grid(col=-shift, row=-shift, size=size, height=7, width=9)
    with rasterio.open(make_raster("in.tif", image, **options)) as dataset, view_on_grid(dataset, on, "average") as one:
        found, valid = one.read_bands(Window(0, 0, on.width, on.height), (1, 2))
    for row in range(on.height):
        for col in range(on.width):
            rows = slice(max(10 * row - shift, 0), 10 * row - shift + 10)
            cols = slice(max(10 * col - shift, 0), 10 * col - shift + 10)
            covered = image[:, rows, cols]
            assert valid[:, row, col].all() == (covered.size > 0)
            if covered.size:
                assert found[:, row, col] == pytest.approx(
                    covered.mean(axis=(1, 2)), abs=1e-4 if kind == "float" else 1
                )


@pytest.mark.parametrize(
    "options", [{}, {"nodata": 255}, {"colours": {1: (9, 9, 9, 255)}}], ids=["plain", "nodata", "colours"]
)
def test_the_most_frequent_class_counts_where_pixels_grow(view, make_raster, options):
    label = np.random.default_rng(4).choice([1, 2, 4], p=[0.5, 0.3, 0.2], size=(1, 41, 44)).astype(np.uint8)
    if "nodata" in options:
        label[0, :7, :9] = 255
    source = make_raster("label.tif", label, **options)
    image, valid, *_ = view(source, grid(size=1.5, height=14, width=15), resampling="mode")
    unclear = 0
    for row in range(14):
        for col in range(15):
            part = label[0, 3 * row : 3 * row + 3, 3 * col : 3 * col + 3]
            classes, counts = np.unique(part[part != 255], return_counts=True)
            assert (valid is None or valid[row, col]) == (len(classes) > 0)
            if len(classes):
                most = classes[counts == counts.max()]
                unclear += len(most) > 1
                assert image[0, row, col] in most
    assert unclear < 60


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("resampling", ["bilinear", "average", "cubic"])
def test_zeros_of_one_band_count_where_others_have_data(make_raster, dtype, resampling):
    pixels = np.full((3, HEIGHT, WIDTH), 100, dtype)
    pixels[0, :, ::2], pixels[:, 20:30] = 0, 0
    on = grid(size=1.0, height=HEIGHT // 2, width=WIDTH // 2)
    for nodata in (None,) if dtype == "float32" else (None, 0):
        source = make_raster("in.tif", pixels, nodata=nodata)
        with rasterio.open(source) as dataset, view_on_grid(dataset, on, resampling, without_zeros=True) as one:
            image, valid = one.read_bands(Window(0, 0, on.width, on.height), (1, 3))
            alone = one.read_bands(Window(0, 0, on.width, on.height), (1,))[0]
        shown = valid.any(axis=0)
        assert not shown[10:15].any()
        assert shown[:10].all()
        assert shown[15:].all()
        assert np.abs(image[0, :8, 5:-5] - 50.0).max() < 2
        assert (image[1, shown] == 100).all()
        assert np.array_equal(alone[0], image[0])

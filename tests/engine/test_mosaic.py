"""Mosaics: every method, mixed grids without gaps, many rasters, and the same pixels as GDAL's own commands."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.imagery import COG, METHODS, MosaicRasters
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.mosaicking.mosaic import mosaic_rasters
from geoseg.geoseg_plugin.engine.labels.rasterize import rasterize_labels
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter
from shapely import box

HEIGHT, WIDTH = 90, 110
PLACES = [(0, 0), (20, 50), (40, 30), (60, 90)]
SHAPE = (150, 200)


def at(row, col, size=0.5):
    return Affine(size, 0, 500_000 + 0.5 * col, 0, -size, 5_000_000 - 0.5 * row)


def place(pixels, row, col, fill):
    whole = np.full((pixels.shape[0], *SHAPE), fill, pixels.dtype)
    whole[:, row : row + HEIGHT, col : col + WIDTH] = pixels
    return whole


@pytest.fixture
def mosaic(tmp_path, recorder):
    def run(*inputs, name="out.tif", **options):
        path = str(tmp_path / name)
        mosaic_rasters(MosaicRasters(inputs=inputs, output=path, **options), recorder)
        return path

    return run


@pytest.fixture
def gdal(tmp_path):
    def run(command, *arguments):
        if not shutil.which(command):
            pytest.skip(f"{command} is not installed")
        subprocess.run([command, "-q", *map(str, arguments)], check=True, capture_output=True)

    return run


@pytest.fixture
def tiles(make_raster):
    random = np.random.default_rng(1)
    return [
        make_raster(f"t{n}.tif", random.integers(1, 255, (3, HEIGHT, WIDTH), np.uint8), transform=at(*one))
        for n, one in enumerate(PLACES)
    ]


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.dataset_mask() > 0, Grid.of(dataset)


def expect(method, stack, known, depth=None):
    """Return by plain numpy what a method makes of N rasters (N, C, H, W) and where they are known."""
    some = known.any(axis=0)
    if method in ("first", "last", "most complete", "seamline"):
        order = np.arange(len(stack))[:, None, None, None] * (1 if method != "last" else -1)
        score = np.where(known, -order if method != "seamline" else depth, -np.inf)
        best = score.argmax(axis=0)[None]
        return np.take_along_axis(stack, best, axis=0)[0], some
    values = np.ma.array(stack.astype(float), mask=~known)
    one = {"minimum": np.ma.min, "maximum": np.ma.max, "mean": np.ma.mean, "median": np.ma.median}[method]
    made = one(values, axis=0).filled(0)
    return (np.rint(made) if stack.dtype.kind != "f" else made), some


def depths(known):
    """Return how deep each pixel of N rasters lies (N, 1, H, W)."""
    padded = [np.pad(one.any(axis=0), 1) for one in known]
    return np.stack([np.minimum(distance_transform_edt(one), 256)[None, 1:-1, 1:-1] for one in padded])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["full", "nodata", "mask", "NaN", "by band"])
def test_every_method_by_numpy(mosaic, make_raster, method, kind):
    random = np.random.default_rng(5)
    paths, stack, known = [], [], []
    for number, (row, col) in enumerate(PLACES):
        pixels = random.integers(1, 200, (3, HEIGHT, WIDTH))
        pixels = pixels.astype({"NaN": "float32", "by band": "int16"}.get(kind, "uint8"))
        hidden = np.zeros((3, HEIGHT, WIDTH), np.bool_)
        if kind != "full":
            hidden[:] = gaussian_filter(random.random((HEIGHT, WIDTH)), 6) > 0.5 + 0.01 * number
        options = {}
        if kind in ("NaN", "by band"):
            hidden[1] |= random.random((HEIGHT, WIDTH)) > 0.9
        if kind == "NaN":
            pixels[hidden] = np.nan
        elif kind == "by band":
            options["nodata"] = -9999 + number
            pixels[hidden] = options["nodata"]
        elif kind == "nodata":
            pixels[hidden] = 255
            options["nodata"] = 255
        elif kind == "mask":
            options["mask"] = ~hidden[0]
        paths.append(make_raster(f"{number}.tif", pixels, transform=at(row, col), **options))
        stack.append(place(pixels, row, col, 0))
        known.append(place(~hidden, row, col, False))
    stack, known = np.stack(stack), np.stack(known)
    if method == "most complete":
        order = np.argsort([-one.any(axis=0).sum() for one in known], kind="stable")
        stack, known = stack[order], known[order]
    made, shown, grid = read(mosaic(*paths, method=method))
    truth, some = expect(method, np.nan_to_num(stack), known, depths(known))
    assert (grid.transform, made.shape) == (at(0, 0), (3, *SHAPE))
    assert np.array_equal(shown, some.any(axis=0))
    assert np.allclose(made[some], truth[some], rtol=1e-6, atol=0)
    assert kind != "NaN" or np.isnan(made[~some]).all()
    assert kind != "by band" or (made[np.broadcast_to(~some, made.shape)] == -9999).all()


@pytest.mark.parametrize("method", ["first", "last"])
@pytest.mark.parametrize("nodata", [None, 0])
def test_the_same_pixels_as_gdal(mosaic, gdal, tmp_path, tiles, method, nodata):
    vrt, tif = tmp_path / "gdal.vrt", tmp_path / "gdal.tif"
    gdal("gdalbuildvrt", *(["-vrtnodata", nodata] if nodata is not None else []), vrt,
         *(tiles if method == "last" else tiles[::-1]))  # fmt: skip
    gdal("gdal_translate", vrt, tif)
    ours, shown, grid = read(mosaic(*tiles, method=method, nodata=nodata))
    theirs, _, their_grid = read(tif)
    assert grid.is_same(their_grid)
    assert np.array_equal(ours, theirs)
    assert shown.sum() == (theirs != 0).any(axis=0).sum()


@pytest.mark.parametrize("method", ["first", "mean", "median", "seamline"])
def test_blocks_leave_no_trace(mosaic, make_raster, monkeypatch, method):
    random = np.random.default_rng(2)
    paths = []
    for number, (row, col) in enumerate([(0, 0), (150, 190), (20, 300)]):
        hidden = gaussian_filter(random.random((500, 600)), 12) > 0.51
        pixels = random.integers(1, 255, (1, 500, 600), np.uint8)
        paths.append(make_raster(f"{number}.tif", pixels, transform=at(row, col), mask=~hidden))
    paths.append(make_raster("shifted.tif", pixels, transform=at(300.3, 100.4)))
    whole = read(mosaic(*paths, method=method))
    package = "geoseg.geoseg_plugin.engine.imagery"
    monkeypatch.setattr(f"{package}.writing.block_shape", lambda *_: (256, 256))
    monkeypatch.setattr(f"{package}.mosaicking.overlaps._MOST_SIDE", 100)
    parts = read(mosaic(*paths, method=method, name="parts.tif"))
    assert np.array_equal(whole[1], parts[1])
    assert np.array_equal(whole[0], parts[0])


@pytest.mark.parametrize(("crs", "resampling", "size"), [
    ("EPSG:3857", "nearest", 0.6), ("EPSG:4326", "bilinear", 5e-6), ("EPSG:32632", "cubic", 0.3),
])  # fmt: skip
def test_tiles_of_one_raster_join_without_gaps_in_another_crs(mosaic, make_raster, crs, resampling, size):
    options = {"crs": crs, "resampling": resampling, "pixel_size": size}
    whole = np.random.default_rng(3).integers(1, 255, (1, 240, 240), np.uint8)
    paths = [
        make_raster(f"{row}_{col}.tif", whole[:, row : row + 40, col : col + 60], transform=at(row, col))
        for row in range(0, 240, 40)
        for col in range(0, 240, 60)
    ]
    one = read(mosaic(make_raster("whole.tif", whole), name="one.tif", **options))
    made, shown, grid = read(mosaic(*paths, **options))
    assert grid.is_same(one[2])
    assert np.array_equal(shown, binary_fill_holes(shown))
    assert np.array_equal(shown, one[1])
    if resampling == "nearest":
        assert np.mean(made != one[0]) < 1e-3  # pixels on edges


def test_hairlines_between_rounded_edges_are_closed(mosaic, make_raster):
    """Tiles whose stated places leave 0.02 pixels free, where the centres of pixels lie."""
    whole = np.random.default_rng(3).integers(1, 255, (1, 60, 120), np.uint8)
    left = make_raster("left.tif", whole[..., :60], transform=at(0, 0.49))
    right = make_raster("right.tif", whole[..., 60:], transform=at(0, 60.51))
    grid = make_raster("grid.tif", whole)
    made, shown, _ = read(mosaic(left, right, like=grid))
    assert shown.all()
    assert np.array_equal(made, whole[..., [*range(60), 59, *range(60, 119)]])


def test_the_same_pixels_as_gdalwarp_across_crs(mosaic, gdal, data, tmp_path):
    folder = data / "odd_raster" / "derived"
    inputs = [str(folder / f"{name}.tif") for name in
              ("base_rgb_uint8", "mixed_crs_neighbour_3857", "mixed_crs_neighbour_4326")]  # fmt: skip
    made, shown, grid = read(mosaic(*inputs, resampling="nearest"))
    bounds = [str(side) for side in grid.bounds]
    gdal("gdalwarp", "-t_srs", "EPSG:32645", "-te", *bounds, "-ts", grid.width, grid.height, "-et", "0.001",
         "-dstalpha", *inputs[::-1], tmp_path / "warped.tif")  # fmt: skip
    theirs, _, _ = read(tmp_path / "warped.tif")
    # Ours reaches a fiftieth of a pixel farther, so that neighbours leave no gaps.
    assert np.mean(shown != (theirs[3] > 0)) < 1e-3
    both = shown & (theirs[3] > 0)
    assert np.mean((made != theirs[:3]).any(axis=0)[both]) < 1e-3
    assert np.array_equal(shown[10:380, 10:390], np.ones((370, 380), np.bool_))
    with rasterio.open(inputs[0]) as base:
        col, row = grid.offset_of(Grid.of(base))
        assert np.array_equal(made[:, row : row + base.height, col : col + base.width], base.read())


def test_mixed_pixel_sizes(mosaic, make_raster, recorder):
    fine = np.random.default_rng(3).integers(1, 255, (1, 40, 40), np.uint8)
    coarse = np.arange(1, 101, dtype=np.uint8).reshape(1, 10, 10)
    first, second = make_raster("a.tif", fine), make_raster("b.tif", coarse, transform=at(0, 40, 2.0))
    made, shown, grid = read(mosaic(first, second))
    assert grid.pixel_size == (0.5, 0.5)
    assert np.array_equal(made[0], np.hstack([fine[0], coarse[0].repeat(4, 0).repeat(4, 1)]))
    assert shown.all()
    assert recorder.notes == ["1 of 2 rasters are resampled to the mosaic's grid: 1 with another pixel size."]
    made, _, grid = read(mosaic(first, second, pixel_size=2, resampling="average"))
    means = fine.reshape(10, 4, 10, 4).mean(axis=(1, 3))
    assert np.abs(made[0, :, :10] - means).max() <= 0.5
    assert np.array_equal(made[0, :, 10:], coarse[0])


def test_more_rasters_than_files_may_be_open(tmp_path):
    """A child that may open 128 files joins 1100."""
    folder = tmp_path / "tiles"
    folder.mkdir()
    numbers = np.arange(1100, dtype=np.uint16).reshape(44, 25)
    for row in range(44):
        for col in range(25):
            with rasterio.open(
                folder / f"{row:02d}_{col:02d}.tif", "w", driver="GTiff", dtype="uint16", count=1, height=8, width=8,
                crs="EPSG:32633", transform=at(8 * row, 8 * col),
            ) as dataset:  # fmt: skip
                dataset.write(np.full((1, 8, 8), numbers[row, col]))
    root = Path(__file__).resolve().parents[2]
    output = tmp_path / "out.tif"
    subprocess.run(
        [sys.executable, str(root / "geoseg_plugin"), "mosaic-rasters", "--folder", str(folder), "--method", "seamline",
         "--output", str(output)], check=True, capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)),
    )  # fmt: skip
    made, shown, _ = read(output)
    assert shown.all()
    assert np.array_equal(made[0], numbers.repeat(8, 0).repeat(8, 1))


def test_a_cog(mosaic, tiles):
    plain, _, _ = read(mosaic(*tiles))
    with rasterio.open(mosaic(*tiles, format=COG, name="cog.tif")) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.array_equal(dataset.read(), plain)


def test_cancelling_leaves_nothing(make_recorder, make_raster, tmp_path):
    paths = [make_raster(f"{n}.tif", np.zeros((1, 4200, 30), np.uint8), transform=at(0, 30 * n)) for n in range(2)]
    request = MosaicRasters(inputs=paths, output=str(tmp_path / "out.tif"))
    with pytest.raises(Cancelled):
        mosaic_rasters(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [0.3]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.tif", "1.tif"]


def test_progress_only_rises(mosaic, tiles, recorder):
    mosaic(*tiles, method="most complete")
    assert recorder.fractions == sorted(recorder.fractions)
    assert recorder.fractions[-1] == 1


def test_the_extent_is_cut_from_the_whole(mosaic, tiles):
    whole, _, _ = read(mosaic(*tiles, method="seamline"))
    part, _, grid = read(mosaic(*tiles, method="seamline", extent="500010.1,500060,4999930,4999990 [EPSG:32633]"))
    assert (grid.width, grid.height) == (100, 120)
    assert np.array_equal(part, whole[:, 20:140, 20:120])


def test_nodata_of_all_kinds_becomes_one(mosaic, make_raster, recorder):
    pixels = np.full((1, 4, 4), 7, np.int16)
    pixels[0, 0] = -1
    one = make_raster("a.tif", pixels, nodata=-1)
    pixels[pixels == -1] = 99
    other = make_raster("b.tif", pixels, nodata=99, transform=at(0, 4))
    plain = make_raster("c.tif", np.full((1, 4, 4), -1, np.int16), transform=at(0, 8))
    with rasterio.open(mosaic(one, other)) as dataset:
        assert dataset.nodata == -1
        assert dataset.read(1).tolist() == [[-1] * 8] + [[7] * 8] * 3
    assert not recorder.warnings
    mosaic(one, plain)
    assert recorder.warnings[0].startswith("16 pixels with data have the value -1")


def test_data_types_are_promoted(mosaic, make_raster, recorder):
    one = make_raster("a.tif", np.full((1, 4, 4), 200, np.uint8))
    other = make_raster("b.tif", np.full((1, 4, 4), -5, np.int16), transform=at(0, 4))
    made, _, _ = read(mosaic(one, other))
    assert made.dtype == np.int16
    assert made[0, 0].tolist() == [200] * 4 + [-5] * 4
    assert "int16, uint8; the mosaic has int16" in recorder.notes[0]


def test_alpha_stays_where_all_have_it_and_else_becomes_a_mask(mosaic, make_raster):
    rgba = np.full((4, 4, 4), 90, np.uint8)
    rgba[3] = 255
    rgba[3, 0] = 0
    one = make_raster("a.tif", rgba, photometric="RGB", alpha="YES")
    other = make_raster("b.tif", rgba, photometric="RGB", alpha="YES", transform=at(0, 4))
    plain = make_raster("c.tif", rgba[:3], photometric="RGB", transform=at(0, 4))
    with rasterio.open(mosaic(one, other)) as dataset:
        assert dataset.colorinterp[3] == ColorInterp.alpha
        assert dataset.read(4).tolist() == [[0] * 8] + [[255] * 8] * 3
    with rasterio.open(mosaic(one, plain)) as dataset:
        assert dataset.count == 3
        assert (dataset.dataset_mask() > 0).tolist() == [[False] * 4 + [True] * 4] + [[True] * 8] * 3


def test_classes_stay_classes(mosaic, make_raster, make_layer, recorder, tmp_path):
    image = make_raster("in.tif", np.zeros((1, 60, 60), np.uint8))
    labels = make_layer("l.gpkg", [box(5, 5, 50, 50)], kind=["roof"])
    made = str(tmp_path / "classes.tif")
    rasterize_labels(RasterizeLabels(labels=labels, field="kind", like=image, output=made), recorder)
    with rasterio.open(mosaic(made, crs="EPSG:3857", resampling="cubic")) as dataset:
        assert read_class_table(dataset) == ClassTable.from_json(read_table(made))
        assert set(np.unique(dataset.read())) == {0, 1, 255}
    assert (tmp_path / "out.qml").is_file()
    assert any("cannot be blended" in text for text in recorder.notes)
    with pytest.raises(InputError, match="there is no mean"):
        mosaic(made, method="mean")


def read_table(path):
    with rasterio.open(path) as dataset:
        return read_class_table(dataset).to_json()


@pytest.mark.parametrize("transform", [
    Affine(0.5, 0, 500_000, 0, 0.5, 4_999_980),
    Affine.translation(500_000, 5_000_000) @ Affine.rotation(-30) @ Affine.scale(0.5, -0.5),
])  # fmt: skip
def test_south_up_and_rotated_rasters_become_north_up(mosaic, make_raster, recorder, transform):
    pixels = np.random.default_rng(3).integers(1, 255, (1, 40, 40), np.uint8)
    made, shown, grid = read(mosaic(make_raster("in.tif", pixels, transform=transform)))
    rows, cols = np.nonzero(shown)
    at_col, at_row = ~transform @ (grid.transform @ (cols + 0.5, rows + 0.5))
    near = pixels[0, at_row.astype(int).clip(0, 39), at_col.astype(int).clip(0, 39)]
    assert np.mean(made[0][shown] != near) < 0.01
    assert shown.sum() == pytest.approx(1600, rel=0.01)
    assert (grid.transform.b, grid.transform.e) == (0, pytest.approx(-0.5))
    assert "north-up" in recorder.notes[0]


def test_nodata_that_no_pixel_can_have_is_refused(mosaic, tiles):
    with pytest.raises(RequestError, match="NODATA is 300"):
        mosaic(*tiles, nodata=300)


def test_real_years_and_real_tiles(mosaic, data):
    years = sorted(str(path) for path in (data / "naip_rgbn_timeseries").glob("*.tif"))
    made, shown, grid = read(mosaic(*years, method="median", like=years[0]))
    with rasterio.open(years[0]) as first:
        assert grid == Grid.of(first)
        assert (made.shape[0], shown.mean() > 0.99) == (4, True)
    tiles = sorted(str(path) for path in (data / "banepa_buildings" / "tiles_epsg4326").glob("*.tif"))
    made, shown, grid = read(mosaic(*tiles))
    assert (grid.width, grid.height, shown.all()) == (1536, 1536, True)
    with rasterio.open(tiles[0]) as first:
        assert np.array_equal(made[:, :512, :512], first.read())
    _, shown, _ = read(mosaic(*tiles, crs="EPSG:32645", pixel_size=0.15))
    assert np.array_equal(shown, binary_fill_holes(shown))
    flood = sorted(str(path) for path in (data / "sen1floods11_spain").glob("*.tif"))
    flood = [path for path in flood if is_float(path)]
    made, shown, grid = read(mosaic(*flood[:2], method="mean"))
    assert np.isfinite(made[:, shown]).all()


def is_float(path):
    with rasterio.open(path) as dataset:
        return dataset.dtypes[0].startswith("float")


def test_nodata_of_single_bands_is_kept_where_the_first_raster_states_none(mosaic, make_raster):
    one = make_raster("a.tif", np.full((2, 1, 2), 5, np.int16))
    other = make_raster("b.tif", np.array([[[7, 7]], [[8, -9999]]], np.int16), nodata=-9999, transform=at(0, 2))
    with rasterio.open(mosaic(one, other)) as dataset:
        assert dataset.nodata == -9999
        assert dataset.read()[:, 0].tolist() == [[5, 5, 7, 7], [5, 5, 8, -9999]]


def test_dark_pixels_of_single_bands_are_data(mosaic, make_raster):
    one = make_raster("a.tif", np.array([[[0, 0, 3]], [[0, 4, 5]]], np.uint16), nodata=0)
    other = make_raster("b.tif", np.full((2, 1, 3), 9, np.uint16), nodata=0)
    assert read(mosaic(one, other))[0].tolist() == [[[9, 0, 3]], [[9, 4, 5]]]


def test_single_bands_beside_alpha(mosaic, make_raster):
    pixels = np.array([[[5, 5, 5]], [[-9999, 6, 6]], [[7, 7, 7]], [[255, 255, 0]]], np.int16)
    one = make_raster("a.tif", pixels, nodata=-9999, alpha="YES", photometric="RGB")
    other = make_raster("b.tif", np.full((4, 1, 3), 99, np.int16), nodata=-9999, alpha="YES", photometric="RGB")
    made = read(mosaic(one, other))[0]
    assert made[:, 0].tolist() == [[5, 5, 99], [99, 6, 99], [7, 7, 99], [255, 255, 99]]


@pytest.mark.parametrize("name", ["out.tif", "out.vrt"])
def test_alpha_in_another_place_shuffles_no_bands(mosaic, make_raster, name):
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    pixels = np.array([10, 20, 30, 255], np.uint8).reshape(4, 1, 1).repeat(2, 2)
    last = make_raster("last.tif", pixels, photometric="RGB", alpha="YES")
    first = make_raster("first.tif", pixels[[3, 0, 1, 2]], transform=at(0, 2), photometric="RGB")
    with rasterio.open(first, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.alpha, *colours]
    with rasterio.open(mosaic(first, name=name)) as dataset:
        assert dataset.read()[:, 0, 0].tolist() == [255, 10, 20, 30]
        assert dataset.colorinterp == (ColorInterp.alpha, *colours)
    if name.endswith(".vrt"):
        with pytest.raises(InputError, match=r"not heed the alpha band of .*first\.tif"):
            mosaic(last, first, name=name)
        return
    for paths, order in (((last, first), [0, 1, 2, 3]), ((first, last), [3, 0, 1, 2])):
        with rasterio.open(mosaic(*paths)) as dataset:
            assert np.array_equal(dataset.read(), pixels[order].repeat(2, 2))


def test_nodata_of_every_band_counts(mosaic, make_raster, tmp_path):
    source = two_nodata(make_raster, tmp_path)
    for name in ("out.tif", "out.vrt"):
        with rasterio.open(mosaic(source, name=name)) as dataset:
            assert dataset.nodatavals == (-9999, -9999)
            assert dataset.read()[:, 0].tolist() == [[10, 20, -9999, 30], [10, -9999, 20, 30]]


def two_nodata(make_raster, tmp_path):
    """A virtual raster of two bands with the nodata values -9999 and -1."""
    bands = ""
    for number, (values, nodata) in enumerate([([10, 20, -9999, 30], -9999), ([10, -1, 20, 30], -1)], start=1):
        path = make_raster(f"{number}.tif", np.array([[values]], np.float32))
        bands += (
            f'<VRTRasterBand dataType="Float32" band="{number}"><NoDataValue>{nodata}</NoDataValue><SimpleSource>'
            f"<SourceFilename>{path}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        )
    (tmp_path / "two.vrt").write_text(
        '<VRTDataset rasterXSize="4" rasterYSize="1"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>500000, 0.5, 0, 5000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"
    )
    return str(tmp_path / "two.vrt")


def test_colours_that_a_wider_type_cannot_have(mosaic, make_raster):
    one = make_raster("a.tif", np.array([[[1, 2]]], np.uint8), colours={1: (1, 2, 3, 255)})
    other = make_raster("b.tif", np.array([[[1, 300]]], np.int16), transform=at(0, 2))
    for name in ("out.tif", "out.vrt"):
        path = mosaic(one, other, name=name)
        with rasterio.open(path) as dataset:
            assert dataset.colorinterp[0] != ColorInterp.palette
        assert read(mosaic(path, name="again.tif"))[0].tolist() == [[[1, 2, 1, 300]]]


@pytest.mark.parametrize("name", ["out.tif", "out.vrt"])
def test_palette_and_alpha_are_both_kept(mosaic, make_raster, name):
    pixels = np.array([[[1, 0]], [[255, 0]]], np.uint8)
    source = make_raster("in.tif", pixels, photometric="palette", alpha="YES", colours={1: (9, 8, 7, 255)})
    with rasterio.open(mosaic(source, name=name)) as dataset:
        assert dataset.colorinterp == (ColorInterp.palette, ColorInterp.alpha)
        assert dataset.colormap(1)[1] == (9, 8, 7, 255)
        assert np.array_equal(dataset.read(), pixels)


def test_a_mosaic_without_any_data_is_told(mosaic, make_raster, recorder):
    source = make_raster("in.tif", np.zeros((1, 4, 4), np.uint8), nodata=0)
    mosaic(source)
    assert recorder.warnings[0].endswith("has no data: where it lies, no raster has any.")
    recorder.warnings.clear()
    mosaic(make_raster("other.tif", np.ones((1, 4, 4), np.uint8), nodata=0), source)
    assert not recorder.warnings


def test_what_looks_like_something_else_is_told(mosaic, make_raster, recorder):
    labels = make_raster("labels.tif", np.ones((1, 8, 8), np.uint8), transform=at(0.5, 0.5))
    grid = make_raster("grid.tif", np.ones((1, 8, 8), np.uint8))
    mosaic(labels, like=grid, resampling="bilinear")
    assert "may hold classes, which 'bilinear' blends" in recorder.warnings[0]
    infrared = np.random.default_rng(1).integers(0, 255, (4, 40, 40)).astype(np.uint8)
    mosaic(make_raster("nir.tif", infrared, photometric="RGB", alpha="YES"))
    assert "looks like an image band" in recorder.warnings[1]


def test_control_points_alone_are_refused(mosaic, tmp_path):
    path = tmp_path / "points.tif"
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, height=4, width=4) as dataset:
        corners = [(0, 0, 10, 50), (4, 0, 10, 49.9), (0, 4, 10.1, 50), (4, 4, 10.1, 49.9)]
        dataset.gcps = [GroundControlPoint(*corner) for corner in corners], CRS.from_epsg(4326)
    with pytest.raises(InputError, match="ground control points alone") as caught:
        mosaic(str(path))
    assert "Warp it" in caught.value.fix


def test_tags_are_kept_that_all_share(mosaic, make_raster):
    tags = {"SENSOR": "S1", "DATE": "2020"}
    one = make_raster("a.tif", np.ones((1, 4, 4), np.uint8), tags=tags)
    other = make_raster("b.tif", np.ones((1, 4, 4), np.uint8), tags=tags | {"DATE": "2024"})
    for path in (one, other):
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ns="IMAGERY", CLOUDS="3", PATH=path)
    for name in ("out.tif", "out.vrt"):
        with rasterio.open(mosaic(one, other, name=name)) as dataset:
            assert dataset.tags()["SENSOR"] == "S1"
            assert "DATE" not in dataset.tags()
            assert "mosaicrasters" in dataset.tags()["GEOSEG_REQUEST"]
            assert dataset.tags(ns="IMAGERY") == {"CLOUDS": "3"}


def test_like_and_parts_of_a_grid_are_not_both_given():
    with pytest.raises(RequestError, match="CRS and EXTENT was given too") as caught:
        MosaicRasters(inputs=("a.tif",), output="o.tif", like="b.tif", crs="EPSG:3857", extent="0,1,0,1").check()
    assert caught.value.fix == "Give LIKE or CRS and EXTENT."

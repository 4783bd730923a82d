"""GeoTIFFs put together from a mould are, byte by byte, those that GDAL writes."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.engine.datasets.tiling.geotiff_bytes import GeoTiffFolder
from rasterio.crs import CRS

UTM = CRS.from_epsg(32645)
CUSTOM = CRS.from_proj4("+proj=laea +lat_0=12 +lon_0=34 +ellps=WGS84 +units=m")
NORTH_UP = Affine(0.5, 0, 300_000.25, 0, -0.5, 3_000_000)
TRANSFORMS = {
    "north up": NORTH_UP,
    "south up": Affine(0.5, 0, 300_000, 0, 0.5, 3_000_000),
    "rotated": Affine(0.5, 0.1, 300_000, 0.1, -0.5, 3_000_000),
    "none": Affine.identity(),
    "far": Affine(1e-6, 0, 1e9, 0, -1e-6, -1e9),
}


def write(folder, name, transform, pixels, nodata, crs, colours=None, **options):
    tags, names = {"GEOSEG_VERSION": "1"}, [f"band-{band}" for band in range(len(pixels))]
    with rasterio.open(
        folder / f"{name}.tif", "w", driver="GTiff", dtype=pixels.dtype, count=len(pixels), height=pixels.shape[1],
        width=pixels.shape[2], crs=crs, transform=transform, nodata=nodata, interleave="band",
        blockysize=pixels.shape[1], photometric="minisblack", **options,
    ) as dataset:  # fmt: skip
        dataset.descriptions = names
        dataset.update_tags(**tags)
        if colours:
            dataset.write_colormap(1, colours)
        dataset.write(pixels)
    return (folder / f"{name}.tif").read_bytes()


def make_folder(folder, crs, bands, **options):
    names = tuple(f"band-{band}" for band in range(bands))
    folder.mkdir(exist_ok=True)
    wkt = crs.to_wkt() if crs else None
    return GeoTiffFolder(folder, wkt, band_names=names, tags={"GEOSEG_VERSION": "1"}, **options)


@pytest.mark.parametrize("kind", [("uint8", 3, None), ("uint8", 1, 255), ("uint16", 4, 0), ("float32", 2, np.nan)])
@pytest.mark.parametrize("crs", [UTM, CUSTOM, None], ids=["utm", "custom", "none"])
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_files_are_those_that_gdal_writes(tmp_path, kind, crs, transform):
    dtype, bands, nodata = kind
    random = np.random.default_rng(0)
    folder = make_folder(tmp_path / "ours", crs, bands)
    for number, shape in enumerate([(48, 32), (48, 32), (48, 32), (7, 33)]):
        pixels = random.integers(0, 200, (bands, *shape)).astype(dtype)
        pixels *= number != 1  # the second is all zero
        at = transform @ Affine.translation(32 * number, 48 * (number % 2))
        folder.write(f"{number}", at, pixels, nodata)
        expected = write(tmp_path, f"{number}", at, pixels, nodata, crs)
        assert folder.path(f"{number}").read_bytes() == expected


def test_most_files_come_from_a_mould(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "ours", UTM, 3)
    pixels = np.zeros((3, 32, 32), np.uint8)
    folder.write("first", NORTH_UP, pixels, None)
    monkeypatch.setattr(folder, "_encode", None)
    folder.write("second", NORTH_UP @ Affine.translation(32, 0), pixels, None)
    assert folder.path("second").stat().st_size == folder.path("first").stat().st_size


def test_where_moulds_do_not_fit_gdal_writes_each_file(tmp_path, monkeypatch):
    folder = make_folder(tmp_path / "ours", UTM, 1)
    encode, pixels = folder._encode, np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    monkeypatch.setattr(folder, "_encode", lambda *arguments: encode(*arguments) + b"\0")
    for number in (0, 1):
        at = NORTH_UP @ Affine.translation(number, 0)
        folder.write(f"{number}", at, pixels, None)
        assert folder.path(f"{number}").read_bytes() == write(tmp_path, f"{number}", at, pixels, None, UTM) + b"\0"


def test_colours_and_names_are_kept(tmp_path):
    colours = {0: (0, 0, 0, 255), 7: (200, 10, 20, 255), 255: (0, 0, 0, 0)}
    folder = make_folder(tmp_path / "ours", UTM, 1, colours=colours)
    for number in (0, 1):
        folder.write(f"{number}", NORTH_UP, np.full((1, 16, 16), 7, np.uint8), 255)
        with rasterio.open(folder.path(f"{number}")) as dataset:
            assert dataset.colormap(1)[7] == colours[7]
            assert (dataset.descriptions, dataset.nodata, dataset.crs) == (("band-0",), 255, UTM)


@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_compressed_files_hold_the_same(tmp_path, compression, dtype):
    pixels = (np.arange(2 * 64 * 64).reshape(2, 64, 64) // 100).astype(dtype)
    folder = make_folder(tmp_path / "ours", UTM, 2, compression=compression)
    folder.write("one", NORTH_UP, pixels, None)
    with rasterio.open(folder.path("one")) as dataset:
        assert dataset.compression.value.lower() == compression
        assert np.array_equal(dataset.read(), pixels)
    assert folder.path("one").stat().st_size < pixels.nbytes


def test_a_mask_is_written_into_the_file(tmp_path):
    shown = np.random.default_rng(0).random((32, 32)) > 0.5
    folder = make_folder(tmp_path / "ours", UTM, 1)
    folder.write("one", NORTH_UP, np.ones((1, 32, 32), np.uint8), None, shown)
    with rasterio.open(folder.path("one")) as dataset:
        assert np.array_equal(dataset.dataset_mask() > 0, shown)
    assert [path.name for path in (tmp_path / "ours").iterdir()] == ["one.tif"]

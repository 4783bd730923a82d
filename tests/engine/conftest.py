"""Small things with known answers that several engine tests need."""

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.stages.bands import RescaleImage
from geoseg.geoseg_plugin.contract.stages.dataset_split import SplitDataset
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.dataset import BandStatistics, Description, open_dataset, write_description
from geoseg.geoseg_plugin.engine.datasets.splitting.split_dataset import split_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles
from geoseg.geoseg_plugin.engine.imagery.rescaling.rescale import rescale_image
from geoseg.geoseg_plugin.engine.vector import write_features
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import TRANSFORM, write_raster
from hypothesis import settings
from rasterio.crs import CRS

BLOBS = ClassTable.named({0: "background", 7: "roof"})
IGNORE_VALUE = 255


def pytest_configure(config):
    # pytest resets the filters for every test, so that the engine's own does not count.
    for ignored in ("NotGeoreferencedWarning", "NodataShadowWarning"):
        config.addinivalue_line("filterwarnings", f"ignore::rasterio.errors.{ignored}")
    # How long an example takes depends on what else the machine is doing.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


@pytest.fixture(scope="module")
def one_thread():
    """Torch with one thread: small networks gain nothing from more, and suffer much when other programs are busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def recorder():
    """A Report that remembers everything."""
    return Listener()


@pytest.fixture(scope="session")
def make_recorder():
    """Makes a Report that is cancelled when a function of it says so."""
    return Listener


def blob_tile(random, side, bands=3, dtype="uint8"):
    """Return a noisy image (C, H, W) and its label (H, W): bright blocks on a dark ground, class value 7."""
    label = np.zeros((side, side), dtype=np.uint8)
    for _ in range(3):
        row, col = random.integers(0, side - 20, 2)
        height, width = random.integers(10, 20, 2)
        label[row : row + height, col : col + width] = 7
    image = random.normal(80, 12, (bands, side, side)) + 90 * (label == 7)
    return image.clip(1, 254).astype(dtype), label


def write_dataset(folder, tiles, classes=BLOBS, nodata=None, statistics=None):
    """Write a dataset of (split, image, label) triples and return its folder as text."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    names = [f"tile_{number:03d}" for number in range(len(tiles))]
    side = tiles[0][2].shape[-1]
    for name, (_, image, label) in zip(names, tiles, strict=True):
        place = {"transform": TRANSFORM @ Affine.translation(side * names.index(name), 0)}
        write_raster(folder / "images" / f"{name}.tif", image, nodata=nodata, photometric="minisblack", **place)
        write_raster(folder / "labels" / f"{name}.tif", label[None], nodata=IGNORE_VALUE, **place)
    pixels = np.stack([image for split, image, _ in tiles if split == "train"] or [tiles[0][1]]).astype(float)
    if statistics is None:
        statistics = tuple(
            BandStatistics(f"band {band + 1}", one.mean(), one.std(), one.min(), one.max())
            for band, one in enumerate(pixels.swapaxes(0, 1))
        )
    description = Description(
        tile_size=side, dtype=tiles[0][1].dtype.name, classes=classes, ignore_value=IGNORE_VALUE, crs="EPSG:32645",
        pixel_size=(0.5, 0.5), statistics=statistics,
    )  # fmt: skip
    write_description(folder, description)
    columns = [np.array(values, dtype=object) for values in (names, ["scene"] * len(tiles), [t[0] for t in tiles])]
    squares = shapely.to_wkb([shapely.box(side * n, 0, side * n + side, side) for n in range(len(tiles))])
    pyogrio.raw.write(
        folder / "tiles.gpkg", squares, columns, ["tile", "scene", "split"], layer="tiles", driver="GPKG",
        geometry_type="Polygon", crs="EPSG:32645",
    )  # fmt: skip
    return str(folder)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory):
    """A dataset that a small network learns in seconds: 24 training and 8 validation tiles of 64 pixels."""
    random = np.random.default_rng(1)
    tiles = [("train" if number < 24 else "validation", *blob_tile(random, 64)) for number in range(32)]
    return write_dataset(tmp_path_factory.mktemp("blobs") / "dataset", tiles)


@pytest.fixture
def make_dataset(tmp_path):
    """Writes a dataset of (split, image, label) triples."""
    return lambda tiles, **options: write_dataset(tmp_path / "dataset", tiles, **options)


@pytest.fixture(scope="session")
def write_tiles():
    """Writes a dataset of (split, image, label) triples into a folder."""
    return write_dataset


@pytest.fixture(scope="session")
def make_blob_tile():
    """Makes a noisy image (C, H, W) and its label (H, W)."""
    return blob_tile


UTM = CRS.from_epsg(32633)
CORNER = (500_000, 5_000_000)
AT_CORNER = Affine(0.5, 0, CORNER[0], 0, -0.5, CORNER[1])


@pytest.fixture
def make_raster(tmp_path):
    """Writes an array (C, H, W) as GeoTIFF with 0.5 m pixels, its corner at CORNER in UTM, and returns its path."""

    def make(name, pixels, *, crs=UTM, transform=AT_CORNER, **options):
        return write_raster(tmp_path / name, pixels, crs=crs, transform=transform, **options)

    return make


@pytest.fixture
def make_layer(tmp_path):
    """Writes geometries given in pixels of `make_raster`'s grid as a layer and returns its path."""

    def make(name, shapes, *, crs=UTM, geometry_type="Unknown", **columns):
        on_ground = shapely.transform(np.array(shapes, dtype=object), lambda points: CORNER + points * [0.5, -0.5])
        arrays = {key: np.array(values) for key, values in columns.items()}
        arrays = {key: values.astype(object) if values.dtype.kind == "U" else values for key, values in arrays.items()}
        write_features(tmp_path / name, on_ground, arrays, crs, geometry_type=geometry_type)
        return str(tmp_path / name)

    return make


@pytest.fixture
def rescale(tmp_path, recorder):
    """Rescales a raster with options of RescaleImage and returns the path of the result."""

    def run(source, **options):
        path = str(tmp_path / "out.tif")
        rescale_image(RescaleImage(input=source, output=path, **options), recorder)
        return path

    return run


@pytest.fixture
def cut_scenes(tmp_path, recorder, make_raster):
    """Makes a dataset of scenes (name, metres to the east) of 512 pixels with tiles of 64, labels or none."""

    def run(scenes=(("a", 0),), *, dtype="uint8", labelled=True, nodata=None, **options):
        random = np.random.default_rng(1)
        images, labels = [], []
        (tmp_path / "labels").mkdir()
        for name, east in scenes:
            transform = Affine(0.5, 0, 500_000 + east, 0, -0.5, 5_000_000)
            image = random.integers(1, 250, (2, 512, 512)).astype(dtype)
            image[:, :3, :70] = 0
            label = (random.random((1, 512, 512)) < np.linspace(0, 0.3, 512)).astype(np.uint8)
            images.append(make_raster(f"{name}.tif", image, transform=transform, nodata=nodata))
            labels.append(make_raster(f"labels/{name}.tif", label, transform=transform))
        request = MakeTiles(
            images=images, labels=labels if labelled else (), output=str(tmp_path / "source"),
            **{"tile_size": 64, "overlap": 0, "validation": 0, **options},
        )  # fmt: skip
        return make_tiles(request, recorder).output

    return run


@pytest.fixture
def split_anew(tmp_path, recorder):
    """Splits a dataset anew; returns the new one, the result, and the new layer's fields and footprints."""

    def run(source, name="anew", **options):
        result = split_dataset(SplitDataset(dataset=source, output=str(tmp_path / name), **options), recorder)
        meta, _, wkb, columns = pyogrio.raw.read(result.tiles)
        fields = dict(zip(meta["fields"], columns, strict=True))
        return open_dataset(result.output), result, fields, shapely.from_wkb(wkb)

    return run

"""Cloud Optimized GeoTIFFs: valid, saying all that the raster says, whole or not at all."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled, OutputError
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.cog import turn_into_cog
from geoseg.geoseg_plugin.engine.imagery.writing import BandNotes, Block, Plan, write_raster
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

ROOT = Path(__file__).resolve().parents[2]


def grid(height, width):
    return Grid(CRS.from_epsg(32633), Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000), height, width)


@pytest.fixture
def write(tmp_path, recorder):
    def run(pixels, shown=None, name="out.tif", report=recorder, bands=None, **plan):
        def make_block(window):
            part = window.toslices()
            return Block(pixels[:, *part].copy(), None if shown is None else shown[part])

        notes = bands or (BandNotes(),) * len(pixels)
        path = tmp_path / name
        write_raster(
            Plan(grid(*pixels.shape[1:]), pixels.dtype.name, notes, **plan), str(path), make_block, cog=True,
            report=report,
        )  # fmt: skip
        return path

    return run


def noise(count, height, width):
    return np.random.default_rng(0).integers(1, 255, (count, height, width)).astype(np.uint8)


def test_a_cog_has_its_layout_blocks_and_overviews(write):
    pixels = noise(3, 1100, 2100)
    with rasterio.open(write(pixels)) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)] * 3
        assert dataset.overviews(1) == [2, 4, 8]
        assert np.array_equal(dataset.read(), pixels)


def test_overviews_of_images_are_averages(write):
    pixels = noise(1, 1024, 1024)
    with rasterio.open(write(pixels), overview_level=0) as dataset:
        means = pixels[0].reshape(512, 2, 512, 2).mean(axis=(1, 3))
        assert np.abs(dataset.read(1) - means).max() <= 0.5


def test_everything_a_raster_says_survives(write):
    pixels = noise(2, 600, 700).astype(np.int16)
    bands = (
        BandNotes("VV", unit="dB", scale=0.1, offset=5, tags={"POLARISATION": "VV"}),
        BandNotes("VH", unit="dB", scale=0.2, offset=6),
    )
    with rasterio.open(write(pixels, bands=bands, nodata=-9, tags={"SENSOR": "S1"})) as dataset:
        assert (dataset.descriptions, dataset.units, dataset.nodata) == (("VV", "VH"), ("dB", "dB"), -9)
        assert (dataset.scales, dataset.offsets) == ((0.1, 0.2), (5, 6))
        assert dataset.tags()["SENSOR"] == "S1"
        assert dataset.tags(1)["POLARISATION"] == "VV"
        assert Grid.of(dataset) == grid(600, 700)


@pytest.mark.parametrize("side", [1, 40, 1100])
@pytest.mark.parametrize("hides", ["nodata", "mask", "alpha"])
def test_pixels_without_data_stay_so_at_any_size(write, side, hides):
    pixels, shown = noise(4, side, side), np.indices((side, side)).sum(axis=0) % 7 > 0
    pixels[3] = 255
    meanings = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    bands = tuple(BandNotes(meaning=one if hides == "alpha" else ColorInterp.undefined) for one in meanings)
    how = {"nodata": {"nodata": 0}, "mask": {"masked": True}, "alpha": {}}[hides]
    path = write(pixels, shown, bands=bands, **how)
    with rasterio.open(path) as dataset:
        assert np.array_equal(dataset.dataset_mask() > 0, shown)
        assert np.array_equal(dataset.read(2)[shown], pixels[1][shown])
    assert [file.name for file in path.parent.iterdir()] == ["out.tif"]


def test_overviews_of_classes_hold_classes_only(write):
    classes = np.random.default_rng(1).choice(np.array([0, 5, 9], np.uint8), (1, 1100, 1300))
    colours = {0: (0, 0, 0, 255), 5: (9, 9, 9, 255), 9: (200, 9, 9, 255)}
    table = ClassTable.named({0: "ground", 5: "roof", 9: "road"})
    tags = {"GEOSEG_CLASSES": json.dumps(table.to_json())}
    path = write(classes, name="Häuser und Straßen.tif", colours=colours, classes=table, tags=tags)
    with rasterio.open(path) as dataset:
        assert dataset.colorinterp[0] == ColorInterp.palette
        assert {value: dataset.colormap(1)[value] for value in colours} == colours
        assert read_class_table(dataset) == table
    for level in (0, 1):
        with rasterio.open(path, overview_level=level) as dataset:
            assert np.unique(dataset.read(1)).tolist() == [0, 5, 9]
    beside = sorted(file.name for file in path.parent.iterdir())
    assert beside == ["Häuser und Straßen.qml", "Häuser und Straßen.tif", "Häuser und Straßen.tif.aux.xml"]


def test_a_name_like_that_of_the_unfinished_file(write):
    assert write(noise(1, 50, 60), name="cog_out.tif").parent == write(noise(1, 50, 60)).parent


def test_progress_grows_to_the_end(write, recorder):
    write(noise(3, 1500, 1500))
    assert recorder.fractions == sorted(recorder.fractions)
    assert len(set(recorder.fractions)) > 20
    assert 0.7 < recorder.fractions[-1] <= 1


@pytest.mark.parametrize("when", [0.2, 0.5, 0.6])
def test_cancelling_leaves_nothing(write, make_recorder, tmp_path, when):
    with pytest.raises(Cancelled):
        write(noise(3, 1500, 1500), report=make_recorder(lambda one: one.fractions[-1:] > [when]))
    assert not list(tmp_path.iterdir())


def test_a_block_for_which_there_was_no_room_does_not_pass_into_the_copy(tmp_path, recorder):
    """GDAL reads what lies in its place, and raises no error."""
    path, pixels = tmp_path / "map.tif", noise(1, 512, 512)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 512, "width": 512, "tiled": True}
    with rasterio.open(path, "w", blockxsize=256, blockysize=256, **profile) as dataset:
        dataset.write(pixels)
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_0", "TIFF", bidx=1))
    content = path.read_bytes()
    path.write_bytes(content.replace(offset.to_bytes(4, "little"), (offset - 256).to_bytes(4, "little")))
    with rasterio.open(path) as dataset:
        assert not np.array_equal(dataset.read(), pixels)
    with pytest.raises(OutputError, match=r"map\.tif could not be written to its end"):
        turn_into_cog(path, averaged=True, report=recorder)
    assert [file.name for file in tmp_path.iterdir()] == ["map.tif"]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, make_raster):
    source = make_raster("in.tif", noise(3, 700, 700), compress="deflate")
    limit = Path(source).stat().st_size  # the GeoTIFF fits, but not with overviews
    done = subprocess.run(
        [sys.executable, str(ROOT / "geoseg_plugin"), "clip-raster", "--input", source, "--like", source,
         "--format", "COG", "--output", str(tmp_path / "out.tif")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["in.tif"]

"""Virtual mosaics: GDAL reads from them what a written mosaic holds."""

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.contract.stages.imagery import MosaicRasters
from geoseg.geoseg_plugin.engine.class_raster import create_class_raster, read_class_table
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.imagery.mosaicking.mosaic import mosaic_rasters
from rasterio.enums import ColorInterp


@pytest.fixture
def compare(tmp_path, recorder):
    """Makes the same mosaic as .tif and .vrt, lets GDAL's own command read the latter, and returns both, open."""
    if not shutil.which("gdal_translate"):
        pytest.skip("gdal_translate is not installed")

    def run(inputs, **options):
        paths = [tmp_path / "out" / name for name in ("mosaic.tif", "mosaic.vrt")]
        for path in paths:
            mosaic_rasters(MosaicRasters(inputs=inputs, output=str(path), **options), recorder)
        copy = tmp_path / "copy.tif"
        command = ["gdal_translate", "-q", "--config", "GDAL_TIFF_INTERNAL_MASK", "YES", str(paths[1]), str(copy)]
        subprocess.run(command, check=True, capture_output=True)
        return rasterio.open(paths[0]), rasterio.open(copy)

    return run


def at(row, col):
    return Affine(0.5, 0, 500_000 + 0.5 * col, 0, -0.5, 5_000_000 - 0.5 * row)


def hold_equal(ours, theirs):
    assert Grid.of(ours).is_same(Grid.of(theirs))
    assert ours.dtypes == theirs.dtypes
    assert ours.colorinterp == theirs.colorinterp
    assert ours.descriptions == theirs.descriptions
    shown = ours.dataset_mask() > 0
    assert np.array_equal(shown, theirs.dataset_mask() > 0)
    assert np.array_equal(ours.read()[:, shown], theirs.read()[:, shown], equal_nan=ours.dtypes[0] == "float32")


def pixels(number, dtype="uint8", bands=3):
    return np.random.default_rng(number).integers(1, 250, (bands, 60, 80)).astype(dtype)


@pytest.mark.parametrize("method", ["first", "last"])
@pytest.mark.parametrize("kind", ["full", "nodata", "other nodata", "mask", "alpha", "NaN", "mixed", "by band"])
def test_gdal_reads_what_a_written_mosaic_holds(compare, make_raster, method, kind):
    paths = []
    for number, place in enumerate([(0, 0), (20, 30), (40, 90)]):
        image, options = pixels(number), {"names": ("a", "b", "c"), "photometric": "RGB"}
        hidden = np.random.default_rng(9 + number).random(image.shape[1:]) > 0.6
        if "nodata" in kind:
            options["nodata"] = 255 - (number if kind == "other nodata" else 0)
            image[:, hidden] = options["nodata"]
        elif kind == "by band":
            image = image.astype(np.int16)
            options["nodata"] = -9999 + number
            image[:, hidden] = options["nodata"]
            image[1, ::3] = options["nodata"]
            options.pop("photometric")
        elif kind == "NaN":
            image = image.astype(np.float32)
            image[:, hidden] = np.nan
            options.pop("photometric")
        elif kind == "mask" or (kind == "mixed" and number == 1):
            options["mask"] = ~hidden
        elif kind == "alpha" or (kind == "mixed" and number == 2):
            image = np.concatenate([image, np.where(hidden, 0, 255)[None].astype(np.uint8)])
            options |= {"alpha": "YES", "names": ("a", "b", "c", "d")}
        paths.append(make_raster(f"{number}.tif", image, transform=at(*place), **options))
    ours, theirs = compare(paths, method=method)
    assert ours.nodata == theirs.nodata
    if kind == "NaN":  # a missing value is told by the value, not by the mask, where GDAL makes a virtual raster
        assert np.array_equal(ours.read(), np.where(ours.dataset_mask() > 0, theirs.read(), np.nan), equal_nan=True)
    else:
        hold_equal(ours, theirs)


@pytest.mark.parametrize("method", ["first", "last"])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_rasters_on_other_grids(compare, data, method, resampling):
    folder = data / "odd_raster" / "derived"
    names = ["internal_mask", "mixed_crs_neighbour_3857", "mixed_crs_neighbour_4326"]
    ours, theirs = compare([str(folder / f"{name}.tif") for name in names], method=method, resampling=resampling)
    assert Grid.of(ours).is_same(Grid.of(theirs))
    assert np.array_equal(ours.dataset_mask(), theirs.dataset_mask())
    shown = ours.dataset_mask() > 0
    assert np.mean((ours.read() != theirs.read())[:, shown]) < 1e-3  # two versions of GDAL and PROJ


def test_hairlines_are_closed_too(compare, make_raster):
    paths = [
        make_raster("left.tif", pixels(0), transform=at(0, 0.49)),
        make_raster("right.tif", pixels(1), transform=at(0, 80.51)),
    ]
    grid = make_raster("grid.tif", np.zeros((3, 60, 160), np.uint8))
    ours, theirs = compare(paths, like=grid)
    assert (ours.dataset_mask() > 0).all()
    hold_equal(ours, theirs)


def test_all_that_is_said_of_bands(make_raster, recorder, tmp_path):
    source = make_raster("in.tif", pixels(0, "int16", 2), nodata=-9, names=("VV", "VH"), tags={"SENSOR": "S1"})
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = (0.1, 0.2), (5, 6), ("dB", "dB")
        dataset.update_tags(1, POLARISATION="VV")
    mosaic_rasters(MosaicRasters(inputs=[source], output=str(tmp_path / "m.vrt")), recorder)
    with rasterio.open(tmp_path / "m.vrt") as dataset:
        assert (dataset.dtypes[0], dataset.nodata, dataset.descriptions) == ("int16", -9, ("VV", "VH"))
        assert (dataset.scales, dataset.offsets, dataset.units) == ((0.1, 0.2), (5, 6), ("dB", "dB"))
        assert dataset.tags()["SENSOR"] == "S1"
        assert "mosaicrasters" in dataset.tags()["GEOSEG_REQUEST"]
        assert dataset.tags(1) == {"POLARISATION": "VV"}


def test_classes_keep_colours_names_and_style(make_raster, recorder, tmp_path):
    classes = ClassTable.named({0: "ground", 7: "roof"})
    with rasterio.open(make_raster("like.tif", pixels(0))) as like:
        grid = Grid.of(like)
    with create_class_raster(tmp_path / "classes.tif", grid, classes, {}) as dataset:
        dataset.write((pixels(0)[0] % 2 * 7).astype(np.uint8), 1)
    mosaic_rasters(MosaicRasters(inputs=[str(tmp_path / "classes.tif")], output=str(tmp_path / "m.vrt")), recorder)
    with rasterio.open(tmp_path / "m.vrt") as dataset, rasterio.open(tmp_path / "classes.tif") as source:
        assert read_class_table(dataset) == classes
        assert dataset.colorinterp == (ColorInterp.palette,)
        assert dataset.colormap(1) == source.colormap(1)
        assert np.array_equal(dataset.read(), source.read())
    assert sorted(path.suffix for path in tmp_path.glob("m.*")) == [".qml", ".vrt"]
    assert "<Category>ground</Category>" in (tmp_path / "m.vrt").read_text(encoding="utf-8")


def test_cancelling_leaves_nothing(make_raster, make_recorder, tmp_path):
    request = MosaicRasters(inputs=[make_raster("in.tif", pixels(0))] * 2, output=str(tmp_path / "m.vrt"))
    with pytest.raises(Cancelled):
        mosaic_rasters(request, make_recorder(lambda recorder: "Writing the virtual raster" in recorder.texts))
    assert [path.name for path in tmp_path.iterdir()] == ["in.tif"]


def test_a_mask_beside_nodata(compare, make_raster):
    shown = np.random.default_rng(5).random((60, 80)) > 0.5
    one = make_raster("0.tif", pixels(0), nodata=0, mask=shown)
    other = make_raster("1.tif", pixels(1), nodata=0, transform=at(0, 40))
    ours, theirs = compare([one, other])
    hold_equal(ours, theirs)
    assert (ours.dataset_mask() > 0)[:, :40].tolist() == shown[:, :40].tolist()
    shifted = make_raster("2.tif", pixels(0), nodata=0, mask=shown, transform=at(0.5, 0.5))
    ours, theirs = compare([shifted], like=one)
    hold_equal(ours, theirs)
    assert (ours.dataset_mask() == 0).sum() > 1000


def test_what_is_not_checked_is_told(make_raster, recorder, tmp_path):
    one = make_raster("0.tif", pixels(0), nodata=0)
    paths = [one, make_raster("1.tif", pixels(1), transform=at(0, 40))]
    mosaic_rasters(MosaicRasters(inputs=[one], output=str(tmp_path / "m.vrt")), recorder)
    assert not (recorder.warnings or recorder.notes)
    mosaic_rasters(MosaicRasters(inputs=paths, output=str(tmp_path / "m.vrt")), recorder)
    assert "the value 0 now count as pixels without data" in recorder.warnings[0]
    assert "shows that band of the raster below" in recorder.notes[0]


@pytest.mark.parametrize(("bands", "dtype"), [(1, "int16"), (3, "uint8"), (4, "uint8"), (5, "uint16"), (5, "float32")])
@pytest.mark.parametrize("alone", [True, False])
def test_resampled_rasters_hide_nothing_with_their_corners(compare, make_raster, bands, dtype, alone):
    turned = at(30, 40) @ Affine.rotation(20)
    one = make_raster("turned.tif", pixels(0, dtype, bands)[:, :20, :20], transform=turned, photometric="minisblack")
    base = make_raster("base.tif", pixels(1, dtype, bands), photometric="minisblack")
    ours, theirs = compare([one] if alone else [one, base], like=base)
    shown = ours.dataset_mask() > 0
    assert np.array_equal(shown, theirs.dataset_mask() > 0) or dtype == "float32"
    assert shown.all() != alone
    assert np.mean((ours.read() != theirs.read())[:, shown]) < 1e-3

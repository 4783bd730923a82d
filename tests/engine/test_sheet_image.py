"""Images of sheets: bands, pixels without data, zeros, other grids."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.layouts import lay_out
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.sheet_image import open_image
from rasterio.windows import Window

SIDE = 40
WHOLE = Window(0, 0, SIDE, SIDE)


@pytest.fixture
def read(recorder, tmp_path):
    """Returns pixels, where they are known, and the nodata value of an image."""

    def run(path, window=WHOLE, **options):
        request = MakeTiles(images=[path], output=str(tmp_path / "out"), tile_size=32, **options)
        (sheet,) = lay_out(request, find_scenes(request, recorder), recorder)
        with open_image(sheet, request) as image:
            return *image.read(window), image.nodata

    return run


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(1, 200, (4, SIDE, SIDE)).astype(np.uint8)


def test_bands_come_in_the_order_asked(read, make_raster, pixels):
    path = make_raster("a.tif", pixels, photometric="minisblack", names=("a", "b", "c", "d"))
    image, valid, nodata = read(path, Window(3, 5, 20, 10), bands="d,a")
    assert np.array_equal(image, pixels[[3, 0], 5:15, 3:23])
    assert valid.all()
    assert nodata is None


def test_zeros_in_all_bands_are_no_data(read, make_raster, pixels):
    pixels[:, :9] = 0
    pixels[0, 20:30] = 0
    path = make_raster("a.tif", pixels, photometric="minisblack")
    image, valid, _ = read(path)
    assert np.array_equal(image, pixels)
    assert np.array_equal(~valid, np.broadcast_to(np.arange(SIDE)[:, None] < 9, (SIDE, SIDE)))
    assert read(path, zero_nodata=False)[1].all()
    assert np.array_equal(read(path, bands="1")[1], valid)  # the other bands tell which zeros are values


def test_zeros_of_a_single_band_of_whole_numbers_are_values(read, make_raster, pixels):
    pixels[:, :9] = 0
    assert read(make_raster("a.tif", pixels[:1]))[1].all()
    assert not read(make_raster("b.tif", pixels[:1].astype(np.float32)))[1].all()


def test_zeros_get_the_nodata_value_that_the_tiles_will_have(read, make_raster, pixels):
    floats = pixels.astype(np.float32)
    floats[:, :5] = 0
    floats[1, 30] = -9999
    image, valid, nodata = read(make_raster("a.tif", floats, nodata=-9999))
    assert nodata == -9999
    assert (image[:, :5] == -9999).all()
    assert not valid[:5].any()
    assert not valid[30].any()
    assert np.array_equal(image[:, 5:], floats[:, 5:])


def test_nodata_0_of_some_bands_cannot_be_that_of_tiles(read, make_raster, pixels):
    pixels[0, 3] = 0
    path = make_raster("a.tif", pixels, photometric="minisblack", nodata=0)
    image, valid, nodata = read(path, bands="1,2")
    assert nodata is None
    assert valid.all()
    assert np.array_equal(image, pixels[:2])
    assert read(path)[2] == 0


def test_nodata_beyond_the_data_type_is_left_to_a_mask(read, make_raster, pixels, tmp_path):
    path = make_raster("a.tif", pixels, photometric="minisblack")
    vrt = tmp_path / "a.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><NoDataValue>-9999</NoDataValue><SimpleSource>'
        f"<SourceFilename>{path}</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2)
    )
    vrt.write_text(f'<VRTDataset rasterXSize="{SIDE}" rasterYSize="{SIDE}">{bands}</VRTDataset>')
    image, valid, nodata = read(str(vrt))
    assert nodata is None
    assert valid.all()
    assert np.array_equal(image, pixels[:2])


def test_zeros_are_not_blended_into_their_neighbours(read, make_raster):
    pixels = np.full((2, SIDE, SIDE), 100, np.uint8)
    pixels[:, :, :10] = 0
    pixels[0, 20:] = 0
    image, valid, _ = read(make_raster("a.tif", pixels), Window(0, 0, 80, 80), pixel_size=0.25)
    assert set(np.unique(image[1][valid])) == {100}
    assert not valid[:, :18].any()
    assert valid[:, 22:].all()
    assert (image[0, 45:, 22:] == 0).all()


def test_images_of_another_pixel_size_are_resampled(read, make_raster, pixels):
    path = make_raster("a.tif", pixels, photometric="minisblack")
    halved = pixels.reshape(4, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    image, valid, _ = read(path, Window(0, 0, 20, 20), pixel_size=1.0, resampling="average")
    assert np.abs(image - halved).max() <= 0.5
    assert valid.all()
    image, _, _ = read(path, Window(0, 0, 80, 80), pixel_size=0.25, resampling="nearest")
    assert np.array_equal(image, pixels.repeat(2, axis=1).repeat(2, axis=2))

"""Rasters of probabilities and of how certain they are."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.engine.prediction.results.certainty import measure_entropy, measure_margin
from geoseg.geoseg_plugin.engine.prediction.results.share_raster import encode_shares
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.mapped import draw_probabilities, write_map

RASTERS = {"probabilities": 3, "confidence": 1, "entropy": 1, "margin": 1}
STEPS = {"float32": 0, "float16": 2**-12, "uint8": 0.5 / 254}


@pytest.fixture(scope="module")
def probabilities():
    values = draw_probabilities(520, 280)
    values[:, :3, :3] = np.array([0, 1, 0], np.float32)[:, None, None]
    return values


def measured(probabilities):
    return {
        "probabilities": probabilities,
        "confidence": probabilities.max(axis=0)[None],
        "entropy": measure_entropy(probabilities)[None],
        "margin": measure_margin(probabilities)[None],
    }


@pytest.mark.parametrize("form", ["GeoTIFF", "COG"])
@pytest.mark.parametrize("dtype", STEPS)
def test_every_raster_is_as_exact_as_its_type(tmp_path, probabilities, dtype, form):
    valid = np.ones(probabilities.shape[1:], bool)
    valid[100:200, 50:90] = False
    write_map(
        tmp_path / "out", probabilities, valid, format=form, probability_type=dtype, **dict.fromkeys(RASTERS, True)
    )
    for name, shares in measured(probabilities).items():
        with rasterio.open(tmp_path / "out" / f"{name}.tif") as dataset:
            assert dataset.count == RASTERS[name]
            assert set(dataset.dtypes) == {"uint8" if dtype == "uint8" else "float32"}
            assert dataset.nodata == 255 if dtype == "uint8" else np.isnan(dataset.nodata)
            pixels = dataset.read(masked=True)
            assert (~np.ma.getmaskarray(pixels) == valid).all()
            found = pixels.data * np.array(dataset.scales, np.float32)[:, None, None]
            np.testing.assert_allclose(found[:, valid], shares[:, valid], atol=STEPS[dtype] + 1e-6)
            assert dataset.overviews(1) == ([2] if form == "COG" else [])
            names = ("class 0", "class 1", "class 2") if name == "probabilities" else (name,)
            assert dataset.descriptions == names
            assert {"GEOSEG_REQUEST", "GEOSEG_VERSION", "GEOSEG_MODEL_SHA256"} <= set(dataset.tags())
            nbits = dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS")
            assert nbits == ("16" if dtype == "float16" else None)
    beside = {file.name for file in (tmp_path / "out").iterdir()}
    assert beside == {f"{name}{end}" for name in (*RASTERS, "classes") for end in (".tif", ".qml")} | {
        "classes.tif.aux.xml"
    }


def test_smaller_types_take_less_room(tmp_path, probabilities):
    sizes = []
    for dtype in STEPS:
        write_map(tmp_path / dtype, probabilities, probability_type=dtype, probabilities=True)
        sizes.append((tmp_path / dtype / "probabilities.tif").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1] > 2 * sizes[2]


def test_overviews_are_averages_of_what_has_data(tmp_path, probabilities):
    valid = np.ones(probabilities.shape[1:], bool)
    valid[::2] = False
    write_map(tmp_path / "out", probabilities, valid, format="COG", probabilities=True)
    with rasterio.open(tmp_path / "out" / "probabilities.tif", overview_level=0) as dataset:
        pairs = probabilities[:, 1::2].reshape(3, 260, 140, 2).mean(axis=3)
        np.testing.assert_allclose(dataset.read(), pairs, atol=1e-6)


def test_whole_probabilities_are_whole_in_each_type():
    shares = np.array([0, 1, np.nan], np.float32)
    assert encode_shares(shares, "uint8").tolist() == [0, 254, 255]
    np.testing.assert_array_equal(encode_shares(shares, "float16"), shares)
    assert encode_shares(np.array([0.50049], np.float32), "float16") == np.float32(0.50048828125)


def test_the_first_class_that_is_not_background_is_shown(tmp_path):
    for names, band in ((("Background", "roof"), 2), (("water", "land"), 1), (("background", "background "), 1)):
        card = make_card(classes=dict(enumerate(names)))
        write_map(tmp_path / names[0], draw_probabilities(4, 5, 2), card=card, probabilities=True)
        style = (tmp_path / names[0] / "probabilities.qml").read_text()
        assert f'type="singlebandpseudocolor" band="{band}"' in style

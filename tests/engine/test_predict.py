"""Prediction as a whole: a hand-made network must give exactly the expected map on every raster."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, ModelError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.contract.stages.prediction_parts.windows import BLENDINGS
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.models.card import Band
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import TRANSFORM, write_raster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

# Building where red is above 125 and not below blue, water where blue is, else background.
WEIGHTS, BIAS = [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2]


def _expected(image):
    red, blue = image[0].astype(float), image[2].astype(float)
    return np.where((red > 125) & (red >= blue), 1, np.where(blue > 125, 5, 0)).astype(np.uint8)


def _image(height, width, seed=0, dtype=np.uint8):
    # Multiples of 7 plus 1 never equal 125, so that no class is chosen by rounding.
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(3, height, width)), (0, 2, 2))
    return ((noise / noise.std() * 50 + 120).clip(0, 255) // 7 * 7 + 1).astype(dtype)


@pytest.fixture
def model(tmp_path):
    return write_pixelwise(tmp_path / "model.onnx", make_card(), WEIGHTS, BIAS)


def _predict(path, model, report=None, **options):
    output = Path(options.pop("folder", Path(path).parent)) / "map.tif"
    request = PredictSegmentation(input=str(path), model=model, output=str(output), **options)
    return predict_segmentation(request, report or Listener())


def _read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (1, 400), (400, 1), (251, 397), (64, 64), (300, 65), (600, 130)])
def test_the_map_is_exact_at_every_size(tmp_path, model, shape):
    image = _image(*shape)
    result = _predict(write_raster(tmp_path / "image.tif", image), model)
    np.testing.assert_array_equal(_read(result.output), _expected(image))
    assert result.device.startswith("cpu")
    assert 0.3 < result.mean_confidence <= 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tile_size=st.sampled_from([32, 64, 96, 128, 160]),
    overlap=st.sampled_from([0, 10, 25, 50, 75]),
    batch_size=st.sampled_from([0, 1, 3, 8]),
    blending=st.sampled_from(list(BLENDINGS)),
)
def test_windows_and_batches_do_not_change_the_map(tmp_path, model, tile_size, overlap, batch_size, blending):
    image = _image(211, 173)
    path = write_raster(tmp_path / "image.tif", image)
    probabilities = str(tmp_path / "probabilities.tif")
    result = _predict(
        path, model, tile_size=tile_size, overlap=overlap, batch_size=batch_size, probabilities=probabilities,
        blending=blending,
    )  # fmt: skip
    np.testing.assert_array_equal(_read(result.output), _expected(image))
    scaled = (image.astype(float) - 100) / 50
    logits = np.einsum("kc,chw->khw", np.array(WEIGHTS), scaled) + np.array(BIAS)[:, None, None]
    wanted = np.exp(logits) / np.exp(logits).sum(axis=0)
    with rasterio.open(probabilities) as dataset:
        np.testing.assert_allclose(dataset.read(), wanted, atol=2e-6)
        assert dataset.descriptions == ("background", "building", "water")
        assert np.isnan(dataset.nodata)


def _results(folder):
    """Return class raster, probabilities, and polygons with their columns in an order of their own."""
    with rasterio.open(folder / "p.tif") as dataset:
        probabilities = dataset.read()
    _, _, shapes, (values, names, areas, confidences) = pyogrio.raw.read(folder / "areas.gpkg")
    texts = [shape.wkt for shape in shapely.normalize(shapely.from_wkb(shapes))]
    order = np.argsort(texts)
    return (
        _read(folder / "map.tif"),
        probabilities,
        sorted(texts),
        values[order],
        names[order],
        areas[order],
        confidences[order],
    )


@pytest.mark.parametrize(("width", "overlap"), [(257, 25), (700, 0), (1100, 50)])
def test_sections_of_a_wide_raster_give_what_the_whole_gives(tmp_path, model, monkeypatch, width, overlap):
    image = _image(300, width)
    image[:, 100:180, 200:] = 0
    path = write_raster(tmp_path / "image.tif", image, nodata=0)
    found = []
    for columns in (8192, 256):
        monkeypatch.setattr("geoseg.geoseg_plugin.engine.prediction.placing._REGION_COLUMNS", columns)
        folder, listener = tmp_path / str(columns), Listener()
        options = {"probabilities": str(folder / "p.tif"), "polygons": str(folder / "areas.gpkg")}
        result = _predict(path, model, listener, folder=folder, overlap=overlap, **options)
        assert listener.fractions == sorted(listener.fractions)
        assert sorted(file.suffix for file in folder.iterdir()) == [".gpkg", *[".qml"] * 3, ".tif", ".tif", ".xml"]
        found.append((*_results(folder), result.mean_confidence))
    for whole, parts in zip(found[0][:-2], found[1][:-2], strict=True):
        np.testing.assert_array_equal(parts, whole)
    np.testing.assert_allclose(found[1][-2], found[0][-2], atol=1e-5)
    assert found[1][-1] == pytest.approx(found[0][-1])


@pytest.mark.parametrize("blending", BLENDINGS)
@pytest.mark.parametrize("size", [(1, 7), (40, 30), (150, 150)])
def test_a_constant_network_gives_a_constant_map(tmp_path, size, blending):
    model = write_pixelwise(tmp_path / "model.onnx", make_card(), np.zeros((3, 3)), [0.0, 1.0, 0.5])
    probabilities = str(tmp_path / "probabilities.tif")
    listener = Listener()
    path = write_raster(tmp_path / "image.tif", _image(*size))
    result = _predict(path, model, listener, probabilities=probabilities, blending=blending)
    assert (_read(result.output) == 1).all()
    with rasterio.open(probabilities) as dataset:
        wanted = np.exp([0.0, 1.0, 0.5]) / np.exp([0.0, 1.0, 0.5]).sum()
        for band, value in zip(dataset.read(), wanted, strict=True):
            np.testing.assert_allclose(band, value, rtol=1e-5)
    assert any("All" in text and "building" in text and "mean 0.50" in text for text in listener.warnings)


def test_nodata_stays_nodata_and_is_not_looked_at(tmp_path, model):
    image = _image(200, 300)
    image[:, 20:90, 30:280] = 0
    image[:, 120:, :] = 0
    result = _predict(write_raster(tmp_path / "image.tif", image, nodata=0), model, overlap=0)
    found, wanted = _read(result.output), _expected(image)
    missing = (image == 0).all(axis=0)
    assert (found[missing] == 255).all()
    np.testing.assert_array_equal(found[~missing], wanted[~missing])


def test_windows_without_data_skip_the_network(tmp_path, model, monkeypatch):
    from geoseg.geoseg_plugin.engine.prediction.networks.onnx_network import OnnxNetwork

    seen, infer = [], OnnxNetwork._infer
    monkeypatch.setattr(OnnxNetwork, "_infer", lambda self, windows: seen.append(len(windows)) or infer(self, windows))
    image = _image(256, 256)
    image[:, 64:, :] = 0
    _predict(write_raster(tmp_path / "image.tif", image, nodata=0), model, overlap=0)
    assert sum(seen) == 4


def test_a_raster_without_any_data(tmp_path, model):
    listener = Listener()
    polygons = str(tmp_path / "areas.gpkg")
    path = write_raster(tmp_path / "image.tif", np.zeros((3, 90, 70), np.uint8), nodata=0)
    result = _predict(path, model, listener, polygons=polygons)
    assert (_read(result.output) == 255).all()
    assert result.mean_confidence == result.pixels_per_second == 0
    assert "no pixel with data" in listener.warnings[0]
    assert Path(polygons).exists()


def test_not_a_number_counts_as_no_data(tmp_path, model):
    image = _image(80, 90, dtype=np.float32)
    image[1, 10:20, 10:40] = np.nan
    image[2, 30:35, :] = np.inf
    found = _read(_predict(write_raster(tmp_path / "image.tif", image), model).output)
    missing = ~np.isfinite(image).all(axis=0)
    assert (found[missing] == 255).all()
    np.testing.assert_array_equal(found[~missing], _expected(image)[~missing])


def test_uint16_uses_the_whole_range(tmp_path):
    bands = tuple(Band(name, 25_600.0, 12_800.0) for name in ("red", "green", "blue"))
    card = dataclasses.replace(make_card(dtype="uint16"), bands=bands)
    model = write_pixelwise(tmp_path / "model.onnx", card, WEIGHTS, BIAS)
    image = _image(100, 120)
    listener = Listener()
    path = write_raster(tmp_path / "image.tif", image.astype(np.uint16) * 256)
    np.testing.assert_array_equal(_read(_predict(path, model, listener).output), _expected(image))
    assert listener.warnings == []


def test_an_alpha_band_is_no_image_band_but_hides(tmp_path, model):
    image = _image(70, 80)
    alpha = np.full((1, 70, 80), 255, np.uint8)
    alpha[:, :20] = 0
    path = write_raster(tmp_path / "image.tif", np.concatenate([image, alpha]), photometric="RGB", alpha="YES")
    found = _read(_predict(path, model).output)
    assert (found[:20] == 255).all()
    np.testing.assert_array_equal(found[20:], _expected(image)[20:])


TRANSFORMS = {
    "south up": Affine(0.5, 0, 3e5, 0, 0.5, 3e6),
    "rotated": TRANSFORM @ Affine.rotation(30),
    "huge offset": Affine(0.15, 0, 1e9, 0, -0.15, 1e9),
    "not square": Affine(0.5, 0, 3e5, 0, -0.7, 3e6),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_grid_is_kept(tmp_path, model, name):
    image = _image(90, 110)
    path = write_raster(tmp_path / "image.tif", image, transform=TRANSFORMS[name])
    probabilities = str(tmp_path / "probabilities.tif")
    result = _predict(path, model, probabilities=probabilities, pixel_size="image")
    np.testing.assert_array_equal(_read(result.output), _expected(image))
    with rasterio.open(path) as source, rasterio.open(result.output) as found, rasterio.open(probabilities) as other:
        assert Grid.of(found) == Grid.of(other) == Grid.of(source)
        assert found.nodata == 255
        assert found.colormap(1)[1] == (215, 48, 31, 255)
        assert "PredictSegmentation".lower() in found.tags()["GEOSEG_REQUEST"]
        assert len(found.tags()["GEOSEG_MODEL_SHA256"]) == 64
        assert other.tags()["GEOSEG_VERSION"] == found.tags()["GEOSEG_VERSION"]


def test_paths_in_any_script_and_in_new_folders(tmp_path, model):
    folder = tmp_path / "карта भवन é"
    folder.mkdir()
    image = _image(40, 50)
    path = write_raster(folder / "建物 image.tif", image)
    Path(model).rename(folder / "模型.onnx")
    result = _predict(
        path, str(folder / "模型.onnx"), folder=folder / "neu ü", polygons=str(folder / "neu ü" / "सीमा.gpkg")
    )
    np.testing.assert_array_equal(_read(result.output), _expected(image))
    assert sorted(file.name for file in (folder / "neu ü").iterdir()) == sorted(
        ["map.tif", "map.qml", "map.tif.aux.xml", "सीमा.gpkg", "सीमा.qml"]
    )


def test_one_name_for_map_and_polygons_leaves_the_style_to_the_map(tmp_path, model):
    listener = Listener()
    path = write_raster(tmp_path / "image.tif", _image(40, 50))
    _predict(path, model, listener, polygons=str(tmp_path / "map.gpkg"))
    assert "one style file" in listener.warnings[0]
    assert "paletted" in (tmp_path / "map.qml").read_text(encoding="utf-8")


def test_cancelling_leaves_nothing(tmp_path, model):
    path = write_raster(tmp_path / "image.tif", _image(600, 600))
    folder = tmp_path / "out"
    with pytest.raises(Cancelled):
        _predict(
            path, model, Listener(lambda listener: listener.fractions[-1:] >= [0.5]), folder=folder, overlap=50,
            probabilities=str(folder / "p.tif"), polygons=str(folder / "areas.gpkg"),
        )  # fmt: skip
    assert list(folder.iterdir()) == []


def test_progress_grows_steadily(tmp_path, model):
    listener = Listener()
    _predict(write_raster(tmp_path / "image.tif", _image(300, 300)), model, listener)
    assert listener.fractions == sorted(listener.fractions)
    assert len(set(listener.fractions)) > 20
    metrics = {name: value for name, value, _ in listener.metrics}
    assert 0 < metrics["network_s"] <= metrics["wall_s"]


def test_a_damaged_raster_is_named(tmp_path, model):
    path = Path(write_raster(tmp_path / "image.tif", _image(500, 500), compress="deflate", tiled=True))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(InputError, match=r"image\.tif"):
        _predict(path, model)
    assert not (tmp_path / "map.tif").exists()


def test_answers_that_are_not_numbers(tmp_path):
    model = write_pixelwise(tmp_path / "model.onnx", make_card(), np.full((3, 3), np.nan), BIAS)
    with pytest.raises(ModelError, match="not numbers"):
        _predict(write_raster(tmp_path / "image.tif", _image(40, 40)), model)
    assert not (tmp_path / "map.tif").exists()


def test_many_classes_and_large_values(tmp_path):
    classes = {0: "none", 300: "some", 40_000: "many"}
    model = write_pixelwise(tmp_path / "model.onnx", make_card(classes=classes), WEIGHTS, BIAS)
    image = _image(100, 100)
    result = _predict(write_raster(tmp_path / "image.tif", image), model)
    with rasterio.open(result.output) as dataset:
        assert (dataset.dtypes[0], dataset.nodata) == ("uint16", 65535)
        wanted = np.array([0, 300, 0, 0, 0, 40_000])[_expected(image)]
        np.testing.assert_array_equal(dataset.read(1), wanted)


def test_onnx_needs_no_torch(tmp_path, model):
    path = write_raster(tmp_path / "image.tif", _image(40, 40))
    root = Path(__file__).resolve().parents[2]
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['geoseg', 'predict-segmentation', '--input', {path!r}, '--model', {model!r},"
        f" '--output', {str(tmp_path / 'map.tif')!r}]\n"
        f"try:\n    runpy.run_path({str(root / 'geoseg_plugin')!r}, run_name='__main__')\n"
        "except SystemExit as end:\n    code = end.code\n"
        "heavy = {'torch', 'segmentation_models_pytorch', 'onnx', 'scipy', 'shapely', 'pyogrio'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


MEMORY_CODE = """
import resource, runpy, sys
sys.argv = ['geoseg', 'predict-segmentation', *sys.argv[1:]]
try:
    runpy.run_path({root!r}, run_name='__main__')
except SystemExit as end:
    assert end.code == 0
open({out!r}, 'w').write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


def _peak_memory(tmp_path, path, model, *more):
    """Return the most memory in MiB that a prediction of its own process takes."""
    root = str(Path(__file__).resolve().parents[2] / "geoseg_plugin")
    code = MEMORY_CODE.format(root=root, out=str(tmp_path / "rss"))
    options = ["--input", path, "--model", model, "--output", str(tmp_path / "map.tif"), "--tile-size", "256", *more]
    subprocess.run([sys.executable, "-c", code, *options], capture_output=True, check=True)
    return int((tmp_path / "rss").read_text()) / 1024


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there on Windows")
def test_memory_does_not_grow_with_height(tmp_path, model):
    used = []
    for height in (512, 8192):
        path = write_raster(tmp_path / "image.tif", np.tile(_image(512, 512), (1, height // 512, 1)), tiled=True)
        used.append(_peak_memory(tmp_path, path, model))
    assert used[1] - used[0] < 60


SPARSE_VRT = """<VRTDataset rasterXSize="{width}" rasterYSize="600"><SRS>EPSG:32645</SRS>
<GeoTransform>300000, 0.5, 0, 3000000, 0, -0.5</GeoTransform>{bands}</VRTDataset>"""
SPARSE_BAND = """<VRTRasterBand dataType="Byte" band="{band}"><NoDataValue>0</NoDataValue><SimpleSource>
<SourceFilename relativeToVRT="1">image.tif</SourceFilename><SourceBand>{band}</SourceBand>
<DstRect xOff="0" yOff="0" xSize="600" ySize="600"/></SimpleSource></VRTRasterBand>"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there on Windows")
def test_memory_does_not_grow_with_width(tmp_path, model):
    write_raster(tmp_path / "image.tif", _image(600, 600), tiled=True)
    bands = "".join(SPARSE_BAND.format(band=band) for band in (1, 2, 3))
    used = []
    # Both are wide enough to fill GDAL's block cache.
    for width in (40_000, 80_000):
        path = tmp_path / "wide.vrt"
        path.write_text(SPARSE_VRT.format(width=width, bands=bands))
        used.append(_peak_memory(tmp_path, str(path), model, "--polygons", str(tmp_path / "areas.gpkg")))
    assert used[1] - used[0] < 60

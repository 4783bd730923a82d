"""The demo scene: reproducible, true to its labels, with believable light."""

import numpy as np
import pyogrio
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.contract.stages.imagery import DemoScene
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.imagery.demo.landscape import plan_landscape
from geoseg.geoseg_plugin.engine.imagery.demo.painting import Painter
from geoseg.geoseg_plugin.engine.imagery.demo.scene import CLASSES, draw_demo_scene
from geoseg.geoseg_plugin.engine.labels.rasterize import rasterize_labels
from rasterio.windows import Window
from scipy.ndimage import binary_erosion

RED, GREEN, BLUE, NIR = range(4)


class Silent:
    """A Report for fixtures that live long."""

    def __getattr__(self, name):
        return lambda *_: False


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Image (4, H, W) and label (H, W) of a scene of 768 pixels."""
    folder = tmp_path_factory.mktemp("demo")
    image, labels = str(folder / "scene.tif"), str(folder / "cover.shp")
    draw_demo_scene(DemoScene(size=768, seed=1, output=image, labels=labels), Silent())
    burnt = RasterizeLabels(labels=labels, field="class_id", like=image, output=str(folder / "label.tif"))
    rasterize_labels(burnt, Silent())
    with rasterio.open(image) as dataset, rasterio.open(burnt.output) as label:
        yield dataset, dataset.read(), label.read(1), labels


def test_the_files_are_as_declared(scene):
    dataset, image, _, labels = scene
    assert (image.dtype, image.shape, dataset.crs.to_epsg(), dataset.res) == (
        "uint16",
        (4, 768, 768),
        32633,
        (0.5, 0.5),
    )
    assert dataset.descriptions == ("red", "green", "blue", "nir")
    assert "demoscene" in dataset.tags()["GEOSEG_REQUEST"]
    info = pyogrio.read_info(labels)
    assert (info["crs"], list(info["fields"])) == ("EPSG:4326", ["class", "class_id"])
    _, _, _, columns = pyogrio.raw.read(labels, read_geometry=False)
    pairs = set(zip(*columns, strict=True))
    assert pairs == set(zip(CLASSES.names, CLASSES.values, strict=True))
    assert np.all(np.diff(columns[1]) >= 0)


def test_every_class_looks_like_itself(scene):
    _, image, label, _ = scene
    inner = {one.name: image[:, binary_erosion(label == one.value, iterations=2)].mean(axis=1) for one in CLASSES}
    for name in ("field", "tree"):
        assert inner[name][NIR] > 1.4 * inner[name][RED]
    assert inner["tree"][GREEN] > inner["tree"][RED]
    assert inner["water"][NIR] < 0.6 * inner["water"][BLUE]
    assert inner["road"][NIR] == pytest.approx(inner["road"][RED], rel=0.4)
    assert inner["building"][RED] > inner["tree"][RED]


def test_labels_lie_on_what_was_drawn(scene):
    _, image, label, _ = scene
    dark = image[NIR] < 500
    water = label == 2
    moved = [
        np.mean(dark[water]),
        *(np.mean(dark[np.roll(water, shift, axis)]) for axis in (0, 1) for shift in (-4, 4)),
    ]
    assert moved[0] == max(moved)
    assert moved[0] > 0.8
    assert np.mean(dark & ~water) < 0.05


def test_shares_are_believable(scene):
    _, _, label, _ = scene
    shares = {one.name: np.mean(label == one.value) for one in CLASSES}
    assert 0.3 < shares["field"] < 0.85
    assert 0.01 < shares["building"] < 0.15
    assert all(share > 0.005 for share in shares.values())


def test_the_same_seed_draws_the_same(tmp_path, recorder):
    images = []
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        request = DemoScene(
            size=200, seed=seed, output=str(tmp_path / f"{name}.tif"), labels=str(tmp_path / f"{name}.shp")
        )
        draw_demo_scene(request, recorder)
        with rasterio.open(request.output) as dataset:
            images.append(dataset.read())
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])
    assert (tmp_path / "a.shp").read_bytes() == (tmp_path / "b.shp").read_bytes()


@pytest.mark.parametrize("size", [128, 200, 333])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_every_size_and_seed_can_be_drawn(size, seed):
    plan = plan_landscape(size, np.random.default_rng([seed, 0]), Silent())
    image = Painter(plan, seed).paint(Window(0, 0, size, size))
    assert image.shape == (4, size, size)
    assert image.std() > 100


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
def test_other_formats_of_labels(tmp_path, recorder, suffix):
    request = DemoScene(size=128, output=str(tmp_path / "a.tif"), labels=str(tmp_path / f"a{suffix}"))
    draw_demo_scene(request, recorder)
    assert pyogrio.read_info(request.labels)["features"] > 0


@pytest.mark.parametrize("fraction", [0.005, 0.05, 0.3], ids=["planning roads", "planning buildings", "painting"])
def test_cancelling_leaves_nothing(tmp_path, make_recorder, fraction):
    request = DemoScene(size=1100, output=str(tmp_path / "a.tif"), labels=str(tmp_path / "a.shp"))
    with pytest.raises(Cancelled):
        draw_demo_scene(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [fraction]))
    assert list(tmp_path.iterdir()) == []

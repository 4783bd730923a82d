"""Which scenes are mapped, and where their results go."""

from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.stages.many_scenes import PredictScenes
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.batch.scene_list import list_scenes


def request(**options):
    return PredictScenes(**{"model": "m.onnx", "output": "maps", **options})


@pytest.fixture
def folder(tmp_path, make_raster):
    for name in ("b.tif", "sub/a.tif", "sub/deep/a.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        make_raster(name, np.ones((1, 4, 5), np.uint8))
    return tmp_path


def test_results_keep_the_subfolders(folder):
    scenes = list_scenes(
        request(folder=str(folder), pattern="**/*.tif", output=str(folder / "maps"), write_picture=True)
    )
    assert [scene.input for scene in scenes] == [
        str(folder / name) for name in ("b.tif", "sub/a.tif", "sub/deep/a.tif")
    ]
    assert scenes[1].output == str(folder / "maps" / "sub" / "a_classes.tif")
    assert scenes[1].picture == str(folder / "maps" / "sub" / "a.png")
    assert scenes[1].probabilities is None and scenes[1].polygons is None


def test_every_value_is_passed_on():
    """All parameters that both have, each with a value that is not its default."""
    values = {
        "bands": "2, 1", "extent": "0,1,0,1", "area": "a.gpkg", "pixel_size": "image", "result_grid": "model",
        "overlap": 50.0, "blending": "spline", "tile_size": 96, "batch_size": 3, "test_time_augmentation": "flips",
        "scales": "0.5, 1", "further_models": ("n.onnx",), "ensemble": "votes", "decision": "fixed",
        "threshold": "building=0.4", "smoothing": 2.0, "device": "cuda:1", "devices": 2, "precision": "float32",
        "backend": "onnxruntime", "probability_type": "uint8", "format": "COG",
    }  # fmt: skip
    (scene,) = list_scenes(request(inputs=("x/b.tif",), **values))
    shared = {field.name for field in fields_of(PredictScenes)} & {field.name for field in fields_of(scene)}
    assert set(values) == shared - {"input", "model", "output"}
    expected = PredictSegmentation(
        input="x/b.tif", model="m.onnx", output=str(Path("maps") / "b_classes.tif"), **values
    )
    assert scene == expected


def test_earlier_results_are_no_scenes(folder, make_raster):
    (folder / "maps").mkdir()
    make_raster("maps/b_classes.tif", np.ones((1, 4, 5), np.uint8))
    found = list_scenes(request(folder=str(folder), pattern="**/*.tif", output=str(folder / "sub" / ".." / "maps")))
    assert [Path(scene.input).name for scene in found] == ["b.tif", "a.tif", "a.tif"]
    with pytest.raises(RequestError, match="lies in OUTPUT"):
        list_scenes(request(folder=str(folder), pattern="sub/*.tif", output=str(folder / "sub")))


def test_a_scene_given_twice_is_mapped_once():
    assert [scene.input for scene in list_scenes(request(inputs=("b.tif", "a.tif", "b.tif")))] == ["b.tif", "a.tif"]


def test_an_address_has_a_name_too():
    (scene,) = list_scenes(request(inputs=("/vsicurl/https://example.org/data/b.10.tif?key=a/b.c",)))
    assert scene.output == str(Path("maps") / "b.10_classes.tif")


@pytest.mark.parametrize("other", ["y/b.tif", "y/B.vrt"])
def test_two_scenes_of_one_name_are_refused(other):
    with pytest.raises(RequestError, match=rf"x/b\.tif and {other} would both have the result .*_classes\.tif"):
        list_scenes(request(inputs=("x/b.tif", other)))


def test_no_result_overwrites_a_scene():
    with pytest.raises(RequestError, match=r"maps/b_classes\.tif, a result of x/b\.tif, would overwrite a scene"):
        list_scenes(request(inputs=("x/b.tif", "maps/b_classes.tif")))


@pytest.mark.parametrize("given", [{}, {"inputs": ("a.tif",), "folder": "x"}])
def test_a_list_or_a_folder_is_needed(given):
    with pytest.raises(RequestError, match="INPUTS or FOLDER is needed"):
        request(**given)

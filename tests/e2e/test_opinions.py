"""Several models, several views of each window, and both libraries, through the real qgis_process."""

import shutil

from osgeo import gdal


def _read(path):
    return gdal.Open(str(path)).ReadAsArray()


def test_models_given_as_a_list_answer_together(qgis_process, chain, tmp_path):
    """Copies of one model think alike: their mean is what the one thinks. Views of a window change a little."""
    image, model = chain.folder / "east.tif", chain.folder / "model.safetensors"
    copies = [shutil.copy(model, tmp_path / name) for name in ("copy one.safetensors", "kopie ü.safetensors")]
    parameters = {"INPUT": image, "MODEL": model, "FURTHER_MODELS": copies}
    together = tmp_path / "together.tif"
    done = qgis_process.results("geoseg:predictsegmentation", {**parameters, "OUTPUT": together})
    assert (done["BACKEND"], done["PRECISION"]) == ("torch", "float32")
    alone = _read(chain.folder / "predicted.tif")
    assert (_read(together) == alone).mean() > 0.9999


def test_views_of_a_window_are_turned_back(qgis_process, chain, tmp_path):
    image, model, output = chain.folder / "east.tif", chain.folder / "model.safetensors", tmp_path / "views.tif"
    parameters = {"INPUT": image, "MODEL": model, "TEST_TIME_AUGMENTATION": "flips", "SCALES": "1, 1.25"}
    qgis_process.results("geoseg:predictsegmentation", {**parameters, "OUTPUT": output})
    agreement = (_read(output) == _read(chain.folder / "predicted.tif")).mean()
    assert 0.8 < agreement < 1


def test_both_libraries_make_the_same_map(qgis_process, chain, tmp_path):
    """In float32, on more than 99.99 % of the pixels; the model is turned into one for onnxruntime on the way."""
    parameters = {"INPUT": chain.folder / "east.tif", "MODEL": chain.folder / "model.safetensors"}
    done = qgis_process.results(
        "geoseg:predictsegmentation", {**parameters, "BACKEND": "onnxruntime", "OUTPUT": tmp_path / "onnx.tif"}
    )
    assert (done["BACKEND"], done["PRECISION"]) == ("onnxruntime", "float32")
    assert "onnxruntime" in done["DEVICE"]
    theirs, ours = _read(tmp_path / "onnx.tif"), _read(chain.folder / "predicted.tif")
    assert (theirs == ours).mean() > 0.9999
    assert len(set(ours.ravel())) > 2

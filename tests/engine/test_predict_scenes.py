"""Many scenes through one network: the maps are those of single runs, and a fault stops nobody else."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, GeosegError, OutputError, OutsideError
from geoseg.geoseg_plugin.contract.stages.many_scenes import PredictScenes
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.batch import scene_job, scene_map
from geoseg.geoseg_plugin.engine.prediction.batch.predict_scenes import predict_scenes
from geoseg.geoseg_plugin.engine.prediction.opinions.predictor import SinglePredictor
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import TRANSFORM, write_raster

WEIGHTS, BIAS = [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2]


def draw(seed, height=50, width=60):
    return np.random.default_rng(seed).integers(1, 250, (3, height, width)).astype(np.uint8)


@pytest.fixture
def model(tmp_path):
    return write_pixelwise(tmp_path / "model.onnx", make_card(), WEIGHTS, BIAS)


@pytest.fixture
def chips(tmp_path):
    """Ten images of one window each."""
    folder = tmp_path / "chips"
    folder.mkdir()
    for number in range(10):
        write_raster(folder / f"chip{number}.tif", draw(number))
    return folder


@pytest.fixture
def predict(tmp_path, model):
    """Maps what is asked for into the folder `maps`; returns the result and what was said."""

    def run(listener=None, **options):
        listener = listener or Listener()
        request = PredictScenes(**{"model": model, "output": str(tmp_path / "maps"), **options})
        return predict_scenes(request, listener), listener

    return run


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read()


def contents(folder):
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


def test_maps_are_those_of_single_runs(tmp_path, model, predict):
    scenes = tmp_path / "scenes"
    for number, (height, width) in enumerate([(50, 60), (200, 90), (1, 1), (64, 64), (130, 700)]):
        (scenes / f"year {number % 2}").mkdir(parents=True, exist_ok=True)
        image = draw(number, height, width)
        image[:, : height // 3, : width // 3] = 0
        write_raster(scenes / f"year {number % 2}" / f"scene {number}.TIF", image, nodata=0)
    result, listener = predict(
        folder=str(scenes), pattern="**/*.tif", write_probabilities=True, write_polygons=True, batch_size=4
    )
    assert (result.count, result.skipped, result.output) == (5, 0, str(tmp_path / "maps"))
    assert result.device.startswith("cpu") and result.pixels_per_second > 0
    assert listener.fractions == sorted(listener.fractions)
    for scene in sorted(scenes.rglob("*.TIF")):
        mapped = tmp_path / "maps" / scene.parent.name / f"{scene.stem}_classes.tif"
        single = PredictSegmentation(
            input=str(scene), model=model, output=str(tmp_path / "a.tif"), probabilities=str(tmp_path / "p.tif")
        )
        predict_segmentation(single, Listener())
        np.testing.assert_array_equal(read(mapped), read(single.output))
        probabilities = mapped.with_name(f"{scene.stem}_probabilities.tif")
        np.testing.assert_array_equal(read(probabilities), read(single.probabilities))
        assert mapped.with_name(f"{scene.stem}_polygons.gpkg").is_file()
    assert not [file for file in (tmp_path / "maps").rglob(".*")]


def test_windows_of_many_scenes_fill_batches(chips, predict, monkeypatch):
    sizes, open_now, most_open = [], [], []
    infer, open_scene = SinglePredictor.infer, scene_map.open_scene

    def count(self, windows):
        sizes.append(len(windows))
        return infer(self, windows)

    class Counted:
        def __init__(self, *arguments):
            self._scene = open_scene(*arguments)

        def __enter__(self):
            open_now.append(1)
            most_open.append(len(open_now))
            return self._scene.__enter__()

        def __exit__(self, *error):
            open_now.pop()
            return self._scene.__exit__(*error)

    monkeypatch.setattr(SinglePredictor, "infer", count)
    monkeypatch.setattr(scene_map, "open_scene", Counted)
    predict(folder=str(chips), batch_size=4)
    assert sizes == [4, 4, 2]
    assert max(most_open) == 1


def test_a_broken_scene_does_not_stop_the_others(chips, tmp_path, predict):
    whole = (chips / "chip3.tif").read_bytes()
    (chips / "chip3.tif").write_bytes(whole[:3000])
    (chips / "chip5.tif").write_text("no raster")
    write_raster(chips / "chip7.tif", draw(7)[:2])
    with pytest.raises(GeosegError, match="3 of 10 scenes could not be mapped") as caught:
        predict(folder=str(chips))
    for number in (3, 5, 7):
        assert f"{chips / f'chip{number}.tif'}: " in caught.value.message
    assert "model wants 3 bands" in caught.value.message
    assert "other 7 are finished" in caught.value.fix
    made = contents(tmp_path / "maps")
    assert {name for name in made if name.endswith(".tif")} == {f"chip{n}_classes.tif" for n in (0, 1, 2, 4, 6, 8, 9)}
    assert not [name for name in made if name.startswith(".")]
    (chips / "chip5.tif").unlink()
    (chips / "chip7.tif").unlink()
    (chips / "chip3.tif").write_bytes(whole)
    result, listener = predict(folder=str(chips))
    assert (result.count, result.skipped) == (1, 7)
    assert "7 of 8 scenes are finished already" in listener.notes
    again = contents(tmp_path / "maps")
    assert {name: again[name] for name in made} == made
    assert "chip3_classes.tif" in again


@pytest.mark.parametrize("fault", [MemoryError(), OSError("No such device"), OutputError("No.")])
def test_a_fault_in_looking_at_the_first_scene_for_a_trial_stops_nobody(chips, predict, monkeypatch, fault):
    def fail(*_):
        raise fault

    monkeypatch.setattr(scene_job, "open_scene", fail)
    assert predict(folder=str(chips))[0].count == 10


def test_a_fault_in_writing_does_not_stop_the_others(chips, tmp_path, predict, monkeypatch):
    open_results = scene_map.open_results

    def fail(*_):
        raise OSError(28, "No space left on device")

    def open_faulty(request, *arguments, **options):
        results = open_results(request, *arguments, **options)
        if "chip2" in request.input:
            results.write = fail
        elif "chip6" in request.input:
            results.finish = fail
        return results

    monkeypatch.setattr(scene_map, "open_results", open_faulty)
    with pytest.raises(GeosegError, match="2 of 10 scenes could not be mapped") as caught:
        predict(folder=str(chips), write_polygons=True, batch_size=3)
    assert caught.value.message.count("No space left on device") == 2
    made = {file.name.partition("_")[0] for file in (tmp_path / "maps").iterdir()}
    assert made == {f"chip{number}" for number in (0, 1, 3, 4, 5, 7, 8, 9)}


def test_a_cancel_keeps_what_is_finished(chips, tmp_path, predict):
    maps = tmp_path / "maps"
    listener = Listener(lambda _: len(list(maps.glob("chip*_classes.tif"))) >= 4)
    with pytest.raises(Cancelled, match=r"Cancelled; what is finished stays in .*maps"):
        predict(listener, folder=str(chips), batch_size=1)
    finished = len(list(maps.glob("chip*_classes.tif")))
    assert 4 <= finished < 10
    assert not [file for file in maps.rglob(".*")]
    result, _ = predict(folder=str(chips))
    assert (result.count, result.skipped) == (10 - finished, finished)


def test_a_cancel_amid_a_resampled_scene_leaves_nothing(tmp_path, predict):
    """Its own pixels are opened by the thread that writes, and can be closed there alone."""
    model = write_pixelwise(tmp_path / "coarse.onnx", make_card(pixel_size=(1.0, 1.0)), WEIGHTS, BIAS)
    scene = write_raster(tmp_path / "scene.tif", draw(0, 2000, 200))
    with pytest.raises(Cancelled, match="what is finished stays"):
        predict(Listener(lambda listener: listener.fractions[-1] > 0.5), inputs=(scene,), model=model)
    assert list((tmp_path / "maps").iterdir()) == []


def test_nothing_to_do_opens_no_model(chips, tmp_path, predict, monkeypatch):
    predict(folder=str(chips))
    monkeypatch.setattr(
        "geoseg.geoseg_plugin.engine.prediction.batch.predict_scenes.open_predictor", lambda *_: pytest.fail("opened")
    )
    result, _ = predict(folder=str(chips))
    assert (result.count, result.skipped, result.device) == (0, 10, "")


def test_what_is_odd_is_said_once(chips, predict):
    for number in range(10):
        write_raster(chips / f"chip{number}.tif", draw(number).astype(np.uint16) * 200)
    _, listener = predict(folder=str(chips))
    odd = [text for text in listener.warnings if "far from those" in text]
    assert len(odd) == 1
    assert "chip0.tif" in odd[0] and odd[0].endswith("and 6 more.")


def test_foreign_files_are_not_replaced(chips, tmp_path, predict):
    maps = tmp_path / "maps"
    maps.mkdir()
    own = Path(write_raster(maps / "chip4_classes.tif", draw(1)))
    before = contents(maps)
    with pytest.raises(OutputError, match="GeoSeg has not made"):
        predict(folder=str(chips))
    assert contents(maps) == before and own.is_file()


def test_scenes_outside_an_extent_are_left_out(tmp_path, predict):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    for number in range(3):
        place = TRANSFORM @ Affine.translation(60 * number, 0)
        write_raster(scenes / f"s{number}.tif", draw(number), transform=place)
    left, top = TRANSFORM @ (70, 10)
    right, bottom = TRANSFORM @ (110, 40)
    extent = f"{left},{right},{bottom},{top} [EPSG:32645]"
    result, listener = predict(folder=str(scenes), extent=extent)
    assert (result.count, result.skipped) == (1, 0)
    assert read(tmp_path / "maps" / "s1_classes.tif").shape == (1, 30, 40)
    assert not (tmp_path / "maps" / "s0_classes.tif").exists()
    said = [text for text in listener.notes if text.startswith("Left out")]
    assert len(said) == 1 and "s0.tif" in said[0] and "s2.tif" in said[0]
    with pytest.raises(OutsideError, match=r"No scene has a part in EXTENT and AREA. .* does not overlap"):
        predict(folder=str(scenes), extent="0,1,0,1 [EPSG:32645]", output=str(tmp_path / "none"))
    write_raster(scenes / "s1.tif", draw(1)[:2], transform=TRANSFORM @ Affine.translation(60, 0))
    write_raster(scenes / "s3.tif", draw(3), transform=TRANSFORM @ Affine.translation(65, 0))
    with pytest.raises(GeosegError, match="1 of 4 scenes could not be mapped") as caught:
        predict(folder=str(scenes), extent=extent, output=str(tmp_path / "some"))
    assert caught.value.fix.startswith("The other 1 are finished, and 2 lie outside.")


def test_scenes_of_other_pixels_are_mapped_as_single_ones_are(chips, tmp_path, predict):
    coarse = write_pixelwise(tmp_path / "coarse.onnx", make_card(pixel_size=(1.0, 1.0)), WEIGHTS, BIAS)
    predict(folder=str(chips), model=coarse, write_confidence=True, decision="otsu")
    for number in (0, 9):
        single = PredictSegmentation(
            input=str(chips / f"chip{number}.tif"), model=coarse, decision="otsu", output=str(tmp_path / "a.tif"),
            confidence=str(tmp_path / "c.tif"),
        )  # fmt: skip
        predict_segmentation(single, Listener())
        for alone, end in ((single.output, "classes"), (single.confidence, "confidence")):
            np.testing.assert_array_equal(read(tmp_path / "maps" / f"chip{number}_{end}.tif"), read(alone))
        assert read(single.output).shape == (1, 50, 60)

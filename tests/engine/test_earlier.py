"""Which maps of earlier runs are taken as finished: those of the same scene, models and values alone."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.prediction.batch.earlier import (
    find_unfinished,
    read_origin,
    read_origins,
    refuse_foreign_files,
)
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.tests.engine.handmade import make_card, write_pixelwise
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.rasters import write_raster

IMAGE = np.random.default_rng(0).integers(1, 250, (3, 40, 50)).astype(np.uint8)


def unfinished(scenes, report):
    return find_unfinished(scenes, read_origins(scenes, report), report)


def refuse(scenes):
    refuse_foreign_files(scenes, read_origins(scenes, Listener()))


@pytest.fixture
def made(tmp_path, recorder):
    """A scene that is mapped, with polygons and an array."""
    request = PredictSegmentation(
        input=write_raster(tmp_path / "scene.tif", IMAGE), output=str(tmp_path / "scene_classes.tif"),
        model=write_pixelwise(tmp_path / "model.onnx", make_card(), [[0, 0, 0], [4, 0, 0], [0, 0, 4]], [0, -2, -2]),
        polygons=str(tmp_path / "scene_polygons.gpkg"), array=str(tmp_path / "scene.npy"),
    )  # fmt: skip
    predict_segmentation(request, recorder)
    recorder.notes.clear()
    return request


def test_what_is_there_is_finished_also_with_less_to_write_or_on_another_device(made, recorder):
    same = [
        made,
        *(dataclasses.replace(made, **less) for less in ({"array": None}, {"device": "cpu", "batch_size": 7})),
    ]
    assert unfinished(same, recorder) == ()
    refuse(same)
    assert recorder.notes == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"overlap": 50.0}, "OVERLAP was 25.0"),
        ({"decision": "fixed", "threshold": "0.7"}, "DECISION was auto"),
        ({"format": "COG"}, "FORMAT was GeoTIFF"),
        ({"picture": "scene.png"}, "scene.png is missing"),
        ({"entropy": "scene_entropy.tif"}, "scene_entropy.tif is missing"),
    ],
)
def test_other_values_are_made_anew(made, recorder, tmp_path, values, said):
    values = {name: str(tmp_path / text) if "scene" in str(text) else text for name, text in values.items()}
    other = dataclasses.replace(made, **values)
    assert unfinished([made, other], recorder) == (other,)
    assert len(recorder.notes) == 1 and f"scene_classes.tif ({said})" in recorder.notes[0]
    refuse([other])


def test_another_model_another_scene_or_a_changed_one_is_made_anew(made, recorder, tmp_path):
    copy = write_raster(tmp_path / "copy.tif", IMAGE)
    assert unfinished([dataclasses.replace(made, input=copy)], recorder)
    same_model = tmp_path / "same.onnx"
    same_model.write_bytes(Path(made.model).read_bytes())
    assert not unfinished([dataclasses.replace(made, model=str(same_model))], recorder)
    assert unfinished([dataclasses.replace(made, further_models=(str(same_model),))], recorder)
    later = Path(made.output).stat().st_mtime + 5
    os.utime(made.input, (later, later))
    assert unfinished([made], recorder) == (made,)
    os.utime(made.input, (later - 60, later - 60))
    write_pixelwise(made.model, make_card(), [[0, 0, 0], [5, 0, 0], [0, 0, 4]], [0, -2, -2])
    assert unfinished([made], recorder) == (made,)
    assert [text.partition("(")[2] for text in recorder.notes] == [
        f"it shows {made.input})", "by another model)", "scene.tif has changed)", "by another model)",
    ]  # fmt: skip


def test_a_missing_result_is_made_anew(made, recorder):
    Path(made.array).unlink()
    assert unfinished([made], recorder) == (made,)
    Path(made.output).unlink()
    assert unfinished([made], recorder) == (made,)


def test_a_broken_scene_counts_as_unfinished(made, recorder):
    Path(made.input).write_text("no raster")
    assert unfinished([made], recorder) == (made,)
    assert "scene.tif cannot be opened" in recorder.notes[0]


@pytest.mark.parametrize("kind", ["output", "polygons", "array", "margin"])
def test_files_of_others_are_refused(made, tmp_path, kind):
    other = dataclasses.replace(
        made, output=str(tmp_path / "b_classes.tif"), polygons=str(tmp_path / "b_polygons.gpkg"),
        array=str(tmp_path / "b.npy"), margin=str(tmp_path / "b_margin.tif"),
    )  # fmt: skip
    refuse([made, other])
    Path(getattr(other, kind)).write_text("of somebody else")
    with pytest.raises(OutputError, match=f"GeoSeg has not made {getattr(other, kind)}"):
        refuse([made, other])


def test_a_raster_of_another_stage_has_no_origin(tmp_path):
    tags = {"GEOSEG_REQUEST": '{"stage": "clipraster", "parameters": {}}'}
    assert read_origin(write_raster(tmp_path / "a.tif", IMAGE, tags=tags)) is None
    assert read_origin(write_raster(tmp_path / "b.tif", IMAGE, tags={"GEOSEG_REQUEST": "{"})) is None
    assert read_origin(str(tmp_path / "none.tif")) is None

"""Every stage is declared fully, and a request crosses between the Pythons unchanged."""

import json
import re

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.fields import OUTPUT_KINDS, Kind, fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES, build, describe, from_json, to_json

SAMPLES = {
    Kind.NUMBER: 1,
    Kind.FLAG: True,
    Kind.EXTENT: "0,1,0,1 [EPSG:4326]",
    Kind.LAYERS: ("a.tif", "b.tif"),
    Kind.RASTER_OUT: "out.tif",
    Kind.VECTOR_OUT: "out.gpkg",
}
DESTINATION_RESULTS = {
    Kind.RASTER_OUT: Kind.RASTER,
    Kind.VECTOR_OUT: Kind.VECTOR,
    Kind.FILE_OUT: Kind.FILE,
    Kind.FOLDER_OUT: Kind.FOLDER,
}


ALTERNATIVES = {
    "clipraster": {"like": "like.tif"},
    "mosaicrasters": {"inputs": ["one.tif", "two.tif"]},
    "maketiles": {"images": ["one.tif"]},
    "predictscenes": {"inputs": ["one.tif"]},
    "trainsegmentation": {"dataset": "tiles"},
}


def minimal(stage):
    """Return the fewest values that the stage accepts."""
    values = {
        field.name: SAMPLES.get(field.kind, f"{field.name}{(*field.suffixes, '.file')[0]}")
        for field in fields_of(stage)
        if not field.optional and field.default is None
    }
    return {**values, **ALTERNATIVES.get(stage.id(), {})}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_stage_is_declared_fully(stage):
    assert re.fullmatch(r"[a-z]+", stage.id())
    assert stage.command().replace("-", "") == stage.id()
    assert stage.title
    assert stage.group
    assert len(stage.tags) >= 3
    assert len(stage.help_text()) > 80
    for field in (*fields_of(stage), *fields_of(stage.result)):
        assert field.label[0].isupper(), field.name
        assert field.help.endswith("."), field.name
    for field in fields_of(stage):
        if field.default is not None:
            assert field.clean(field.default) == field.default
        if field.parent:
            assert field.parent in {other.name for other in fields_of(stage)}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_every_destination_is_a_result_of_its_kind(stage):
    results = {field.name: field.kind for field in fields_of(stage.result)}

    for field in fields_of(stage):
        if field.kind in OUTPUT_KINDS:
            assert results[field.name] is DESTINATION_RESULTS[field.kind]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_request_crosses_unchanged(stage):
    request = build(stage.id(), minimal(stage))

    assert from_json(json.loads(json.dumps(to_json(request)))) == request


def test_names_may_come_in_capitals_as_in_qgis():
    request = build("demoscene", {"SIZE": 256, "OUTPUT": "a.tif", "LABELS": "a.shp"})

    assert request.size == 256


@pytest.mark.parametrize(
    ("stage", "values", "said"),
    [
        ("nosuch", {}, "nosuch"),
        ("demoscene", {"COLOUR": 1}, "COLOUR"),
        ("demoscene", {"OUTPUT": "a.tif"}, "LABELS"),
        ("demoscene", {"OUTPUT": "a.png", "LABELS": "a.shp"}, "OUTPUT is 'a.png'"),
        (
            "predictsegmentation",
            {"INPUT": "i", "MODEL": "m.onnx", "OUTPUT": "a.tif", "PROBABILITIES": "a.tif"},
            "same file",
        ),
        ("clipraster", {"INPUT": "a.tif", "OUTPUT": "b.tif"}, "LIKE, EXTENT and MASK"),
        ("clipraster", {"INPUT": "a.tif", "LIKE": "c", "EXTENT": "0,1,0,1", "OUTPUT": "b.tif"}, "LIKE and EXTENT"),
        ("clipraster", {"INPUT": "a.tif", "LIKE": "c.tif", "OUTPUT": "a.tif"}, "overwrite INPUT"),
        ("clipraster", {"INPUT": "a", "MASK": "m.tif|layername=x", "OUTPUT": "m.tif"}, "overwrite MASK"),
        ("clipraster", {"INPUT": "a", "EXTENT": "0,1,0,1", "SNAP": "LIKE grid", "OUTPUT": "b.tif"}, "LIKE"),
        ("rasterizelabels", {"LABELS": "a", "LIKE": "b", "BACKGROUND": "70000", "OUTPUT": "c.tif"}, "BACKGROUND"),
        ("rasterizelabels", {"LABELS": "a", "LIKE": "b", "BACKGROUND": "none", "OUTPUT": "c.tif"}, "BACKGROUND"),
        ("rasterizelabels", {"LABELS": "a", "LIKE": "b", "BACKGROUND": "²", "OUTPUT": "c.tif"}, "BACKGROUND"),
    ],
)
def test_a_wrong_request_is_refused(stage, values, said):
    with pytest.raises(RequestError) as caught:
        build(stage, values)

    assert said in str(caught.value)


def test_an_input_is_not_overwritten_however_its_path_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.tif").write_text("")
    (tmp_path / "link.tif").symlink_to("in.tif")
    for output in ("./in.tif", "link.tif", str(tmp_path / "in.tif"), f"../{tmp_path.name}/in.tif"):
        with pytest.raises(RequestError, match="OUTPUT would overwrite INPUT"):
            build("clipraster", {"INPUT": "in.tif", "EXTENT": "0,1,0,1", "OUTPUT": output})


def test_training_does_not_overwrite_what_it_starts_from():
    with pytest.raises(RequestError, match="MODEL would overwrite WEIGHTS"):
        build("trainsegmentation", {"DATASET": "d", "WEIGHTS": "./m.safetensors", "MODEL": "m.safetensors"})


@pytest.mark.parametrize(
    ("stage", "values", "said"),
    [
        ("tilestatistics", {"TILES": "d/tiles.gpkg"}, r"TILES \(d/tiles.gpkg\) would change tiles.gpkg of DATASET"),
        (
            "tilestatistics",
            {"TILES": "t.gpkg", "SUMMARY": "d/../d/dataset.json"},
            "SUMMARY .* would change dataset.json",
        ),
        ("tilestatistics", {"TILES": "t.gpkg", "TILE_STATS": "link/labels/t.csv"}, "TILE_STATS .* would change labels"),
        ("checkdataset", {"REPORT": "r.html", "TILES": "link/tiles.gpkg"}, "TILES .* would change tiles.gpkg"),
        ("checkdataset", {"REPORT": "d/images/r.html"}, "REPORT .* would change images"),
        ("splitdataset", {"OUTPUT": "d/labels"}, "OUTPUT .* would change labels"),
        ("splitdataset", {"OUTPUT": "d/images/new"}, "OUTPUT .* would change images"),
        ("trainsegmentation", {"MODEL": "d/images/m.safetensors"}, "MODEL .* would change images"),
        ("trainsegmentation", {"MODEL": "m.safetensors", "REPORT": "d/labels/r.html"}, "REPORT .* would change labels"),
    ],
)
def test_no_result_is_a_part_of_the_dataset_it_comes_from(stage, values, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("d")
    with pytest.raises(RequestError, match=said):
        build(stage, {"DATASET": "d", **values})


def test_results_may_lie_beside_the_parts_of_a_dataset():
    check = build("checkdataset", {"DATASET": "d", "REPORT": "d/check.html", "TILES": "d/images.gpkg"})
    assert (check.report, check.tiles) == ("d/check.html", "d/images.gpkg")
    assert build("trainsegmentation", {"DATASET": "d", "MODEL": "d/images2/m.safetensors"}).model.startswith(
        "d/images2"
    )


def test_class_values_are_plain_digits():
    with pytest.raises(RequestError, match="CLASS_VALUES is '0, ²'"):
        build("checkdataset", {"DATASET": "d", "REPORT": "r.html", "CLASS_VALUES": "0, ²"})


def test_a_job_without_stage_is_refused():
    with pytest.raises(RequestError, match="stage"):
        from_json({"parameters": {}})


def test_the_description_is_plain_json():
    described = json.loads(json.dumps(describe()))

    assert [stage["id"] for stage in described] == list(STAGES)
    assert described[0]["parameters"][0]["parameter"] == "SIZE"

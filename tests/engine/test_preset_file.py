"""Settings in a JSON file."""

import json

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.preset_file import read_settings
from geoseg.geoseg_plugin.contract.stages import build, to_json
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.preset import SETTABLE
from geoseg.tests.engine.test_roof_settings import SETTINGS


@pytest.fixture
def read(tmp_path):
    """Writes a file, text or what becomes JSON, and reads its settings."""

    def run(content):
        path = tmp_path / "some.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_settings(str(path), TrainSegmentation.id(), fields_of(TrainSegmentation), SETTABLE)

    return run


def test_parameters_are_read_by_name_in_any_case(read):
    settings = read({"ARCHITECTURE": "fpn", "epochs": 75, "Flips": False, "loss_formula": None, "learning_rate": 1})
    assert settings.values == {
        "architecture": "fpn", "epochs": 75, "flips": False, "loss_formula": None, "learning_rate": 1.0,
    }  # fmt: skip
    assert settings.left_out == settings.unmatched == ()


def test_editors_may_mark_the_order_of_bytes(read):
    assert read(b'\xef\xbb\xbf{"epochs": 3}').values == {"epochs": 3}


def test_a_job_gives_its_settings_but_neither_paths_nor_machine(read):
    values = {"dataset": "d", "model": "m.safetensors", "log": "l", "device": "cuda", "seed": 7, "epochs": 5}
    settings = read(to_json(build("trainsegmentation", {**values, "weights": "imagenet", "loss": "f2"})))
    assert {name: settings.values[name] for name in ("epochs", "weights", "loss")} == {
        "epochs": 5, "weights": "imagenet", "loss": "f2",
    }  # fmt: skip
    assert settings.values.keys() == set(SETTABLE)
    assert set(settings.left_out) == {"dataset", "model", "log", "device", "seed"}


def test_weights_that_are_a_path_belong_to_a_job_but_may_be_meant(read):
    job = to_json(build("trainsegmentation", {"dataset": "d", "model": "m.safetensors", "weights": "W.SAFETENSORS"}))
    assert "weights" not in read(job).values
    assert "weights" in read(job).left_out
    assert read({"weights": "w.safetensors"}).values == {"weights": "w.safetensors"}


def test_the_settings_of_the_roofs_system_are_understood(read):
    settings = read(SETTINGS)
    assert settings.values["architecture"] == "satellite-unet"
    assert settings.values["epoch_tiles"] == 2892
    assert "load_dataset_args.shear_range 0.2" in settings.unmatched


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "It cannot be read as JSON"),
        (b"\xff\xfe\x00", "It cannot be read as JSON"),
        (b"[" * 100_000, "It cannot be read as JSON"),
        (["epochs", 3], r'It holds \["epochs", 3\], no parameters'),
        ({"epoch": 3}, r"There is no parameter epoch \(it is 3\)"),
        ({"epochs": "many"}, "EPOCHS must be a number, not 'many'"),
        ({"epochs": "3"}, "EPOCHS must be a number, not '3'"),
        ({"epochs": True}, "EPOCHS must be a number, not True"),
        ({"epochs": 2.5}, "EPOCHS must be a whole number, not 2.5"),
        ({"epochs": 0}, "EPOCHS is 0, outside its range"),
        ({"flips": 1}, "FLIPS must be true or false, not 1"),
        ({"loss": 3}, "LOSS must be text, not 3"),
        ({"architecture": "vnet"}, "ARCHITECTURE is 'vnet', which is not known"),
        ({"epochs": 3, "EPOCHS": 4}, "EPOCHS is given twice: 3 and 4"),
        ({"stage": "maketiles", "parameters": {}}, "It is a job of 'maketiles', not of 'trainsegmentation'"),
        ({"training_args": {"epochs": "fifty"}}, "EPOCHS must be a number, not 'fifty'"),
        ({"training_args": {"steps": "all"}}, "training_args.steps is 'all'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_file_and_value(read, content, said):
    with pytest.raises(RequestError, match=rf"^PRESET_FILE .*some\.json: {said}"):
        read(content)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(RequestError, match=r"PRESET_FILE /no/such\.json: There is no such file\."):
        read_settings("/no/such.json", TrainSegmentation.id(), fields_of(TrainSegmentation), SETTABLE)

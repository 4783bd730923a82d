"""Settings of others take the place of defaults, and of nothing else."""

import json

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.presets import PRESETS
from geoseg.geoseg_plugin.contract.stages import from_json, to_json
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.preset import SETTABLE, describe_preset
from geoseg.tests.engine.test_roof_settings import SETTINGS


def request(**options):
    return TrainSegmentation(dataset="d", model="m.safetensors", **options)


@pytest.fixture
def write(tmp_path):
    """Writes a file of settings and returns its path."""

    def run(content):
        (tmp_path / "some.json").write_text(json.dumps(content))
        return str(tmp_path / "some.json")

    return run


def test_without_a_preset_all_is_as_given():
    plain = request()
    assert all(getattr(plain, field.name) == field.default for field in fields_of(plain) if field.name in SETTABLE)
    assert describe_preset(plain) == ""


def test_a_preset_stands_where_the_user_has_set_nothing():
    clouds = request(preset="clouds", epochs=12, brightness=0.5)
    assert (clouds.architecture, clouds.encoder, clouds.weights) == ("unet", "vgg16_bn", "imagenet")
    assert (clouds.loss, clouds.learning_rate, clouds.frozen_epochs) == ("f2", 1e-4, 3)
    assert (clouds.epochs, clouds.brightness) == (12, 0.5)
    said = describe_preset(clouds)
    assert said.startswith("Preset clouds: ENCODER vgg16_bn, WEIGHTS imagenet, LOSS f2")
    assert "Your own values stay: BRIGHTNESS 0.5 (not 0), EPOCHS 12 (not 30)." in said


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_request_with_a_preset_crosses_unchanged(preset):
    for own in ({}, {"epochs": 1}, {"architecture": "pan", "optimizer": "adamw"}, {"loss": "focal"}):
        first = request(preset=preset.name, **own)
        again = from_json(json.loads(json.dumps(to_json(first))))
        assert again == first
        assert describe_preset(again) == describe_preset(first)


def test_a_file_wins_over_a_preset_and_the_user_over_both(write):
    path = write({"epochs": 7, "loss": "dice", "learning_rate": 0.001})
    both = request(preset="clouds", preset_file=path, loss="jaccard")
    assert (both.epochs, both.loss, both.encoder) == (7, "jaccard", "vgg16_bn")
    assert from_json(to_json(both)) == both
    said = describe_preset(both)
    assert said.startswith(f"Preset clouds and {path}: ")
    assert "LOSS jaccard (not dice)" in said


def test_a_file_gives_a_default_back(write):
    assert request(preset="clouds").learning_rate == 1e-4
    back = request(preset="clouds", preset_file=write({"learning_rate": 0.001, "encoder": "auto"}))
    assert (back.learning_rate, back.encoder, back.loss) == (0.001, "auto", "f2")


def test_values_of_a_preset_go_with_those_of_a_file_too(write):
    both = request(preset="clouds", preset_file=write({"architecture": "fpn", "optimizer": "sgd", "weight_decay": 0.1}))
    assert (both.encoder, both.weights, both.loss) == ("auto", "auto", "f2")
    assert (both.learning_rate, both.weight_decay) == (0.001, 0.1)
    assert from_json(to_json(both)) == both


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ({"architecture": "cloudxnet"}, {"encoder": "auto", "weights": "auto", "frozen_epochs": 0, "loss": "f2"}),
        ({"encoder": "resnet34"}, {"weights": "imagenet", "frozen_epochs": 3}),
        ({"optimizer": "sgd"}, {"learning_rate": 0.001, "weight_decay": 0.01, "warm_up": 0}),
        ({"optimizer": "sgd", "learning_rate": 0.02}, {"learning_rate": 0.02}),
        ({"epochs": 3}, {"frozen_epochs": 0}),
        ({"epochs": 4}, {"frozen_epochs": 3}),
    ],
)
def test_values_go_with_those_that_they_were_made_for(own, kept):
    clouds = request(preset="clouds", **own)
    assert {name: getattr(clouds, name) for name in kept} == kept


def test_what_is_left_out_is_told():
    said = describe_preset(request(preset="clouds", architecture="fpn", epochs=2))
    assert "ENCODER vgg16_bn (with ARCHITECTURE), WEIGHTS imagenet (with ARCHITECTURE)" in said
    assert "FROZEN_EPOCHS 3 (with ARCHITECTURE)" in said
    assert "FROZEN_EPOCHS 3 (with EPOCHS)" in describe_preset(request(preset="clouds", epochs=2))


def test_choices_of_the_user_are_not_undone_by_what_replaces_them(write):
    formula = write({"loss_formula": "lovasz", "other_encoder": "tu-resnet26d", "find_learning_rate": True})
    assert request(preset_file=formula).loss_formula == "lovasz"
    own = request(preset_file=formula, loss="dice", encoder="resnet34", learning_rate=0.01)
    assert (own.loss_formula, own.other_encoder, own.find_learning_rate) == (None, None, False)
    weights = write({"class_weights": "given", "given_weights": "a=1, b=2"})
    assert request(preset_file=weights, class_weights="median frequency").given_weights is None
    target = write({"sampling": "target share", "target_classes": "a"})
    assert request(preset_file=target, sampling="hard examples").target_classes is None


def test_another_scaling_needs_no_divisor_and_another_divisor_no_scaling():
    assert request(preset="roofs").divisor == 255
    assert request(preset="roofs", scaling="stretch").divisor is None
    own = request(preset="roofs", divisor=2047)
    assert (own.scaling, own.divisor) == ("divide", 2047)


def test_a_job_of_another_run_is_a_preset(write):
    first = request(preset="radar-buildings", epochs=9, device="cpu", seed=5)
    second = TrainSegmentation(dataset="e", model="n.safetensors", preset_file=write(to_json(first)))
    assert all(getattr(second, name) == getattr(first, name) for name in SETTABLE)
    assert (second.dataset, second.model, second.device, second.seed) == ("e", "n.safetensors", "auto", 42)
    assert "because they belong to one run: " in describe_preset(second)
    assert "SEED" in describe_preset(second)


def test_settings_of_the_roofs_system_are_told_in_full(write):
    roofs = request(preset_file=write(SETTINGS))
    assert (roofs.architecture, roofs.epochs, roofs.epoch_tiles) == ("satellite-unet", 60, 2892)
    said = describe_preset(roofs)
    assert "SCALE 20" in said
    without = said.split("Without a counterpart here, and so without effect: ")[1]
    assert "load_dataset_args.shear_range 0.2" in without
    assert "path_args" in without


def test_faults_of_a_file_are_faults_of_the_request(write):
    with pytest.raises(RequestError, match="There is no parameter batch"):
        request(preset_file=write({"batch": 3}))
    with pytest.raises(RequestError, match="PRESET is 'rooves', which is not known"):
        request(preset="rooves")
    with pytest.raises(RequestError, match=r"LABEL_SMOOTHING is 0\.1, but 'dice' cannot use it"):
        request(preset_file=write({"loss": "dice", "label_smoothing": 0.1}))

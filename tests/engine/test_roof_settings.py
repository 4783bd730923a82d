"""The settings.json of the roofs system."""

import copy

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.roof_settings import has_roof_settings, read_roof_settings

SETTINGS = {
    "path_args": {"train_frames": "data/train_frames", "results": "results"},
    "checkpoint_args": {"checkpoint_path": "results_4.h5"},
    "extension_args": {"extension": ".tif"},
    "load_dataset_args": {
        "custom": 1, "batch_size": 4, "target_size": [640, 640], "rescale": 255, "shear_range": 0.2, "zoom_range": 0.2,
        "horizontal_flip": True, "class_mode": "input", "mask_color": "grayscale", "channels": 3,
        "data_format": "channels_last",
    },
    "model_args": {
        "filters": 64, "upconv_filters": 96, "num_layers": 4, "kernel_size": [3, 3], "activation": "relu",
        "padding": "same", "kernel_initializer": "he_normal", "pool_size": [2, 2], "batchnorm_momentum": 0.01,
    },
    "training_args": {"epochs": 60, "pretrained": False, "steps": 723, "validation_steps": 241},
    "output_args": {"kernel_size": [1, 1], "activation": "sigmoid", "padding": "valid"},
}  # fmt: skip


def changed(block, **entries):
    settings = copy.deepcopy(SETTINGS)
    settings[block].update(entries)
    return settings


def test_what_has_a_counterpart_is_set():
    values, _ = read_roof_settings(SETTINGS)
    expected = {
        "architecture": "satellite-unet", "loss": "binary cross entropy", "optimizer": "adam", "patience": 10,
        "epochs": 60, "batch_size": 4, "scaling": "divide", "divisor": 255, "scale": pytest.approx(20), "flips": True,
        "quarter_turns": False, "epoch_tiles": 2892,
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected


def test_what_has_none_is_told_by_name_and_value():
    _, unmatched = read_roof_settings(SETTINGS)
    assert unmatched == (
        "path_args", "checkpoint_args", "extension_args", "load_dataset_args.custom 1",
        "load_dataset_args.target_size [640, 640]", "load_dataset_args.shear_range 0.2",
        'load_dataset_args.class_mode "input"', 'load_dataset_args.mask_color "grayscale"',
        "load_dataset_args.channels 3", 'load_dataset_args.data_format "channels_last"',
        "model_args.batchnorm_momentum 0.01", "training_args.validation_steps 241",
    )  # fmt: skip


def test_a_network_that_is_another_is_told():
    for block, entries in (
        ("model_args", {"filters": 32}),
        ("model_args", {"kernel_size": [3, 5]}),
        ("training_args", {"pretrained": True}),
        ("output_args", {"activation": "softmax"}),
    ):
        _, unmatched = read_roof_settings(changed(block, **entries))
        (name,) = entries
        assert any(one.startswith(f"{block}.{name} ") for one in unmatched), entries


def test_what_the_settings_do_not_do_is_not_done():
    values, unmatched = read_roof_settings({"load_dataset_args": {"batch": 8, "zoom": 0, "hflip": 0}})
    assert unmatched == ()
    assert values["batch_size"] == 8
    assert (values["scale"], values["flips"]) == (0, False)
    assert {name: read_roof_settings({"training_args": {}})[0][name] for name in ("scale", "rotation", "flips")} == {
        "scale": 0, "rotation": 0, "flips": False,
    }  # fmt: skip
    assert not values.keys() & {"scaling", "divisor", "epochs", "epoch_tiles"}


def test_a_factor_of_keras_divides_as_well():
    values, _ = read_roof_settings(changed("load_dataset_args", rescale=1 / 2047))
    assert values["divisor"] == pytest.approx(2047)


def test_blocks_that_nobody_knows_are_told():
    _, unmatched = read_roof_settings({**SETTINGS, "aws_args": {"bucket": "b"}, "note": 5})
    assert unmatched[-2:] == ('aws_args.bucket "b"', "note")


@pytest.mark.parametrize(
    ("block", "entries"),
    [
        ("load_dataset_args", {"rescale": 0}),
        ("load_dataset_args", {"rescale": "255"}),
        ("load_dataset_args", {"zoom_range": [0.8, 1.2]}),
        ("training_args", {"steps": True}),
        ("training_args", {"steps": float("nan")}),
    ],
)
def test_values_that_cannot_be_are_refused_by_name(block, entries):
    (entry,) = entries.items()
    with pytest.raises(RequestError) as caught:
        read_roof_settings(changed(block, **entries))
    assert caught.value.message == f"{block}.{entry[0]} is {entry[1]!r}."


def test_settings_are_told_from_parameters():
    assert has_roof_settings({"training_args": {}})
    assert not has_roof_settings({"epochs": 3})

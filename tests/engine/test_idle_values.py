"""Values without effect are told, those of others and defaults are not."""

import pytest
from geoseg.geoseg_plugin.contract.presets import PRESETS
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.idle_values import warn_of_idle_values

DATASET = {"dataset": "d"}
SCENES = {"images": ("a.tif",), "labels": ("b.tif",)}


@pytest.fixture
def warned(recorder):
    """What is warned of a request with these options."""

    def run(**options):
        warn_of_idle_values(TrainSegmentation(model="m.safetensors", **options), recorder)
        return recorder.warnings

    return run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**DATASET, "tile_size": 128}, "TILE_SIZE 128 has no effect. The tiles of DATASET are as"),
        ({**DATASET, "overlap": 10, "validation": 5}, "OVERLAP 10, VALIDATION 5 have no effect."),
        ({**DATASET, "augment": False, "rotation": 10}, "ROTATION 10 has no effect. AUGMENT is off."),
        ({**DATASET, "augment": False, "flips": False, "cutout": 3}, "FLIPS false, CUTOUT 3 have no effect."),
        ({**DATASET, "batch_size": 1, "mixup": 20}, "MIXUP 20 has no effect. Tiles are mixed with others"),
        ({**DATASET, "batch_size": 1, "cutmix": 20}, "CUTMIX 20 has no effect."),
        ({**DATASET, "cutout_size": 20}, "CUTOUT_SIZE 20 has no effect. CUTOUT is 0."),
        ({**DATASET, "target_share": 30}, "TARGET_SHARE 30 has no effect. It is for SAMPLING 'target share'."),
        ({**DATASET, "sampling": "hard examples", "mixup": 60, "cutmix": 40}, "SAMPLING hard examples has no effect."),
        ({**DATASET, "border_width": 8}, "BORDER_WIDTH 8 has no effect. BORDER_WEIGHT is 0."),
        ({**DATASET, "power": 2}, "POWER 2 has no effect."),
        ({**DATASET, "plateau_epochs": 3}, "PLATEAU_EPOCHS 3 has no effect."),
        ({**DATASET, "momentum": 0.5}, "MOMENTUM 0.5 has no effect."),
        ({**DATASET, "experiment": "roofs"}, "EXPERIMENT roofs has no effect."),
        ({**DATASET, "augment": False, "preset": "roofs", "scale": 5}, "SCALE 5 has no effect."),
    ],
)
def test_a_value_without_effect_is_told_with_its_reason(options, said, warned):
    (warning,) = warned(**options)
    assert warning.startswith(said)


@pytest.mark.parametrize(
    "options",
    [
        DATASET,
        {**DATASET, "augment": False},
        {**DATASET, "batch_size": 1},
        {**DATASET, "batch_size": 2, "cutmix": 20, "mixup": 20},
        {**SCENES, "tile_size": 128, "overlap": 10, "validation": 5},
        {**DATASET, "rotation": 10, "cutout": 2, "cutout_size": 20},
        {**DATASET, "sampling": "hard examples", "mixup": 50, "cutmix": 40, "border_weight": 1, "border_width": 8},
        {**DATASET, "sampling": "hard examples", "augment": False},
        {**DATASET, "sampling": "hard examples", "batch_size": 1},
        {**DATASET, "sampling": "target share", "target_share": 30},
        {**DATASET, "schedule": "poly", "power": 2, "optimizer": "sgd", "momentum": 0.5},
        {**DATASET, "schedule": "plateau", "plateau_epochs": 3, "mlflow": True, "experiment": "roofs"},
    ],
)
def test_values_that_count_are_not(options, warned):
    assert warned(**options) == []


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize("augment", [True, False])
def test_nobody_is_blamed_for_what_a_preset_sets(preset, augment, warned):
    assert warned(**DATASET, preset=preset.name, augment=augment) == []

"""What a request asks of augmentation, as plain numbers."""

from dataclasses import fields

import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.augmentation import VariesTiles
from geoseg.geoseg_plugin.engine.training.augmentation.variation import UNCHANGED, Variation

ALL = dict(
    rotation=10, scale=50, crop=32, brightness=0.3, contrast=25, gamma=40, noise=0.1, blur=2, cutout=4, cutout_size=20,
    mixup=30, cutmix=70,
)  # fmt: skip


def request(**options):
    return TrainSegmentation(dataset="d", model="m.safetensors", **options)


def test_percent_become_shares_and_the_rest_stays():
    assert Variation.of(request(**ALL)) == Variation(
        flips=True, quarter_turns=True, rotation=10, scale=0.5, crop=32, brightness=0.3, contrast=0.25, gamma=0.4,
        noise=0.1, blur=2, cutout=4, cutout_size=0.2, mixup=0.3, cutmix=0.7,
    )  # fmt: skip


def test_every_parameter_has_its_place():
    asked, has = ({field.name for field in fields(one)} for one in (VariesTiles, Variation))
    assert asked - {"augment"} == has - {"means", "stds"}  # the latter are of the network input


def test_mean_and_spread_of_the_input_come_along():
    varied = Variation.of(request(), [0.5, 3.0], [0.25, 1.0])
    assert (varied.means, varied.stds) == ((0.5, 3.0), (0.25, 1.0))


def test_the_defaults_turn_flip_cut_and_change_the_light():
    assert Variation.of(request()) == Variation(
        flips=True, quarter_turns=True, rotation=45, scale=0.5, crop=None, brightness=0.3, contrast=0.3, cutmix=0.5
    )


def test_without_augmentation_nothing_counts():
    assert Variation.of(request(augment=False, **{**ALL, "mixup": 100})) is UNCHANGED


@pytest.mark.parametrize(
    ("tile", "shown"), [(64, 64), (511, 511), (512, 256), (513, 288), (640, 320), (1024, 512), (4096, 2048)]
)
def test_by_default_half_of_large_tiles_is_shown(tile, shown):
    assert Variation(crop=None).side(tile) == shown


def test_a_part_larger_than_the_tile_is_refused():
    assert [Variation(crop=crop).side(64) for crop in (0, 10, 64)] == [64, 10, 64]
    with pytest.raises(InputError, match="CROP is 65, but the tiles have only 64 x 64 pixels"):
        Variation(crop=65).side(64)

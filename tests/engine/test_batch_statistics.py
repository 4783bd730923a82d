"""Running statistics of normalisations become their averages over processes, and nothing else changes."""

import torch
from geoseg.geoseg_plugin.engine.processes.processes import ALONE
from geoseg.geoseg_plugin.engine.training.batch_statistics import average_statistics
from torch import nn


class Three:
    """Three processes, of which the others have statistics of 1 and of 2."""

    size = 3

    def add(self, tensors):
        for one in tensors:
            one.add_(1 + 2)


def network():
    made = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm2d(2, affine=False)))
    made.register_buffer("other", torch.ones(2))
    return made


def test_they_become_the_average_in_all_depths():
    made = network()
    before = {name: one.clone() for name, one in made.state_dict().items()}
    average_statistics(made, Three())
    changed = {name for name, one in made.state_dict().items() if not torch.equal(one, before[name])}
    assert changed == {f"{part}.running_{what}" for part in ("1", "2.0") for what in ("mean", "var")}
    assert made[1].running_mean.tolist() == [1.0, 1.0]
    assert made[2][0].running_var.tolist() == torch.full((2,), 4 / 3).tolist()


def test_alone_and_without_statistics_nothing_happens():
    made = network()
    average_statistics(made, ALONE)
    assert made[1].running_mean.tolist() == [0, 0]
    average_statistics(nn.Conv2d(1, 1, 1), Three())


def test_averaging_in_the_end_is_averaging_after_every_step():
    torch.manual_seed(0)
    shown = torch.randn(4, 2, 3, 1, 5, 5)  # steps, processes, tiles
    late, early = ([nn.BatchNorm2d(1) for _ in range(2)] for _ in range(2))

    def average(pair):
        for name in ("running_mean", "running_var"):
            mean = (getattr(pair[0], name) + getattr(pair[1], name)) / 2
            for one in pair:
                getattr(one, name).copy_(mean)

    for step in shown:
        for own, other, tiles in zip(late, early, step, strict=True):
            own(tiles)
            other(tiles)
        average(early)
    average(late)
    torch.testing.assert_close(late[0].running_mean, early[0].running_mean)
    torch.testing.assert_close(late[0].running_var, early[0].running_var)

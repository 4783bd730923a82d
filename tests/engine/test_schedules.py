"""Schedules, against their formulas and those of torch."""

import math

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.contract.stages.training_parts.steps import SCHEDULES
from geoseg.geoseg_plugin.engine.training.optimization.schedules import Schedule


def plan(steps=100, **options):
    return Schedule(TrainSegmentation(dataset="d", model="m.safetensors", **options), steps)


def course(schedule, steps):
    return [schedule.factor(done / steps) for done in range(steps)]


def in_torch(make):
    """Return the learning rates of a scheduler of torch, and what moves it."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0, momentum=0.9)
    scheduler = make(optimizer)

    def move(*values):
        optimizer.step()
        scheduler.step(*values)
        return optimizer.param_groups[0]["lr"]

    return optimizer.param_groups[0]["lr"], move


def test_without_being_asked_it_rises_for_a_twentieth_and_falls_along_a_cosine():
    rising = [number / 10 for number in range(1, 11)]
    falling = [0.5 + 0.5 * math.cos(math.pi * number / 190) for number in range(190)]
    assert course(plan(200), 200) == pytest.approx(rising + falling, abs=1e-12)


def test_poly():
    wanted = [(1 - number / 50) ** 0.7 for number in range(50)]
    assert course(plan(50, schedule="poly", power=0.7, warm_up=0), 50) == pytest.approx(wanted)


def test_poly_after_a_warm_up():
    wanted = [0.2, 0.4, 0.6, 0.8, 1.0] + [(1 - number / 20) ** 0.9 for number in range(20)]
    assert course(plan(25, schedule="poly", warm_up=20), 25) == pytest.approx(wanted)


def test_constant():
    assert course(plan(8, schedule="constant", warm_up=50), 8) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    assert course(plan(8, schedule="constant", warm_up=0), 8) == [1.0] * 8


@pytest.mark.parametrize(("steps", "warm_up"), [(10, 0), (100, 0), (57, 25), (100, 5), (40, 90)])
def test_one_cycle_is_that_of_torch(steps, warm_up):
    first, move = in_torch(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=1.0, total_steps=steps, pct_start=warm_up / 100 or 0.3
        )
    )
    wanted = [first] + [move() for _ in range(steps - 1)]
    assert course(plan(steps, schedule="one-cycle", warm_up=warm_up), steps) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("epochs", [1, 3])
def test_plateau_is_that_of_torch(epochs):
    random = np.random.default_rng(epochs)
    losses = (1 / np.sqrt(np.arange(1, 31)) + random.normal(0, 0.1, 30)).clip(0.01).tolist()
    losses[7], losses[8] = math.nan, losses[6]
    _, move = in_torch(
        lambda optimizer: torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=epochs - 1, eps=0)
    )
    schedule = plan(schedule="plateau", plateau_epochs=epochs, warm_up=0)
    wanted, given = [], []
    for loss in losses:
        wanted.append(move(loss))
        schedule.after_epoch(loss)
        given.append(schedule.factor(0.5))
    assert given == pytest.approx(wanted, rel=1e-9)
    assert min(given) < 0.02


def test_plateau_lowers_after_as_many_epochs_as_it_says():
    schedule = plan(schedule="plateau", plateau_epochs=2)
    given = []
    for loss in (1.0, 1.0, 0.99995, 0.9, 0.9, 0.9):
        schedule.after_epoch(loss)
        given.append(schedule.factor(0.5))
    assert given == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01])
    assert schedule.factor(0.0) == pytest.approx(0.01 * 0.2)


def test_plateau_goes_on_from_its_state():
    def make():
        return plan(schedule="plateau", plateau_epochs=2)

    def follow(schedule, losses):
        for loss in losses:
            schedule.after_epoch(loss)
        return schedule

    losses = [1.0, 0.8, 0.9, 0.9, 0.7, 0.8, 0.75]
    whole = follow(make(), losses)
    for ended in range(len(losses)):
        follower = make()
        follower.restore(follow(make(), losses[:ended]).state())
        assert follow(follower, losses[ended:]).state() == whole.state()
    assert whole.factor(0.5) == pytest.approx(0.01)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "plateau"])
def test_other_schedules_do_not_heed_losses(name):
    schedule = plan(schedule=name)
    before = course(schedule, 100)
    for _ in range(30):
        schedule.after_epoch(1.0)
    assert course(schedule, 100) == before


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("warm_up", [0, 5, 90])
def test_whatever_is_done_the_factor_is_a_share_and_the_first_step_moves(name, steps, warm_up):
    schedule = plan(steps, schedule=name, warm_up=warm_up)
    factors = [schedule.factor(done) for done in np.linspace(0, 1, 101).tolist()]
    assert factors[0] > 0
    assert all(0 <= factor <= 1 for factor in factors)


@pytest.mark.parametrize(("name", "end"), [("cosine", 0), ("poly", 0), ("one-cycle", 4e-6), ("constant", 1)])
def test_when_time_is_up_the_rate_has_come_down(name, end):
    assert plan(schedule=name).factor(1.0) == pytest.approx(end)

"""Draws that prefer tiles that the network gets wrong."""

import io

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.training.sampling.hard_tiles import HardTileSampler, draw_due, due_shares


def test_the_first_epoch_shows_every_tile_once():
    sampler = HardTileSampler(20, 20, seed=1)
    assert sorted(sampler.draw(1)) == list(range(20))
    assert sampler.draw(1).dtype == np.int64
    assert sampler.wants_errors


def test_short_epochs_show_all_tiles_before_any_comes_again():
    sampler, seen = HardTileSampler(10, 4, seed=1), []
    for epoch in (1, 2, 3):
        drawn = sampler.draw(epoch)
        assert len(drawn) == 4
        seen += drawn.tolist()
        sampler.note(drawn, np.full(4, 0.3))
    assert sorted(seen[:8]) == sorted(set(seen[:8]))
    assert set(seen) == set(range(10))


def test_a_long_first_epoch_shows_all_tiles_about_equally_often():
    times = np.bincount(HardTileSampler(10, 34, seed=1).draw(1), minlength=10)
    assert times.sum() == 34
    assert times.min() >= 3
    assert times.max() <= 4


def test_tiles_come_in_proportion_to_their_errors():
    errors = np.array([0.0, 0.1, 0.2, 0.1, 0.0, 0.2])  # mean 0.1: weights 1, 2, 3, 2, 1, 3 of together 12
    assert due_shares(errors) == pytest.approx(np.array([1, 2, 3, 2, 1, 3]) / 12)
    sampler, total = HardTileSampler(6, 6, seed=2), np.zeros(6)
    sampler.note(np.arange(6), errors)
    for epoch in range(2, 602):
        drawn = sampler.draw(epoch)
        times = np.bincount(drawn, minlength=6)
        assert len(drawn) == 6
        assert (np.abs(times - [0.5, 1, 1.5, 1, 0.5, 1.5]) < 1).all()  # rounded up or down
        total += times
    assert total / 600 == pytest.approx(np.array([0.5, 1, 1.5, 1, 0.5, 1.5]), abs=0.07)


def test_no_tile_is_forgotten_and_none_fills_the_epoch():
    errors = np.zeros(100)
    errors[7] = 0.4
    shares = due_shares(errors)
    assert shares[7] / shares[8] == pytest.approx(10)
    assert shares.min() > 0.9 / 100
    assert due_shares(np.zeros(4)) == pytest.approx(np.full(4, 0.25))
    assert due_shares(np.full(4, np.nan)) == pytest.approx(np.full(4, 0.25))
    assert due_shares(np.array([0.0, 0.2, np.nan])) == pytest.approx(np.array([1, 3, 2]) / 6)


def test_what_is_due_is_drawn_rounded_up_or_down():
    chance = np.random.default_rng(3)
    due = np.array([0.2, 2.5, 1.0, 0.0, 3.3])
    drawn = np.array([np.bincount(draw_due(due, chance), minlength=5) for _ in range(2000)])
    assert (drawn.sum(axis=1) == 7).all()
    assert (np.abs(drawn - due) < 1).all()
    assert drawn.mean(axis=0) == pytest.approx(due, abs=0.05)


def test_the_last_error_counts():
    sampler = HardTileSampler(4, 400, seed=1)
    sampler.note(np.arange(4), np.array([0.9, 0.1, 0.1, 0.1]))
    sampler.note(np.array([0, 3, 3]), np.array([0.1, 0.2, 0.9], dtype=np.float32))
    times = np.bincount(sampler.draw(2))
    assert times[3] == pytest.approx(400 * (1 + 0.9 / 0.3) / 8, abs=1)
    assert times[:3] == pytest.approx(400 * (1 + 0.1 / 0.3) / 8, abs=1)


def test_a_sampler_that_is_restored_goes_on_alike():
    def train(sampler, epochs):
        random = np.random.default_rng(4).random((9, 12))
        order = []
        for epoch in epochs:
            drawn = sampler.draw(epoch)
            assert sampler.draw(epoch).tolist() == drawn.tolist()
            sampler.note(drawn, random[epoch, drawn])
            order.append(drawn.tolist())
        return order

    whole = train(HardTileSampler(12, 7, seed=6), range(1, 9))
    first = HardTileSampler(12, 7, seed=6)
    assert train(first, range(1, 4)) == whole[:3]
    file = io.BytesIO()
    torch.save(first.state(), file)
    train(first, [4])  # what it hears later is not in the file
    file.seek(0)
    second = HardTileSampler(12, 7, seed=6)
    second.restore(torch.load(file, weights_only=True))
    assert train(second, range(4, 9)) == whole[3:]
    assert train(HardTileSampler(12, 7, seed=7), range(1, 9)) != whole

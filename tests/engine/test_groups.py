"""Draws from groups: each tile as often as any other of its group, and of each group as many as are due."""

from collections import Counter

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.training.sampling.groups import Group, GroupSampler, equal_quotas


def one_group(tiles, length, seed=5):
    return GroupSampler([np.arange(tiles)], lambda _: (length,), seed)


def times(drawn, tiles):
    return np.bincount(drawn, minlength=tiles)


@pytest.mark.parametrize("seed", [0, 42])
def test_all_tiles_once_are_the_permutation_of_seed_and_epoch(seed):
    sampler = one_group(24, 24, seed)
    for epoch in (1, 2, 30):
        drawn = sampler.draw(epoch)
        assert drawn.dtype == np.int64
        assert drawn.tolist() == np.random.default_rng([seed, epoch]).permutation(24).tolist()


@pytest.mark.parametrize("length", [1, 4, 6, 7, 12, 13, 17, 23, 24, 25, 31, 40])
def test_tiles_come_equally_often_in_each_epoch_and_in_all_together(length):
    sampler, total = one_group(12, length), np.zeros(12, int)
    for epoch in range(1, 30):
        drawn = times(sampler.draw(epoch), 12)
        assert drawn.sum() == length
        assert np.ptp(drawn) <= 1
        total += drawn
        assert np.ptp(total) <= 1


def test_short_epochs_show_all_tiles_before_any_comes_again_and_then_mix_them_anew():
    sampler = one_group(12, 4)
    rounds = [[frozenset(sampler.draw(3 * number + part).tolist()) for part in (1, 2, 3)] for number in range(5)]
    assert all(frozenset.union(*one) == frozenset(range(12)) for one in rounds)
    assert len({frozenset(one) for one in rounds}) == 5


def test_a_long_epoch_shows_all_tiles_before_any_comes_again():
    drawn = one_group(9, 22).draw(1)
    assert sorted(drawn[:9]) == sorted(drawn[9:18]) == list(range(9))
    assert len(set(drawn[18:])) == 4


def test_the_numbers_that_a_group_is_made_of_are_returned():
    group, chance = Group(np.array([3, 50, 7])), np.random.default_rng(1)
    assert sorted(group.take(3, chance)) == [3, 7, 50]
    assert sorted([*group.take(2, chance), *group.take(1, chance)]) == [3, 7, 50]
    assert Group(np.array([], dtype=np.int64)).take(0, chance).tolist() == []


@pytest.mark.parametrize("quotas", [(7, 4), (1, 10), (0, 11), (11, 0)])
def test_as_many_of_each_group_as_are_due_come_mixed_and_without_haste(quotas):
    groups = [np.array([0, 2, 4]), np.array([1, 3, 5, 6, 7])]
    sampler = GroupSampler(groups, lambda _: quotas, seed=3)
    order = [sampler.draw(epoch) for epoch in range(1, 16)]
    for drawn in order:
        of_first = drawn[np.isin(drawn, groups[0])]
        assert (len(of_first), len(drawn)) == (quotas[0], 11)
        assert max(Counter(of_first[:3].tolist()).values(), default=1) == 1
    for group in groups:
        assert np.ptp(times(np.concatenate(order), 8)[group]) <= 1
    if quotas == (7, 4):
        assert len({tuple(np.isin(drawn, groups[0])) for drawn in order}) > 10  # which kind comes when is chance


def test_epochs_are_the_same_whenever_they_are_drawn():
    groups, quotas = [np.arange(5), np.arange(3, 12)], lambda epoch: (epoch % 4, 6)
    sampler = GroupSampler(groups, quotas, seed=8)
    once = {epoch: sampler.draw(epoch).tolist() for epoch in range(1, 9)}
    assert len(set(map(tuple, once.values()))) == 8
    for epoch in (8, 3, 3, 4, 7, 1):
        assert sampler.draw(epoch).tolist() == once[epoch]
    resumed = GroupSampler(groups, quotas, seed=8)
    resumed.restore(sampler.state())
    assert resumed.draw(6).tolist() == once[6]
    assert GroupSampler(groups, quotas, seed=9).draw(6).tolist() != once[6]


@pytest.mark.parametrize(("groups", "tiles"), [(1, 5), (2, 5), (3, 10), (4, 8), (5, 2), (7, 16)])
def test_quotas_are_equal_within_one_in_each_epoch_and_in_all_together(groups, tiles):
    quotas, total = equal_quotas(groups, tiles), np.zeros(groups, int)
    for epoch in range(1, 25):
        due = np.array(quotas(epoch))
        total += due
        assert due.sum() == tiles
        assert np.ptp(due) <= 1
        assert np.ptp(total) <= 1

"""Mixup and cutmix."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.engine.training.augmentation.mixing import mix
from geoseg.geoseg_plugin.engine.training.augmentation.variation import UNCHANGED, Variation
from torch.nn.functional import cross_entropy, one_hot

pytestmark = pytest.mark.usefixtures("one_thread")

COUNT, SIDE, CLASSES = 4, 16, 3


@pytest.fixture
def batch():
    """Tiles that are constant, each with its own value in each band, and labels by chance."""
    values = torch.arange(1, COUNT + 1, dtype=torch.float32)[:, None] * torch.tensor([1.0, 100.0])
    images = values[:, :, None, None].repeat(1, 1, SIDE, SIDE)
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, CLASSES, (COUNT, SIDE, SIDE)))
    return images, labels


def partners(labels, others):
    """Return which tile the labels of each are from."""
    return [[bool((one == other).all()) for one in labels].index(True) for other in others]


def test_mixup_blends_image_and_loss_alike(batch):
    images, labels = batch
    shares, seen = [], set()
    for seed in range(100):
        mixture = mix(images, labels, Variation(mixup=1.0), np.random.default_rng(seed))
        places = partners(labels, mixture.other_labels)
        seen.update(enumerate(places))
        assert 0 <= mixture.share <= 1
        assert torch.allclose(mixture.images, mixture.share * images + (1 - mixture.share) * images[places], rtol=1e-5)
        assert mixture.labels is labels
        shares.append(mixture.share)
    assert seen == {(one, other) for one in range(COUNT) for other in range(COUNT) if one != other}
    # Beta(0.4, 0.4): mean 1/2, variance 1 / (4 * (2 * 0.4 + 1)).
    assert np.mean(shares) == pytest.approx(0.5, abs=0.15)
    assert np.var(shares) == pytest.approx(1 / 7.2, rel=0.25)


def test_the_loss_of_a_blend_is_that_of_blended_labels(batch):
    images, labels = batch
    mixture = mix(images, labels, Variation(mixup=1.0), np.random.default_rng(3))
    logits = torch.randn(COUNT, CLASSES, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    given = (mixture.share, mixture.labels), (1 - mixture.share, mixture.other_labels)
    apart = sum(weight * cross_entropy(logits, truth) for weight, truth in given)
    blended = sum(weight * one_hot(truth, CLASSES) for weight, truth in given).movedim(-1, 1)
    assert 0.01 < mixture.share < 0.99
    assert apart.item() == pytest.approx(cross_entropy(logits, blended).item(), rel=1e-5)


def test_cutmix_exchanges_a_rectangle_with_its_labels(batch):
    images, labels = batch
    areas, covered = [], torch.zeros(SIDE, SIDE)
    for seed in range(200):
        mixture = mix(images, labels, Variation(cutmix=1.0), np.random.default_rng(seed))
        assert mixture.other_labels is None
        assert mixture.share == 1.0
        source = (mixture.images[:, 0] - 1).long()
        assert (mixture.images[:, 1] == 100 * mixture.images[:, 0]).all()
        assert (mixture.labels == labels.gather(0, source)).all()
        taken = source[0] != 0
        assert all(((source[n] != n) == taken).all() for n in range(COUNT))
        rows, cols = taken.any(dim=1).nonzero(), taken.any(dim=0).nonzero()
        if len(rows):
            assert taken.sum() == (int(np.ptp(rows.numpy())) + 1) * (int(np.ptp(cols.numpy())) + 1)
        areas.append(taken.float().mean())
        covered += taken
    # Any share of the area is as likely.
    assert np.mean(areas) == pytest.approx(0.5, abs=0.1)
    assert np.var(areas) == pytest.approx(1 / 12, rel=0.3)
    assert covered.min() > 0


def test_what_is_given_is_not_changed(batch):
    images, labels = batch
    before = images.clone(), labels.clone()
    for options in ({"mixup": 1.0}, {"cutmix": 1.0}):
        for seed in range(10):
            mix(images, labels, Variation(**options), np.random.default_rng(seed))
    assert (images == before[0]).all()
    assert (labels == before[1]).all()


@pytest.mark.parametrize(
    ("mixup", "cutmix", "shares"), [(0.3, 0.5, (0.3, 0.5, 0.2)), (0.8, 0.5, (0.8, 0.2, 0.0)), (1.0, 0.5, (1, 0, 0))]
)
def test_mixing_comes_as_often_as_asked_and_never_twice(batch, mixup, cutmix, shares):
    images, labels = batch
    random = np.random.default_rng(0)
    kinds = []
    for _ in range(600):
        mixture = mix(images, labels, Variation(mixup=mixup, cutmix=cutmix), random)
        if mixture.other_labels is not None:
            kinds.append("mixup")
        else:
            kinds.append("none" if mixture.images is images else "cutmix")
    for kind, share in zip(("mixup", "cutmix", "none"), shares, strict=True):
        # Five standard deviations of a binomial share are 0.1.
        assert kinds.count(kind) / 600 == pytest.approx(share, abs=0.1)


def test_a_single_tile_and_no_wish_change_nothing(batch):
    images, labels = batch
    for variation, count in ((UNCHANGED, COUNT), (Variation(mixup=1.0), 1), (Variation(cutmix=1.0), 1)):
        few = images[:count], labels[:count]
        mixture = mix(*few, variation, np.random.default_rng(0))
        assert (mixture.images is few[0], mixture.labels is few[1]) == (True, True)
        assert (mixture.other_labels, mixture.share) == (None, 1.0)


def test_the_same_chance_mixes_alike(batch):
    variation = Variation(mixup=0.5, cutmix=0.5)
    for seed in range(10):
        first, again = (mix(*batch, variation, np.random.default_rng(seed)) for _ in range(2))
        assert (first.images == again.images).all()
        assert first.share == again.share

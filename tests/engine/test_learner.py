"""Steps of the optimizer: of several batches together, and with little memory."""

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.engine.training.batches import Batch
from geoseg.geoseg_plugin.engine.training.learner import Learner, teach
from geoseg.tests.engine.cramped import Cramped
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 4
RATE = 0.1


@pytest.fixture
def random():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def network(random):
    network = nn.Conv2d(2, 3, 3, padding=1)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=random))
    return network


def batch_of(random, tiles):
    images = torch.randn(tiles, 2, SIDE, SIDE, generator=random)
    labels = torch.randint(0, 3, (tiles, SIDE, SIDE), generator=random)
    return Batch(images, labels, tuple(range(tiles)))


def loss(logits, labels):
    """A mean over pixels, so that the loss of a batch is the mean of those of its tiles."""
    return nn.functional.cross_entropy(logits, labels)


def learner_of(network, loss=loss, **options):
    return Learner(network, loss, torch.optim.SGD(network.parameters(), lr=1.0), "float32", **options)


def weights_after(network, batches, **options):
    """The weights that a step leaves, in a copy of the network, and what it gave."""
    learner = learner_of(network, **options)
    before = [one.detach().clone() for one in network.parameters()]
    learned = learner.step(batches, RATE)
    after = [one.detach().clone() for one in network.parameters()]
    with torch.no_grad():
        for one, old in zip(network.parameters(), before, strict=True):
            one.copy_(old)
    return after, learned


def test_a_step_goes_down_the_gradient(network, random):
    batch = batch_of(random, 3)
    value = loss(network(batch.images), batch.labels)
    wanted = [
        one - RATE * slope
        for one, slope in zip(network.parameters(), torch.autograd.grad(value, list(network.parameters())), strict=True)
    ]
    weights, learned = weights_after(network, [batch])
    assert learned.loss.item() == pytest.approx(value.item())
    assert learned.errors is None
    for one, other in zip(weights, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_batches_together_are_one_large_batch(network, random):
    parts = [batch_of(random, tiles) for tiles in (2, 2, 1)]
    whole = Batch(torch.cat([one.images for one in parts]), torch.cat([one.labels for one in parts]), tuple(range(5)))
    one, learned = weights_after(network, parts)
    other, wanted = weights_after(network, [whole])
    torch.testing.assert_close(one, other)
    torch.testing.assert_close(learned.loss, wanted.loss)


@pytest.mark.parametrize(("tiles", "room", "parts"), [(8, 8, [8]), (8, 5, [4, 4]), (8, 2, [2] * 4), (5, 3, [2, 3])])
def test_with_little_memory_a_step_is_the_same_but_in_parts(network, random, tiles, room, parts):
    batch = batch_of(random, tiles)
    small = Cramped(network, room)
    wanted, _ = weights_after(network, [batch])
    weights, _ = weights_after(small, [batch])
    torch.testing.assert_close(weights, wanted)
    assert small.seen == parts


def test_memory_that_was_too_small_once_is_not_tried_again(network, random):
    small = Cramped(network, 4)
    learner = learner_of(small)
    for _ in range(2):
        learner.step([batch_of(random, 8)], RATE)
    assert small.seen == [4, 4, 4, 4]


def test_memory_that_ends_later_in_a_step_loses_nothing(network, random):
    batches = [batch_of(random, 2), batch_of(random, 4)]
    small = Cramped(network, 3)
    wanted, _ = weights_after(network, batches)
    weights, _ = weights_after(small, batches)
    torch.testing.assert_close(weights, wanted)
    assert small.seen == [2, 2, 2, 2]


def test_no_memory_for_two_tiles_is_said(network, random):
    with pytest.raises(GeosegError, match="too small for 2 tiles"):
        learner_of(Cramped(network, 1)).step([batch_of(random, 4)], RATE)


def test_other_errors_are_not_taken_for_that(network, random):
    with pytest.raises(RuntimeError, match="channels"):
        learner_of(network).step([Batch(torch.zeros(1, 5, SIDE, SIDE), torch.zeros(1, SIDE, SIDE).long(), (0,))], RATE)


def test_long_gradients_are_cut(network, random):
    batch = batch_of(random, 2)
    weights, _ = weights_after(network, [batch], longest_gradient=0.01)
    step = torch.cat([(new - old).flatten() for new, old in zip(weights, network.parameters(), strict=True)])
    assert step.norm().item() == pytest.approx(RATE * 0.01, rel=1e-3)


def test_tiles_that_are_blended_count_by_their_share(network, random):
    one, other = batch_of(random, 2), batch_of(random, 2)
    blended = Batch(one.images, one.labels, one.places, other.labels, 0.3)
    value, logits = teach(network, loss, blended, "float32")
    assert value.item() == pytest.approx(
        0.3 * loss(logits, one.labels).item() + 0.7 * loss(logits, other.labels).item()
    )


def test_errors_are_those_of_the_tiles_in_order(network, random):
    batches = [batch_of(random, 3), batch_of(random, 2)]
    wanted = torch.cat([(network(one.images).argmax(1) != one.labels).float().mean(dim=(1, 2)) for one in batches])
    _, learned = weights_after(network, batches, wants_errors=True)
    torch.testing.assert_close(learned.errors, wanted)

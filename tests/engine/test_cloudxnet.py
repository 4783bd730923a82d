"""CloudX-Net: its blocks against plain words, and that it follows short trainings."""

import pytest
import torch
from geoseg.models.cloudxnet import CloudXNet, feed_forward
from torch.nn import functional


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CloudXNet(3, 2)


def _shapes(parts, network, image):
    shapes = []
    for part in parts:
        part.register_forward_hook(lambda _, __, given: shapes.append(tuple(given.shape[1:])))
    with torch.inference_mode():
        network.eval()(image)
    return shapes


def test_it_has_the_levels_of_the_description(network):
    parts = [network.stem, *network.down, network.bottom, network.pyramid, *network.up]
    assert _shapes(parts, network, torch.randn(1, 3, 64, 96)) == [
        (16, 64, 96), (32, 64, 96), (64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (1024, 2, 3), (1280, 2, 3),
        (512, 4, 6), (256, 8, 12), (128, 16, 24), (64, 32, 48), (32, 64, 96),
    ]  # fmt: skip


def test_feed_forward_is_that_of_the_original():
    """Which repeats first and pools then."""
    torch.manual_seed(0)
    fine, middle, coarse = torch.randn(2, 3, 8, 16), torch.randn(2, 6, 4, 8), torch.randn(2, 12, 2, 4)
    repeated = functional.max_pool2d(torch.cat([fine] * 4, 1), 4) + functional.max_pool2d(torch.cat([middle] * 2, 1), 2)
    assert torch.allclose(feed_forward([fine, middle, coarse]), (repeated + coarse).clamp(min=0), atol=1e-6)
    assert torch.equal(feed_forward([fine]), fine.clamp(min=0))


def test_a_level_down_adds_its_input_and_a_shortcut(network):
    level, x = network.down[1].eval(), torch.randn(1, 32, 8, 8)
    with torch.inference_mode():
        wanted = level.main(x) + torch.cat([x, level.shortcut(x)], 1)
        assert torch.equal(level(x), wanted.clamp(min=0))


def test_a_level_up_adds_what_comes_across_and_from_below(network):
    level = network.up[-1].eval()
    x, across = torch.randn(1, 64, 4, 4), torch.randn(1, 32, 8, 8)
    with torch.inference_mode():
        risen = level.rise(x)
        wanted = level.main(torch.cat([risen, across.clamp(min=0)], 1)) + across + risen
        assert torch.equal(level(x, [across]), wanted.clamp(min=0))
    assert [len(level.main) for level in network.up] == [3, 2, 2, 2, 2]


def test_the_pyramid_sees_the_whole_the_pixel_and_wider_and_wider(network):
    """One changed pixel is seen at 0, at 6, 12 and 18 pixels from it, and everywhere."""
    pyramid, x = network.pyramid.eval(), torch.randn(1, 1024, 48, 48)
    changed = x.clone()
    changed[:, :, 24, 24] += 100
    with torch.inference_mode():
        seen = (pyramid(changed) - pyramid(x))[0].abs()
    whole, *others = seen.split(256)
    assert whole.amax(0).all()
    for part, distance in zip(others, (0, 6, 12, 18), strict=True):
        rows, cols = part.amax(0).nonzero().T
        assert (rows.min(), rows.max(), cols.min(), cols.max()) == (24 - distance, 24 + distance) * 2


def test_it_soon_predicts_as_it_was_trained():
    """With the moments of Keras it would need hundreds of steps, which short trainings do not have."""
    torch.manual_seed(0)
    network, images = CloudXNet(3, 2), torch.randn(4, 3, 64, 64)
    with torch.inference_mode():
        for _ in range(40):
            trained = network(images)
        predicted = network.eval()(images)
    assert (trained.argmax(1) == predicted.argmax(1)).float().mean() > 0.9

"""Networks that work in steps, on images of other sizes."""

import copy

import pytest
import torch
from geoseg.models.any_size import accept_any_size


class Counting(torch.nn.Module):
    """Gives the image back, in training with its sum; takes only whole steps of 8 pixels."""

    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, image):
        if image.shape[-2] % 8 or image.shape[-1] % 8:
            raise ValueError(image.shape)
        answer = self.factor * image
        return (answer, image.sum(1)) if self.training else answer


@pytest.fixture
def network():
    return accept_any_size(Counting(), 8)


@pytest.mark.parametrize("size", [(8, 16), (1, 1), (7, 9), (16, 17), (23, 8)])
def test_the_answer_has_the_images_size(network, size):
    image = torch.randn(2, 3, *size)
    assert torch.equal(network.eval()(image), image)
    answer, total = network.train()(image)
    assert torch.equal(answer, image)
    assert torch.equal(total, image.sum(1))


def test_only_zeros_are_put_to_the_image_at_the_right_and_bottom():
    class Recording(torch.nn.Module):
        def forward(self, image):
            self.seen = image
            return image

    network = accept_any_size(Recording(), 8)
    network(torch.ones(1, 2, 5, 9))
    assert network.seen.shape == (1, 2, 8, 16)
    assert network.seen.sum() == network.seen[..., :5, :9].sum() == 90


def test_it_stays_the_network_that_it_was(network):
    plain = Counting()
    assert isinstance(network, Counting)
    assert type(network).__name__ == "Counting"
    assert network.state_dict().keys() == plain.state_dict().keys()
    copied = copy.deepcopy(network)
    with torch.no_grad():
        copied.factor += 1
    assert torch.equal(copied.eval()(torch.ones(1, 1, 3, 3)), torch.full((1, 1, 3, 3), 2.0))
    assert network.factor == 1

"""Weights for other bands and classes, against values worked out by hand."""

import pytest
import torch
from geoseg.models.adaptation import MORE_BANDS, MORE_CLASSES, Names, adapt, adapt_bands, repeat_kernels

RGB = ("red", "green", "blue")


@pytest.fixture
def kernels():
    """One kernel of one pixel for three bands: 1, 10 and 100."""
    return torch.tensor([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("bands", "wanted"),
    [
        (1, [111]), (2, [1.5, 15]), (3, [1, 10, 100]), (4, [0.75, 7.5, 75, 0.75]),
        (6, [0.5, 5, 50, 0.5, 5, 50]),
    ],
)  # fmt: skip
def test_kernels_are_repeated_with_the_same_gain(kernels, bands, wanted):
    repeated = repeat_kernels(kernels, bands)
    assert repeated.flatten().tolist() == wanted
    if bands % 3 == 0 or bands == 1:
        assert repeated.sum() == kernels.sum()


@pytest.mark.parametrize(
    ("wanted", "values"),
    [
        (RGB, [1, 10, 100]),
        (("blue", "green", "red"), [100, 10, 1]),
        ((" Blue", "GREEN"), [100, 10]),
        (("nir", *RGB), [0, 1, 10, 100]),
        (("nir", "red", "green"), [100, 1, 10]),
        (("a", "red", "b", "green"), [50, 1, 50, 10]),
        (("a", "green"), [101, 10]),
        (("a", "b", "c"), [1, 10, 100]),
        (("a",), [111]),
        (("a", "b", "c", "d"), [0.75, 7.5, 75, 0.75]),
    ],
)
def test_bands_of_the_same_name_keep_their_kernels(kernels, wanted, values):
    assert adapt_bands(kernels, RGB, wanted).flatten().tolist() == values


def _network(bands, classes):
    """A network of a convolution, a normalisation and a linear map to one number per class."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(bands, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, classes, 1)
    )  # fmt: skip


def _adapt(given, own, before, after):
    larger = _network(len(after.bands) + MORE_BANDS, len(after.classes) + MORE_CLASSES)
    return adapt(given.state_dict(), own.state_dict(), larger.state_dict(), before, after)


def test_a_network_answers_as_before_for_what_it_knows():
    torch.manual_seed(0)
    given, own = _network(3, 3), _network(4, 2)
    first = own[2].weight[1].clone()
    own.load_state_dict(
        _adapt(given, own, Names(RGB, ("a", "b", "c")), Names(("x", "blue", "red", "green"), ("c", "d")))
    )
    image = torch.randn(2, 4, 8, 8)
    before, after = given.eval()(image[:, [2, 3, 1]]), own.eval()(image)
    torch.testing.assert_close(after[:, 0], before[:, 2])
    assert torch.equal(own[2].weight[1], first)


def test_weights_of_another_number_of_classes_than_named():
    names = Names(RGB, ("a", "b"))
    with pytest.raises(IndexError):
        _adapt(_network(3, 2), _network(3, 3), Names(RGB, ("a", "b", "c")), Names(RGB, ("c", "a", "d")))
    assert _adapt(_network(3, 2), _network(3, 2), names, names).keys() == _network(3, 2).state_dict().keys()

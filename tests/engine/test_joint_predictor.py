"""Several opinions of one window: exactly their mean, or their votes."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import Cancelled, ModelError
from geoseg.geoseg_plugin.engine.prediction.networks.network import Network, softmax
from geoseg.geoseg_plugin.engine.prediction.opinions.joint_predictor import JointPredictor
from geoseg.geoseg_plugin.engine.prediction.opinions.variations import list_variations
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener

RANDOM = np.random.default_rng(0)
WINDOWS = [RANDOM.normal(size=(3, 64, 64)).astype(np.float32) for _ in range(2)]


class Handmade(Network):
    """Answers with a function of one window (C, H, W)."""

    backend = "numpy"

    def __init__(self, answer, *, device="here", precision="float32", fixed_size=None, batch_size=2):
        super().__init__(make_card(), device, precision, batch_size)
        self._answer = answer
        self.fixed_size = fixed_size
        self.sides = []

    def _infer(self, windows):
        self.sides.append(windows.shape[-1])
        return np.stack([self._answer(window) for window in windows]).astype(np.float32)


def pixelwise(window):
    return 2 * window


def lopsided(window):
    """Every pixel is told of the one to the left and of the one two above, and of where it is."""
    place = np.arange(window.shape[-1])
    return window + 2 * np.roll(window, 1, axis=2) - np.roll(window, 2, axis=1) + 0.01 * place + 0.02 * place[:, None]


def constant(*logits):
    return lambda window: np.broadcast_to(np.array(logits, np.float32)[:, None, None], window.shape)


def _ask(networks, augmentation="none", scales=None, ensemble="mean", windows=WINDOWS, listener=None):
    predictor = JointPredictor(networks, list_variations(augmentation, scales), ensemble, listener or Listener())
    answers = predictor.infer([(window,) * len(networks) for window in windows])
    return [predictor.conclude(answer) for answer in answers]


def _alone(answer, window):
    return softmax(answer(window).astype(np.float32))


@pytest.mark.parametrize("augmentation", ["flips", "dihedral"])
def test_a_network_that_looks_at_single_pixels_gives_what_it_gives_alone(augmentation):
    for answer, window in zip(_ask([Handmade(pixelwise)], augmentation), WINDOWS, strict=True):
        np.testing.assert_allclose(answer, _alone(pixelwise, window), atol=1e-6)


def test_another_network_gives_the_mean_of_its_answers_turned_back():
    views = [  # of each one the view, and how its answer comes back
        (lambda w: w, lambda a: a),
        (lambda w: w[:, :, ::-1], lambda a: a[:, :, ::-1]),
        (lambda w: w[:, ::-1], lambda a: a[:, ::-1]),
        (lambda w: w[:, ::-1, ::-1], lambda a: a[:, ::-1, ::-1]),
        (lambda w: np.rot90(w, 1, (1, 2)), lambda a: np.rot90(a, -1, (1, 2))),
        (lambda w: np.rot90(w, -1, (1, 2)), lambda a: np.rot90(a, 1, (1, 2))),
        (lambda w: w.swapaxes(1, 2), lambda a: a.swapaxes(1, 2)),
        (lambda w: np.rot90(w, 2, (1, 2)).swapaxes(1, 2), lambda a: np.rot90(a.swapaxes(1, 2), 2, (1, 2))),
    ]
    for augmentation, count in (("flips", 4), ("dihedral", 8)):
        answers = _ask([Handmade(lopsided)], augmentation)
        for answer, window in zip(answers, WINDOWS, strict=True):
            wanted = np.mean([back(_alone(lopsided, view(window))) for view, back in views[:count]], axis=0)
            np.testing.assert_allclose(answer, wanted, atol=1e-6)
            assert np.abs(answer - _alone(lopsided, window)).max() > 0.1


def test_scales_show_other_sides_and_a_smooth_window_stays_what_it_is():
    network = Handmade(pixelwise)
    row, col = np.mgrid[0:64, 0:64] / 64
    window = np.stack([row, col, 1 - row]).astype(np.float32)
    (answer,) = _ask([network], scales="0.5,1,1.25", windows=[window])
    assert network.sides == [32, 64, 96]  # the network takes multiples of 32
    np.testing.assert_allclose(answer, _alone(pixelwise, window), atol=0.02)
    np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-5)


def test_the_mean_of_several_networks():
    answers = _ask([Handmade(pixelwise), Handmade(lopsided), Handmade(constant(0, 1, 2))])
    for answer, window in zip(answers, WINDOWS, strict=True):
        wanted = np.mean([_alone(one, window) for one in (pixelwise, lopsided, constant(0, 1, 2))], axis=0)
        np.testing.assert_allclose(answer, wanted, atol=1e-6)


def test_the_share_of_votes():
    """The one that is very sure is outvoted, which it is not in the mean."""
    networks = [Handmade(constant(9, 0, 0)), Handmade(constant(0, 0.1, 0)), Handmade(constant(0, 0.1, 0))]
    answer, _ = _ask(networks, ensemble="votes")
    np.testing.assert_allclose(answer[:, 5, 7], [1 / 3, 2 / 3, 0], atol=1e-6)
    answer, _ = _ask(networks)
    assert answer[:, 5, 7].argmax() == 0


def test_each_network_sees_the_channels_that_are_meant_for_it():
    seen = []

    def look(window):
        seen.append(window[0, 0, 0])
        return window

    predictor = JointPredictor([Handmade(look), Handmade(look)], list_variations("none", None), "mean", Listener())
    predictor.infer([(np.full((3, 64, 64), 1, np.float32), np.full((3, 64, 64), 2, np.float32))])
    assert seen == [1, 2]


def test_it_tells_of_all_its_networks():
    networks = [Handmade(pixelwise, device="here", batch_size=4), Handmade(pixelwise, device="there", fixed_size=64)]
    predictor = JointPredictor(networks, list_variations("none", None), "mean", Listener())
    predictor.infer([(WINDOWS[0],) * 2])
    assert (predictor.device, predictor.precision, predictor.backend) == ("here and there", "float32", "numpy")
    assert (predictor.fixed_size, predictor.batch_size) == (64, 2)
    assert predictor.seconds == sum(network.seconds for network in networks) > 0
    assert len(predictor.cards) == 2


def test_networks_that_take_different_windows_are_refused():
    networks = [Handmade(pixelwise, fixed_size=64), Handmade(pixelwise, fixed_size=128)]
    with pytest.raises(ModelError, match="64 pixels alone, another of 128"):
        JointPredictor(networks, list_variations("none", None), "mean", Listener())


def test_a_network_of_one_size_takes_no_scales():
    with pytest.raises(ModelError, match="SCALES cannot be used"):
        JointPredictor([Handmade(pixelwise, fixed_size=64)], list_variations("none", "1, 1.5"), "mean", Listener())


def test_a_cancel_is_heard_between_two_views():
    network = Handmade(pixelwise)
    with pytest.raises(Cancelled):
        _ask([network], "dihedral", listener=Listener(lambda listener: len(network.sides) == 3))
    assert len(network.sides) == 3

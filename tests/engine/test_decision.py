"""Which class a pixel gets."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.engine.prediction.decisions.decision import Decision, choose_classes


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_the_most_probable_is_argmax(count):
    probabilities = np.random.default_rng(count).integers(0, 5, (count, 20, 30)).astype(np.float32)
    for indices, best in (choose_classes(probabilities), Decision().choose(probabilities)):
        np.testing.assert_array_equal(indices, probabilities.argmax(axis=0))
        np.testing.assert_array_equal(best, probabilities.max(axis=0))


def test_of_those_that_reach_their_threshold_the_most_probable_wins_else_the_first():
    pixels = {
        (0.50, 0.30, 0.20): 1,  # it reaches its own, though the first is more probable
        (0.10, 0.29, 0.61): 2,
        (0.05, 0.45, 0.50): 1,  # the more probable one does not reach its own
        (0.41, 0.29, 0.30): 0,
        (0.00, 0.40, 0.60): 2,  # both do
        (0.20, 0.60, 0.60): 1,  # of equals the first
    }
    probabilities = np.array(list(pixels), np.float32).T[:, None]
    indices, confidence = Decision((0.3, 0.6)).choose(probabilities)
    assert indices[0].tolist() == list(pixels.values())
    wanted = [values[index] for values, index in pixels.items()]
    np.testing.assert_array_equal(confidence[0], np.array(wanted, np.float32))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_two_classes_are_parted_at_the_threshold_itself(threshold):
    values = np.array([[0.0, 0.29999, 0.3, 0.30001, 0.7, 1.0]], np.float32)
    indices, _ = Decision((threshold,)).choose(np.stack([1 - values, values]))
    np.testing.assert_array_equal(indices, values >= np.float32(threshold))


def test_many_classes_have_room():
    probabilities = np.full((400, 2, 2), 0.1, np.float32)
    probabilities[399] = 0.9
    indices, confidence = Decision((0.5,) * 399).choose(probabilities)
    assert (indices == 399).all()
    assert (confidence == np.float32(0.9)).all()

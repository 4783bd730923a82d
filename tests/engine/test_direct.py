"""Maps whose strips are final as they come."""

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import ModelError
from geoseg.geoseg_plugin.engine.prediction.results.direct import DirectResults
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapped import draw_probabilities, write_map


def test_thresholds_of_the_card_decide(tmp_path):
    probabilities = draw_probabilities(90, 80)
    card = make_card(thresholds={"building": 0.9, "water": 0.1})
    write_map(tmp_path / "out", probabilities, card=card, decision="card")
    building, water = probabilities[1] >= np.float32(0.9), probabilities[2] >= np.float32(0.1)
    wanted = np.select([building & (probabilities[1] >= probabilities[2]), water, building], [1, 5, 1], 0)
    with rasterio.open(tmp_path / "out" / "classes.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(1), wanted)


def test_a_threshold_that_leaves_a_class_empty_is_warned_of(tmp_path):
    probabilities = draw_probabilities(90, 80)
    probabilities[1] = probabilities[1].clip(max=0.75)
    listener = Listener()
    write_map(tmp_path / "out", probabilities, None, listener, decision="fixed", threshold="class 1=0.8, class 2=0.5")
    assert listener.warnings == [
        "No pixel is class 1: its threshold is 0.8, and its largest probability 0.75. If it is there, set "
        "DECISION to fixed and THRESHOLD lower."
    ]


def test_a_map_of_one_class_is_warned_of_once(tmp_path):
    probabilities = draw_probabilities(90, 80)
    probabilities[0], probabilities[1:] = 0.75, 0.125
    listener = Listener()
    write_map(tmp_path / "out", probabilities, None, listener, decision="fixed", threshold="0.5")
    (warning,) = listener.warnings
    assert warning.startswith(f"All {90 * 80} pixels are class 0. Probabilities: class 0 mean 0.750, largest 0.750;")


def test_probabilities_of_valid_pixels_alone_count(tmp_path):
    probabilities = draw_probabilities(90, 80)
    valid = draw_probabilities(90, 80, seed=1)[0] < 0.5
    results = write_map(tmp_path / "out", probabilities, valid, rows=17, probabilities=True)
    assert results.tally.pixels == valid.sum()
    np.testing.assert_allclose(results.tally.mean_confidence, probabilities.max(axis=0)[valid].mean(), rtol=1e-6)
    with rasterio.open(tmp_path / "out" / "probabilities.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), np.where(valid, probabilities, np.nan))


def test_answers_that_are_not_numbers_are_told_at_once(tmp_path, monkeypatch):
    probabilities, valid = draw_probabilities(90, 80), np.ones((90, 80), bool)
    probabilities[1, 3, 40] = np.nan
    with monkeypatch.context() as patch, pytest.raises(ModelError, match="not numbers"):
        patch.setattr(DirectResults, "finish", lambda *_: pytest.fail("the whole map was made first"))
        write_map(tmp_path / "out", probabilities, valid, rows=10)
    assert not list((tmp_path / "out").iterdir())
    valid[3, 40] = False
    assert write_map(tmp_path / "out", probabilities, valid, rows=10).tally.pixels == 90 * 80 - 1

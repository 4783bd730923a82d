"""What a prediction writes: all files whole or none."""

import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError, RequestError
from geoseg.tests.engine.listener import Listener
from geoseg.tests.engine.mapped import draw_probabilities, write_map

EVERYTHING = dict.fromkeys(
    ("probabilities", "confidence", "entropy", "margin", "polygons", "picture", "array"), True
)  # fmt: skip


@pytest.mark.parametrize("decision", ["auto", "otsu"])
def test_a_failure_leaves_nothing_of_any_file(tmp_path, decision):
    listener = Listener()

    def fail(text):
        raise OutputError(text)

    listener.note = fail
    with pytest.raises(OutputError):
        write_map(tmp_path / "out", draw_probabilities(90, 80), None, listener, decision=decision, **EVERYTHING)
    assert not list((tmp_path / "out").iterdir())


def test_nothing_is_begun_where_the_decision_cannot_be_made(tmp_path):
    with pytest.raises(RequestError, match="has no thresholds"):
        write_map(tmp_path / "out", draw_probabilities(9, 8), decision="card", **EVERYTHING)
    assert not list((tmp_path / "out").iterdir())


def test_progress_of_all_that_is_finished_grows(tmp_path):
    listener = Listener()
    write_map(tmp_path / "out", draw_probabilities(600, 80), None, listener, format="COG", **EVERYTHING)
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] <= 1

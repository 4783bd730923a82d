"""Progress of several processes together, and faults of others."""

from types import SimpleNamespace

import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError
from geoseg.geoseg_plugin.engine.prediction.keeping.shared_reports import BoardReport, WatchfulReport
from geoseg.geoseg_plugin.engine.processes.processes import Processes
from geoseg.tests.engine.listener import Listener


def test_progress_is_that_of_all(recorder):
    board = SimpleNamespace(share=0.0, hear=lambda: [board.share, 0.5])
    report = BoardReport(recorder, board)
    report.progress(0.25, "Predicting")
    report.progress(1.0, "Waiting")
    assert board.share == 0.999
    board.share = 1.0
    report.progress(0.2, "Waiting")
    assert board.share == 1.0
    assert recorder.fractions == pytest.approx([0.375, 0.7495, 0.75])


def test_a_fault_of_another_ends_the_work(recorder):
    fault = EngineError("Process 1 has died.")
    report = WatchfulReport(recorder, Processes(find_fault=lambda: fault))
    with pytest.raises(EngineError, match="has died"):
        report.is_cancelled()
    report = WatchfulReport(Listener(lambda _: True), Processes())
    assert report.is_cancelled()

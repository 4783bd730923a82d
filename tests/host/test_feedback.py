"""What a stage says reaches the log and the progress bar of Processing."""

import pytest
from geoseg.geoseg_plugin.host import feedback as module
from geoseg.geoseg_plugin.host.feedback import FeedbackReport
from qgis.core import QgsProcessingFeedback


class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__()
        self.heard = []

    def setProgressText(self, text):
        self.heard.append(("text", text))

    def pushInfo(self, text):
        self.heard.append(("info", text))

    def pushWarning(self, text):
        self.heard.append(("warning", text))

    def pushDebugInfo(self, text):
        self.heard.append(("debug", text))


@pytest.fixture
def feedback(qgis_app):
    return Feedback()


def test_words_go_where_they_belong(feedback):
    report = FeedbackReport(feedback)
    report.note("n")
    report.warn("w")
    report.detail("d")
    report.metric("loss", 0.25, 3)
    assert feedback.heard == [("info", "n"), ("warning", "w"), ("debug", "d")]


def test_same_text_is_said_once(feedback):
    report = FeedbackReport(feedback)
    report.progress(0.1, "reading")
    report.progress(0.2, "reading")
    report.progress(0.3)
    report.progress(0.4, "writing")
    assert feedback.progress() == pytest.approx(40)
    assert feedback.heard == [("text", "reading"), ("text", "writing")]


def test_a_text_that_changes_all_the_time_does_not_fill_the_log(feedback, monkeypatch):
    report = FeedbackReport(feedback)
    monkeypatch.setattr(module.time, "monotonic", lambda: clock)
    for clock in range(1000, 1060):
        report.progress(0.5, f"Epoch 1: {1060 - clock} s left")
    report.progress(0.6, "Epoch 2: 9 s left")
    assert [text for _, text in feedback.heard] == [
        "Epoch 1: 60 s left", "Epoch 1: 39 s left", "Epoch 1: 18 s left", "Epoch 2: 9 s left",
    ]  # fmt: skip


def test_cancel_is_seen(feedback):
    report = FeedbackReport(feedback)
    assert not report.is_cancelled()
    feedback.cancel()
    assert report.is_cancelled()

"""Lets a running stage speak to Processing."""

from __future__ import annotations

from qgis.core import QgsProcessingFeedback


class FeedbackReport:
    """A Report that writes into the log and the progress bar of Processing. Use it from the algorithm's thread."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._text = ""

    def progress(self, fraction: float, text: str = "") -> None:
        """Set the progress, and the text above it when it has changed."""
        self._feedback.setProgress(100 * fraction)
        if text and text != self._text:
            self._text = text
            self._feedback.setProgressText(text)

    def note(self, text: str) -> None:
        """Write a line into the log."""
        self._feedback.pushInfo(text)

    def warn(self, text: str) -> None:
        """Write a warning into the log."""
        self._feedback.pushWarning(text)

    def detail(self, text: str) -> None:
        """Write a line for those who look for a fault."""
        self._feedback.pushDebugInfo(text)

    def metric(self, name: str, value: float, step: int) -> None:
        """Write a figure as a detail: notes carry the figures for people."""
        self._feedback.pushDebugInfo(f"{name} {step}: {value:.6g}")

    def is_cancelled(self) -> bool:
        """Tell whether the user has pressed Cancel."""
        return bool(self._feedback.isCanceled())

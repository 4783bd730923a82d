"""Lets a running stage speak to Processing."""

from __future__ import annotations

import time

from qgis.core import QgsProcessingFeedback

TEXT_EVERY_S = 20.0


class FeedbackReport:
    """A Report that writes into the log and the progress bar of Processing. Use it from the algorithm's thread."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._text = ""
        self._told_at = 0.0

    def progress(self, fraction: float, text: str = "") -> None:
        """Set the progress, and the text above it when its phase (what stands before a colon) or some time is over.

        QGIS writes every such text into its log too, so that a text each second would bury all else.
        """
        self._feedback.setProgress(100 * fraction)
        now = time.monotonic()
        is_new_phase = text.split(":", maxsplit=1)[0] != self._text.split(":", maxsplit=1)[0]
        if text and text != self._text and (is_new_phase or now - self._told_at > TEXT_EVERY_S):
            self._text, self._told_at = text, now
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
        """Say nothing: notes carry the figures for people."""

    def is_cancelled(self) -> bool:
        """Tell whether the user has pressed Cancel."""
        return bool(self._feedback.isCanceled())

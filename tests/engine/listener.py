"""A report for tests."""

from geoseg.geoseg_plugin.contract.events import Report


class Listener(Report):
    """A Report that remembers everything, and is cancelled as soon as a function of it says so."""

    def __init__(self, cancel_when=lambda listener: False):
        self.fractions, self.texts, self.notes, self.warnings, self.metrics = [], [], [], [], []
        self._cancel_when = cancel_when

    def progress(self, fraction, text=""):
        self.fractions.append(fraction)
        self.texts.append(text)

    def note(self, text):
        self.notes.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def detail(self, text):
        pass

    def metric(self, name, value, step):
        self.metrics.append((name, value, step))

    def is_cancelled(self):
        return self._cancel_when(self)

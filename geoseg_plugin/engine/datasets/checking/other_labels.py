"""Whether what some of the tiles show for all labels holds for the others as well."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from ....contract.events import Report, stop_if_cancelled
from ..ahead import map_ahead
from ..dataset import TRAIN
from .finding import WARNING, Finding
from .pairs import Pair
from .reading import label_values
from .survey import Survey

_OF_TRAINING = {"training_all_ignored", "training_one_class"}
_OF_ALL_LABELS = {"labels_all_ignored", "labels_all_background", "labels_one_value", "labels_white", *_OF_TRAINING}


def weigh(finding: Finding, survey: Survey, others: Sequence[Pair], report: Report) -> Finding:
    """Return a finding of some tiles as what it is for all: one of all labels is a warning where others refute it.

    Args:
        finding: What was found in the survey.
        survey: Some of the tiles.
        others: All tiles that were not looked at. Their labels are read, up to the first that refutes the finding.
        report: Asked to stop.

    Raises:
        InputError: One of the other labels cannot be read.
        Cancelled: The user has asked to stop.
    """
    if finding.kind not in _OF_ALL_LABELS or not others or _holds(finding, survey, others, report):
        return finding
    return replace(finding, severity=WARNING, what=f"In the {len(survey.tiles)} tiles looked at: {finding.what}")


def _holds(finding: Finding, survey: Survey, others: Sequence[Pair], report: Report) -> bool:
    """Tell whether the other labels hold no value but those that the survey has seen."""

    def concerns(pair: Pair) -> bool:
        return finding.kind not in _OF_TRAINING or pair.split == TRAIN

    def read(pair: Pair) -> set[float]:
        source, ignore_value = survey.pairs.source, survey.pairs.ignore_value
        return label_values(pair, ignore_value) if source is None else source.label_values(pair)

    seen = {value for pair, label in survey.labels if concerns(pair) for value in label.values}
    unseen = [pair for pair in others if pair.label is not None and concerns(pair)]
    report.progress(1.0, "Looking at the other labels")
    with closing(map_ahead(read, unseen)) as found:
        for values in found:
            stop_if_cancelled(report)
            if values - seen:
                return False
    return True

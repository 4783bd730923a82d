"""The stage that looks for what makes training fail without a word."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

from ....contract.events import Part, Report
from ....contract.stages.dataset_check import CheckDataset, CheckDatasetResult, class_values
from ...output import whole_file
from .class_balance import class_weights, training_counts
from .finding import ERROR, NOTE, Finding, count_severities, in_words
from .findings import find_all
from .page import write_check_page
from .pairs import find_pairs
from .results import weights_by_value, write_layer, write_table
from .survey import Survey, survey_tiles

_READING_SHARE = 0.9


def check_dataset(request: CheckDataset, report: Report) -> CheckDatasetResult:
    """Read every tile once, draw findings from what they are like, and write them down.

    Raises:
        InputError: DATASET is neither a dataset nor a folder with images/ and labels/.
        OutputError: A result cannot be written.
        Cancelled: The user has asked to stop.
    """
    pairs = find_pairs(request.dataset, class_values(request.class_values or ""))
    survey = survey_tiles(pairs, Part(report, 0.0, _READING_SHARE))
    findings = find_all(survey, report)
    report.progress(_READING_SHARE, "Writing the report")
    _write(request, survey, findings, report)
    counts = count_severities(findings)
    _tell(findings, f"Tiles looked at: {len(survey.tiles)}; {in_words(counts)}.", report)
    weights = weights_by_value(survey.classes, class_weights(training_counts(survey)))
    return CheckDatasetResult(
        report=request.report, findings=request.findings, tiles=request.tiles, error_count=counts["error"],
        warning_count=counts["warning"], class_weights=json.dumps(weights),
    )  # fmt: skip


def _write(request: CheckDataset, survey: Survey, findings: tuple[Finding, ...], report: Report) -> None:
    with ExitStack() as stack:
        page, table, layer = (
            stack.enter_context(whole_file(path, report)) if path else None
            for path in (request.report, request.findings, request.tiles)
        )
        write_check_page(Path(page or ""), survey, findings, report)
        if table:
            write_table(table, findings)
        if layer:
            write_layer(layer, survey, findings, report)


def _tell(findings: tuple[Finding, ...], summary: str, report: Report) -> None:
    report.note(summary)
    for finding in findings:
        tell = report.note if finding.severity == NOTE else report.warn
        tell(f"{'Found an error: ' if finding.severity == ERROR else ''}{finding.what} {finding.fix}")

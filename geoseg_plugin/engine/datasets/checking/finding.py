"""A finding: what is wrong with a dataset, how bad it is, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...imagery.paths import name_some

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)
MANY = 500


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: A name for it that stays the same, such as "grids_differ".
        severity: ERROR makes training useless or its figures wrong, WARNING is probably a mistake, NOTE is worth
            knowing.
        what: What is wrong, with values, as a sentence.
        fix: What to do.
        tiles: Ids of the tiles concerned; none where it is about the dataset as a whole.
    """

    kind: str
    severity: str
    what: str
    fix: str
    tiles: tuple[str, ...] = ()


def sort_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings with errors first and notes last, else in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def count_severities(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings there are of each severity."""
    return {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}


def in_words(counts: dict[str, int]) -> str:
    """Return counts by severity as text: "2 errors, 1 warning", or "no findings"."""
    parts = [f"{count} {name}{'s' if count > 1 else ''}" for name, count in counts.items() if count]
    return ", ".join(parts) or "no findings"


def tiles_in_words(ids: Sequence[str]) -> str:
    """Return a number of tiles and some of their names: "2 tiles (a, b)"."""
    return f"{len(ids)} tile{'s' if len(ids) > 1 else ''} ({name_some(ids)})"


def figure(value: float) -> str:
    """Return a value for a message, with six digits at most."""
    return f"{value:.6g}"


def listed(values: Iterable[float], most: int = 6) -> str:
    """Return values for a message, the first few in ascending order."""
    ordered = sorted(values)
    return ", ".join(_figures(ordered[:most])) + (", ..." if len(ordered) > most else "")


def _figures(values: Iterable[float]) -> Iterator[str]:
    return (figure(value) for value in values)

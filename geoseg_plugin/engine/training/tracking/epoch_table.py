"""A table of epochs, as CSV: a row for each, written as soon as it is finished."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ....contract.errors import OutputError

_NUMBER = "epoch"


class EpochTable:
    """Writes the table, or goes on with one that is there, without its rows of epochs that are trained again.

    What is no number (NaN) is an empty cell. All digits are written, so that what is read back is the same.

    Args:
        path: The file.
        names: The headings of the figures.
        first_epoch: The first epoch that will be added.

    Raises:
        OutputError: The table that is there has other columns.
        OSError: The file cannot be read or written.
    """

    def __init__(self, path: Path, names: Sequence[str], first_epoch: int) -> None:
        heading = [_NUMBER, *names]
        before, rows = _read(path)
        kept = [row for row in rows if int(row[0]) < first_epoch]
        if kept and before != heading:
            raise OutputError(f"{path} has other columns than this training.", "Choose another folder as LOG.")
        unfinished = path.with_name(f".{path.name}.part")
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([heading, *kept])
        unfinished.replace(path)
        # Kept open: on Windows, a program that opens it meanwhile could keep us out.
        self._file = path.open("a", newline="", encoding="utf-8")

    def add(self, number: int, figures: Iterable[float]) -> None:
        """Write a row.

        Args:
            number: The number of the epoch.
            figures: Its figures in the order of their names.

        Raises:
            OSError: The row cannot be written.
        """
        cells = ("" if math.isnan(value) else repr(value) for value in figures)
        csv.writer(self._file).writerow([number, *cells])
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the whole rows of a table that is there; the last may have been cut short."""
    if not path.is_file():
        return [], []
    text = path.read_bytes().decode("utf-8", errors="replace")
    table = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
    heading, rows = (table[0], table[1:]) if table else ([], [])
    return heading, [row for row in rows if len(row) == len(heading) and row[0].isdecimal()]

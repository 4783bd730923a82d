"""Boxes in the pixels of images, as a table holds them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ....contract.errors import InputError, first_line

_SIDES = ("ymin", "ymax", "xmin", "xmax")


@dataclass(frozen=True)
class Box:
    """A box in the pixels of an image, the last row and column not included."""

    image: str
    ymin: int
    ymax: int
    xmin: int
    xmax: int


def read_boxes(path: str) -> tuple[Box, ...]:
    """Read a table with the columns data, ymin, ymax, xmin, xmax; rows without any of the last four have no box.

    Source: data.csv of github.com/nasa-nccs-hpda/slump-detection, whose other columns (label, ntiles_train,
    ntiles_val) tell nothing of where.

    Raises:
        InputError: It cannot be read, lacks a column, or holds a box that is none.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            missing = {"data", *_SIDES} - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"{path} lacks the column {', '.join(sorted(missing))}.",
                    "It needs data, ymin, ymax, xmin and xmax, separated by commas.",
                )
            return tuple(_read_box(row, path) for row in reader if any((row[side] or "").strip() for side in _SIDES))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {first_line(error)}.", "Give a CSV file in UTF-8.") from error


def is_meant(wanted: str, name: str, path: str) -> bool:
    """Tell whether a table means a scene by the name of its image, with or without folders and suffix."""
    parts, own = Path(wanted.replace("\\", "/")).parts, Path(path.replace("\\", "/"))
    return wanted in (name, own.stem) or own.parts[-len(parts) :] == parts


def _read_box(row: Mapping[str, str | None], path: str) -> Box:
    try:
        sides = [float(row[side] or "") for side in _SIDES]
    except ValueError:
        sides = []
    if not sides or not all(math.isfinite(side) for side in sides) or sides[0] >= sides[1] or sides[2] >= sides[3]:
        values = ", ".join(f"{side} {row[side]}" for side in _SIDES)
        raise InputError(f"The box of {row['data']} in {path} is none: {values}.", "Give ymin < ymax and xmin < xmax.")
    return Box(str(row["data"]).strip(), *(round(side) for side in sides))

"""Tables of classes as people write them: value, name, colour, and what means the class in a layer's attribute."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

from .classes import ClassTable, LabelClass
from .errors import RequestError

_FORM = "Write a class as: 1 building #d7301f = house, shed; the colour and what follows = may be left out."
_ENTRY = re.compile(r"(\d+)\s+([^=]+?)(?:\s+(#[0-9a-fA-F]{6}))?\s*(?:=(.*))?", re.DOTALL)
_COLUMNS = ("value", "name", "colour", "attribute")
_SPELLINGS = {"color": "colour"}


@dataclass(frozen=True)
class ClassList:
    """A class table, and which texts or numbers of an attribute mean which class.

    Attributes:
        table: The classes.
        value_of: Class value by attribute, as a text in lower case. A class is also meant by its own value and name.
    """

    table: ClassTable
    value_of: Dict[str, int]


def parse_class_list(text: str) -> ClassList:
    """Read "1 building #d7301f = house, shed; 2 water".

    Raises:
        RequestError: It has another form, or gives a value or an attribute twice.
    """
    rows = []
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise RequestError(f"'{entry}' in CLASSES cannot be read.", _FORM)
        value, name, colour, attributes = match.groups()
        meant = [part.strip() for part in (attributes or "").split(",")]
        rows += [(value, name, colour or "", attribute) for attribute in meant]
    return _build(rows, "CLASSES")


def read_class_file(path: str) -> ClassList:
    """Read a CSV file (UTF-8; comma, semicolon or tab) with the columns value, name, colour and attribute.

    Raises:
        RequestError: It cannot be read, has no value or name column, or gives a value or an attribute twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"CLASS_FILE {path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    columns = {_column(name): name for name in reader.fieldnames or ()}
    if not {"value", "name"} <= set(columns):
        raise RequestError(
            f"CLASS_FILE {path} has the columns {', '.join(columns) or 'none'}.",
            f"Its first row must name the columns {', '.join(_COLUMNS)}; the last two may be missing.",
        )
    rows = [[_cell(row, columns.get(name)) for name in _COLUMNS] for row in reader]
    return _build([(row[0], row[1], row[2], row[3]) for row in rows if any(row)], f"CLASS_FILE {path}")


def _cell(row: Dict[str, str], column: Optional[str]) -> str:
    """Return what a row holds in a column, which its table may lack, as the row may its last cells."""
    return "" if column is None else (row[column] or "").strip()


def _column(name: str) -> str:
    plain = name.strip().lower()
    return _SPELLINGS.get(plain, plain)


def _build(rows: Iterable[Tuple[str, str, str, str]], source: str) -> ClassList:
    names: Dict[int, str] = {}
    colours: Dict[int, str] = {}
    meant: List[Tuple[str, int]] = []
    for text, name, colour, attribute in rows:
        value = _value(text, source)
        if not name:
            raise RequestError(f"{source} gives class {value} no name.", _FORM)
        if names.setdefault(value, name) != name:
            raise RequestError(f"{source} gives class {value} the names '{names[value]}' and '{name}'.", _FORM)
        if colour and colours.setdefault(value, colour) != colour:
            raise RequestError(f"{source} gives class {value} the colours {colours[value]} and {colour}.", _FORM)
        if attribute:
            meant.append((attribute.lower(), value))
    if not names:
        raise RequestError(f"{source} holds no class.", _FORM)
    return ClassList(_table(names, colours, source), _meanings(names, meant, source))


def _value(text: str, source: str) -> int:
    if not text.isdecimal():
        raise RequestError(f"{source} has the class value '{text}'.", "Class values are whole numbers from 0.")
    return int(text)


def _table(names: Dict[int, str], colours: Dict[int, str], source: str) -> ClassTable:
    try:
        chosen = ClassTable.named(names)
        return ClassTable(tuple(LabelClass(one.value, one.name, colours.get(one.value, one.colour)) for one in chosen))
    except ValueError as error:
        raise RequestError(f"{source} cannot be used: {error}.", _FORM) from error


def _meanings(names: Dict[int, str], meant: List[Tuple[str, int]], source: str) -> Dict[str, int]:
    found: Dict[str, int] = {}
    for attribute, value in meant:
        _mean(found, attribute, value, source)
    for value, name in names.items():
        _mean(found, name.lower(), value, source)
    for value in names:
        found.setdefault(str(value), value)
    return found


def _mean(found: Dict[str, int], attribute: str, value: int, source: str) -> None:
    other: Optional[int] = found.setdefault(attribute, value)
    if other != value:
        raise RequestError(f"{source}: '{attribute}' means both class {other} and class {value}.", _FORM)

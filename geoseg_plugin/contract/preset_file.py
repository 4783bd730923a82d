"""Settings in a JSON file: parameters by name, a job file, or the settings.json of the roofs system."""

from __future__ import annotations

import json
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Set, Tuple

from .errors import RequestError
from .fields import Field, Kind
from .roof_settings import has_roof_settings, read_roof_settings

_FORMS = 'Write parameters by name, such as {"ARCHITECTURE": "fpn", "EPOCHS": 75}, or give a job file.'
_WEIGHTS_FILE = ".safetensors"


@dataclass(frozen=True)
class Settings:
    """What a file sets.

    Attributes:
        values: Plain values by field name.
        left_out: Names of fields that the file gives, but that belong to one run: paths, data and machine.
        unmatched: Entries of the roofs system that have no counterpart, with their values.
    """

    values: Dict[str, Any]
    left_out: Tuple[str, ...] = ()
    unmatched: Tuple[str, ...] = ()


def read_settings(path: str, stage_id: str, fields: Sequence[Field], settable: Sequence[str]) -> Settings:
    """Read a file.

    Args:
        path: The JSON file.
        stage_id: Of the stage that the settings are for.
        fields: Its fields.
        settable: Names of those that are settings; the others belong to one run.

    Raises:
        RequestError: It cannot be read, is for another stage, names what is no parameter, or gives a value that is not
            acceptable; the message names file, parameter and value.
    """
    try:
        content = _read_object(path)
        if has_roof_settings(content):
            values, unmatched = read_roof_settings(content)
            return Settings(_clean(values, fields), unmatched=unmatched)
        return _parameters(content, stage_id, fields, settable)
    except RequestError as error:
        raise RequestError(f"PRESET_FILE {path}: {error.message}", error.fix) from error


def _read_object(path: str) -> Dict[str, Any]:
    try:
        # Some editors begin a file with a byte order mark.
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RequestError("There is no such file.", "Check its path, or leave PRESET_FILE empty.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"It cannot be read as JSON ({error}).", _FORMS) from error
    if not isinstance(content, dict):
        raise RequestError(f"It holds {json.dumps(content)[:40]}, no parameters.", _FORMS)
    return content


def _parameters(
    content: Mapping[str, Any], stage_id: str, fields: Sequence[Field], settable: Sequence[str]
) -> Settings:
    """Return what parameters by name, or those of a job, set."""
    is_job = "parameters" in content
    if is_job:
        of, content = content.get("stage"), content["parameters"]
        if of != stage_id or not isinstance(content, Mapping):
            raise RequestError(f"It is a job of '{of}', not of '{stage_id}'.", _FORMS)
    named = _by_name(content, {field.name for field in fields})
    kept = {name: value for name, value in named.items() if name in settable}
    if is_job and str(kept.get("weights", "")).lower().endswith(_WEIGHTS_FILE):
        del kept["weights"]
    defaults = {field.name: field.default for field in fields}
    told = {name for name, value in named.items() if value not in (None, "", [], defaults[name])}
    left_out = tuple(name for name in named if name in told and name not in kept)
    return Settings(_clean(kept, fields), left_out)


def _by_name(content: Mapping[str, Any], known: Set[str]) -> Dict[str, Any]:
    """Return values by field name; a file may write names in any case."""
    named: Dict[str, Any] = {}
    for given, value in content.items():
        name = given.lower()
        if name not in known:
            raise RequestError(f"There is no parameter {given} (it is {reprlib.repr(value)}).", _FORMS)
        if name in named:
            raise RequestError(
                f"{name.upper()} is given twice: {reprlib.repr(named[name])} and {reprlib.repr(value)}.",
                "Give it once.",
            )
        named[name] = value
    return named


def _clean(values: Mapping[str, Any], fields: Sequence[Field]) -> Dict[str, Any]:
    by_name = {field.name: field for field in fields}
    return {name: _clean_value(by_name[name], value) for name, value in values.items()}


def _clean_value(field: Field, value: Any) -> Any:
    # Stricter than a command line, where everything is text.
    is_flag, is_number = isinstance(value, bool), isinstance(value, (int, float)) and not isinstance(value, bool)
    if field.kind is Kind.FLAG and not is_flag:
        raise RequestError(f"{field.parameter} must be true or false, not {value!r}.")
    if field.kind is Kind.NUMBER and not is_number and value is not None:
        raise RequestError(f"{field.parameter} must be a number, not {value!r}.")
    return field.clean(value)

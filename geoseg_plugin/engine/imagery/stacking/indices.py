"""Spectral indices by name, from the catalogue Awesome Spectral Indices, and the bands that their formulas mean."""

from __future__ import annotations

import difflib
import importlib.util
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ....contract.errors import EngineError, RequestError
from .band_choice import POLARISATIONS, find_name
from .expressions import Formula, parse_formula
from .recipes import SLUMP_INDICES

_PACKAGE = "spyndex"
_SLUMP = "slump_"
_OTHER_NAMES = {"NDRE": "NDREI"}
_OWN_FORMULAS = {"CM": "S1 / S2"}
_ONLY_SENTINEL_2 = "b8a"
_THERMAL = frozenset({"T", "T1", "T2"})
_USUAL_NAMES = {
    "A": ("coastal blue", "coastal aerosol", "aerosol", "ultra blue"),
    "RE1": ("red edge", "re 1"),
    "RE2": ("re 2",),
    "RE3": ("re 3",),
    "N": ("nir 1", "near infrared", "near infrared 1", "near ir", "near ir 1"),
    "N2": ("nir 2", "near infrared 2", "near ir 2", "nir narrow", "narrow nir"),
    "WV": ("water vapour",),
    "S1": ("swir 1", "swir"),
    "S2": ("swir 2",),
    "T": ("thermal",),
}


@dataclass(frozen=True)
class Index:
    """A spectral index.

    Attributes:
        name: Its name.
        formulas: The ways to compute it, the preferred one first. Bands are the catalogue's letters.
        constants: The values of names in it that are no bands.
        reflectance: The reflectance that the formula takes as 1: 1, or 10000 in that of the slump system.
    """

    name: str
    formulas: tuple[Formula, ...]
    constants: Mapping[str, float] = field(default_factory=dict)
    reflectance: float = 1.0


def find_index(wanted: str) -> Index:
    """Return an index by its name in the catalogue, or slump_NAME.

    Raises:
        RequestError: It is not known, or needs what is neither a band nor a number.
        EngineError: The catalogue is missing.
    """
    name = _known_name(wanted)
    if name.startswith(_SLUMP):
        formulas = SLUMP_INDICES[name.removeprefix(_SLUMP)]
        return Index(name, tuple(map(parse_formula, formulas)), reflectance=10000.0)
    text = _OWN_FORMULAS.get(name) or read_catalogue()[_OTHER_NAMES.get(name, name)]["formula"]
    formula = parse_formula(text)
    numbers = _numbers()
    letters = {*_letters(), *POLARISATIONS}
    odd = [part for part in formula.names if part not in letters and part not in numbers]
    if odd:
        raise RequestError(
            f"The index {name} = {text} needs {', '.join(odd)}, which is no band.",
            "Write it as a derived band in EXPRESSIONS, with numbers in their place.",
        )
    return Index(name, (formula,), {part: numbers[part] for part in formula.names if part in numbers})


def find_letter(letter: str, inputs: Collection[str], derived: Collection[str] = ()) -> str | None:
    """Return the name of the band that a letter of the catalogue means, None where there is none.

    A band is named by the letter itself (N), by the catalogue's names of it (nir, Near-Infrared (NIR)) or by a usual
    one (NIR1). Where there is a band B8A, which only Sentinel-2 has, its numbers are known too (B8, B08). Radar bands
    are found as `find_name` says.

    Args:
        letter: The letter.
        inputs: The names of the input bands.
        derived: The names of bands that were derived from them.

    Raises:
        RequestError: Several names may be meant.
    """
    names = [*inputs, *derived]
    if letter in names or letter not in _letters():
        return find_name(letter, inputs, derived)
    usual = {_plain(name) for name in (*_letters()[letter], *_USUAL_NAMES.get(letter, ()))}
    if _ONLY_SENTINEL_2 in map(_plain, names):
        usual |= {_plain(number) for number in _sentinel_2(letter)}
    found = [name for name in names if _plain(name) in usual]
    if len(found) > 1:
        raise RequestError(
            f"{describe_letter(letter)} may be any of {', '.join(found)}.", f"Name one band {letter} with NAMES."
        )
    return found[0] if found else None


def describe_letter(letter: str) -> str:
    """Return a letter of the catalogue with the name of its band, for messages."""
    names = _letters().get(letter)
    return f"{letter} ({names[0]})" if names else letter


def reflective(letters: Collection[str]) -> tuple[str, ...]:
    """Return those letters that stand for bands of reflectance."""
    return tuple(letter for letter in letters if letter in _letters() and letter not in _THERMAL)


def depends_on_scale(formula: Formula, constants: Mapping[str, float]) -> bool:
    """Tell whether an index means something else when all reflectances are multiplied by one number.

    That of a difference or a ratio is multiplied at most itself, by the same number everywhere. It is tried out with a
    few reflectances.
    """
    bands = reflective(formula.names)
    base = dict(zip(bands, np.random.default_rng(0).uniform(0.05, 0.6, (len(bands), 16)), strict=True))
    fixed = {name: np.full(16, constants.get(name, 1.0)) for name in formula.names if name not in bands}
    one, double = (formula.evaluate({**fixed, **{name: by * base[name] for name in bands}}) for by in (1, 2))
    with np.errstate(all="ignore"):
        ratios = double / one
    ratios = ratios[np.isfinite(ratios)]
    return not np.allclose(ratios, ratios[:1])


@lru_cache(maxsize=1)
def read_catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of the catalogue by the names of the indices, as the package spyndex holds it.

    The package itself is not imported: it computes formulas with eval.

    Raises:
        EngineError: The package is missing.

    Source:
        Montero et al. 2023, A standardized catalogue of spectral indices, https://doi.org/10.1038/s41597-023-02096-0
    """
    entries: Mapping[str, Mapping[str, Any]] = _read("spectral-indices-dict.json")["SpectralIndices"]
    return entries


@lru_cache(maxsize=1)
def _numbers() -> Mapping[str, float]:
    values = {name: entry["default"] for name, entry in _read("constants.json").items()}
    return {name: float(value) for name, value in values.items() if value is not None}


@lru_cache(maxsize=1)
def _bands() -> Mapping[str, Mapping[str, Any]]:
    entries: Mapping[str, Mapping[str, Any]] = _read("bands.json")
    return entries


def _letters() -> Mapping[str, tuple[str, str]]:
    """Return the catalogue's names of every band by its letter."""
    return {letter: (entry["long_name"], entry["common_name"]) for letter, entry in _bands().items()}


def _sentinel_2(letter: str) -> tuple[str, ...]:
    """Return the number that Sentinel-2 gives the band, if it has it."""
    platforms = _bands()[letter]["platforms"]
    return (platforms["sentinel2a"]["band"],) if "sentinel2a" in platforms else ()


def _read(name: str) -> Any:
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise EngineError(f"The package {_PACKAGE} is not installed.", "Run 'Install engine' with REINSTALL.")
    path = Path(package.submodule_search_locations[0]) / "data" / name
    return json.loads(path.read_text(encoding="utf-8"))


def _known_name(wanted: str) -> str:
    known = [*read_catalogue(), *_OTHER_NAMES, *_OWN_FORMULAS, *(_SLUMP + name for name in SLUMP_INDICES)]
    alike = [name for name in known if name.lower() == wanted.lower()]
    if wanted in known or len(alike) == 1:
        return wanted if wanted in known else alike[0]
    lower = {name.lower(): name for name in known}
    close = alike or [lower[name] for name in difflib.get_close_matches(wanted.lower(), lower, 5, 0.5)]
    raise RequestError(
        f"The spectral index {wanted} is not known.",
        f"Did you mean {', '.join(close)}?" if close else "See https://awesome-ee-spectral-indices.readthedocs.io.",
    )


def _plain(name: str) -> str:
    """Return a name without case, blanks and signs; B08 is B8."""
    return re.sub(r"^b0", "b", re.sub(r"[^a-z0-9]", "", name.lower()))

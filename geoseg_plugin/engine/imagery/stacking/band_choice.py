"""The bands of several rasters: their names, how they are asked for, and what they are called in formulas."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from rasterio.io import DatasetReader

from ....contract.errors import RequestError
from ....contract.events import Report
from ...raster import band_names, image_bands

POLARISATIONS = frozenset({"VV", "VH", "HH", "HV"})
_NO_BANDS = "none"
_PLACE = re.compile(r"(\d+)\s*:\s*(\d+)")


@dataclass(frozen=True)
class InputBand:
    """One band of the inputs: its raster (from 0), its number there (from 1), and its name, which is unique."""

    raster: int
    number: int
    name: str


def list_bands(sources: Sequence[DatasetReader], names: str | None, report: Report) -> tuple[InputBand, ...]:
    """Return all bands of some rasters but alpha bands, which tell where data are.

    Bands without a name of their own are called after their file, if it has only one, else "band N", N being the number
    over all rasters. The second and later bands of one name get _2, _3, ... added, which the log tells.

    Args:
        sources: The open rasters.
        names: Names for all bands, separated by commas, in place of their own.
        report: Hears of names that were changed.

    Raises:
        RequestError: The names given are too many or too few, or one occurs twice.
    """
    places = [(raster, number) for raster, source in enumerate(sources) for number in image_bands(source)]
    if names is None:
        own = _make_unique(_own_names(sources), report)
    else:
        own = split_list(names)
        _check_names(own, len(places))
    return tuple(InputBand(*place, name) for place, name in zip(places, own, strict=True))


def choose_bands(text: str, bands: Sequence[InputBand]) -> tuple[int, ...]:
    """Return the positions (from 0) of bands in the order asked.

    Args:
        text: Names, numbers over all bands (from 1), or raster:band (both from 1), separated by commas; or "none".
        bands: All bands.

    Raises:
        RequestError: A band does not exist, or is asked for twice.
    """
    positions: list[int] = []
    if text.strip().lower() == _NO_BANDS:
        return ()
    for wanted in split_list(text):
        position = _find_position(wanted, bands)
        if position in positions:
            raise RequestError(
                f"BANDS asks for {bands[position].name} twice ('{text}').", "Ask for every band at most once."
            )
        positions.append(position)
    return tuple(positions)


def find_name(wanted: str, inputs: Collection[str], derived: Collection[str] = ()) -> str | None:
    """Return the name that is meant, None where there is none.

    Meant is the very name; else the one that is written like it with _ for blanks and other odd characters; else also
    in other case; else, of a polarisation such as VH, the input in whose name it stands for itself (s1_vh_2020).

    Args:
        wanted: What was written.
        inputs: The names of the input bands.
        derived: The names of bands that were derived from them.

    Raises:
        RequestError: Several names may be meant.
    """
    written, names = identifier(wanted), [*inputs, *derived]
    for found in (
        [name for name in names if name == wanted],
        [name for name in names if identifier(name) == written],
        [name for name in names if identifier(name).lower() == written.lower()],
        [name for name in inputs if _polarisation(name) == wanted.upper()],
    ):
        if len(found) > 1:
            raise RequestError(
                f"{wanted} may be any of {', '.join(found)}.", "Give the bands clearly different names with NAMES."
            )
        if found:
            return found[0]
    return None


def identifier(name: str) -> str:
    """Return a name as it is written in formulas: all but letters and digits become _."""
    written = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))
    return f"_{written}" if written[:1].isdigit() else written


def split_list(text: str) -> list[str]:
    """Return the entries of a list that is separated by commas, without blanks around them and without empty ones."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _own_names(sources: Sequence[DatasetReader]) -> list[str]:
    found: list[str] = []
    for source in sources:
        numbers = image_bands(source)
        for number, name in zip(numbers, band_names(source, numbers), strict=True):
            nameless = name == f"band {number}"
            stem = Path(source.name).stem
            found.append((stem if len(numbers) == 1 else f"band {len(found) + 1}") if nameless else name.strip())
    return found


def _make_unique(names: Sequence[str], report: Report) -> list[str]:
    unique: list[str] = []
    for name in names:
        new, count = name, 1
        while new in unique or (count > 1 and new in names):
            count += 1
            new = f"{name}_{count}"
        if new != name:
            report.note(f"Several bands are named {name}: number {len(unique) + 1} is called {new}.")
        unique.append(new)
    return unique


def _check_names(names: Sequence[str], count: int) -> None:
    if len(names) != count:
        raise RequestError(
            f"NAMES has {len(names)} names, but the inputs have {count} bands.", "Give one name for every band."
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RequestError(f"NAMES has {twice[0]} more than once.", "Give every band a name of its own.")


def _find_position(wanted: str, bands: Sequence[InputBand]) -> int:
    names = [band.name for band in bands]
    place = _PLACE.fullmatch(wanted)
    if wanted in names:
        return names.index(wanted)
    if place:
        raster, number = int(place[1]) - 1, int(place[2])
        found = [at for at, band in enumerate(bands) if (band.raster, band.number) == (raster, number)]
    elif wanted.isdecimal():
        found = [int(wanted) - 1] if 0 < int(wanted) <= len(bands) else []
    else:
        name = find_name(wanted, names)
        found = [] if name is None else [names.index(name)]
    if not found:
        raise RequestError(f"BANDS asks for '{wanted}', which does not exist.", f"The bands are: {', '.join(names)}.")
    return found[0]


def _polarisation(name: str) -> str | None:
    found = [word for word in set(re.split(r"[^A-Z0-9]+", name.upper())) if word in POLARISATIONS]
    return found[0] if len(found) == 1 else None

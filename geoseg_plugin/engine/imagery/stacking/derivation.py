"""Bands derived from other bands: what they are computed from, the computing, and what has to be said about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import RequestError
from ....contract.events import Report
from ....contract.stages.bands import NO_RECIPE
from .band_choice import find_name, split_list
from .expressions import FUNCTIONS, Formula, parse_expressions, parse_formula
from .indices import depends_on_scale, describe_letter, find_index, find_letter, reflective
from .recipes import SLUMP_RECIPE, list_recipe

_BEYOND_REFLECTANCE = 1.5

Finder = Callable[[str, Collection[str], Collection[str]], str | None]


@dataclass
class Tally:
    """What was met while a band was computed, in pixels with data.

    Attributes:
        missing: Values that do not exist.
        powers: Values that were taken for radar backscatter in linear units.
        negative: Those of them that are negative, which only decibels are.
        reflectances: Values that were taken for reflectances.
        large: Those of them that are larger than reflectances from 0 to 1 are.
    """

    missing: int = 0
    powers: int = 0
    negative: int = 0
    reflectances: int = 0
    large: int = 0


@dataclass(frozen=True)
class Derived:
    """A band to be computed.

    Attributes:
        name: Its name.
        formula: How it is computed.
        sources: For the names in the formula the positions of the bands that they mean: input bands first, then
            derived ones.
        constants: The values of the other names.
        reflectance: What the formula takes as reflectance 1, if it matters.
        takes_power: Whether the formula takes radar backscatter in linear units.
        tally: What was met.
    """

    name: str
    formula: Formula
    sources: Mapping[str, int]
    constants: Mapping[str, float] = field(default_factory=dict)
    reflectance: float | None = None
    takes_power: bool = False
    tally: Tally = field(default_factory=Tally)

    def compute(
        self, values: Mapping[int, NDArray[Any]], valid: Mapping[int, NDArray[np.bool_]]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Compute the band where all bands that it needs have data.

        Args:
            values: Pixels (H, W) of every band by its position.
            valid: (H, W) True where they have data, which are finite.

        Returns:
            Pixels (H, W), NaN where there are none; and True where there are.
        """
        usable = np.logical_and.reduce([valid[at] for at in set(self.sources.values())])
        whole = bool(usable.all())
        known: dict[str, Any] = dict(self.constants)
        for name, at in self.sources.items():
            known[name] = (values[at] if whole else values[at][usable]).astype(np.float64)
        self._count(known)
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.formula.evaluate(known, {**FUNCTIONS, "dB": self._take_decibels}).astype(np.float32)
        if whole:
            result = found
        else:
            result = np.full(usable.shape, np.nan, np.float32)
            result[usable] = found
        exists = np.isfinite(result)
        self.tally.missing += int(np.count_nonzero(usable)) - int(np.count_nonzero(exists))
        result[~exists] = np.nan
        return result, exists

    def _count(self, known: Mapping[str, Any]) -> None:
        if self.takes_power:
            for name in self.sources:
                self._count_powers(known[name])
        if self.reflectance is not None:
            for name in reflective(tuple(self.sources)):
                self.tally.reflectances += known[name].size
                self.tally.large += int(np.count_nonzero(known[name] > _BEYOND_REFLECTANCE))

    def _take_decibels(self, x: Any) -> Any:
        self._count_powers(x)
        return FUNCTIONS["dB"](x)

    def _count_powers(self, x: Any) -> None:
        self.tally.powers += np.size(x)
        self.tally.negative += int(np.count_nonzero(x < 0))


class _Builder:
    """Collects derived bands, finding what their formulas mean among the input bands and the bands derived before."""

    def __init__(self, names: Sequence[str], report: Report) -> None:
        self.bands: list[Derived] = []
        self._inputs = list(names)
        self._derived: list[str] = []
        self._positions = {name: at for at, name in enumerate(names)}
        self._report = report

    def add(
        self, name: str, formulas: Sequence[Formula], find: Finder, *, what: str,
        constants: Mapping[str, float] | None = None, reflectance: float = 1.0, takes_power: bool = False,
    ) -> None:  # fmt: skip
        """Add a band, computed by the first of its formulas for which all bands are there."""
        fixed = constants or {}
        for formula in formulas:
            wanted = [part for part in formula.names if part not in fixed]
            found = {part: find(part, self._inputs, self._derived) for part in wanted}
            missing = [part for part, meant in found.items() if meant is None]
            if not missing:
                break
        else:
            raise self._refusal(missing, what, find)
        if formula is not formulas[0]:
            self._report.note(f"{name} is computed as {formula.text}, since there are no bands for {formulas[0].text}.")
        sources = {part: self._positions[meant] for part, meant in found.items() if meant is not None}
        scaled = find is find_letter and depends_on_scale(formula, fixed)
        is_copy = formula.text in sources and name in self._inputs
        if not is_copy:
            self._take_name(name)
        self.bands.append(Derived(name, formula, sources, fixed, reflectance if scaled else None, takes_power))

    def _take_name(self, name: str) -> None:
        if name in self._positions:
            raise RequestError(
                f"There already is a band named {name}.", "Give bands other names, the inputs with NAMES."
            )
        self._positions[name] = len(self._inputs) + len(self.bands)
        self._derived.append(name)

    def _refusal(self, missing: Sequence[str], what: str, find: Finder) -> RequestError:
        names = ", ".join(self._positions)
        if find is find_name:
            return RequestError(
                f"{what} uses {', '.join(missing)}, but the bands are: {names}.",
                "Write their names, with _ in place of blanks and signs.",
            )
        lacking = ", ".join(map(describe_letter, missing))
        return RequestError(
            f"{what} needs {lacking}, but the bands are: {names}.", "Tell with NAMES which band is which."
        )


def list_derived(
    names: Sequence[str], *, recipe: str, expressions: str | None, indices: str | None, report: Report
) -> tuple[Derived, ...]:
    """Return the bands that are to be computed: those of the recipe, the expressions, the indices.

    Args:
        names: The names of the input bands.
        recipe: The name of a recipe, or "none".
        expressions: name = arithmetic, separated by semicolons.
        indices: Names of spectral indices, separated by commas.
        report: Hears which formula was taken where there are several.

    Raises:
        RequestError: A formula cannot be read, an index is not known, a band is missing, or a name is taken.
    """
    builder = _Builder(names, report)
    if recipe != NO_RECIPE:
        is_optical = recipe == SLUMP_RECIPE
        for name, texts in list_recipe(recipe).items():
            formulas = tuple(map(parse_formula, texts))
            builder.add(
                name, formulas, find_letter, what=f"The recipe '{recipe}'", reflectance=10000.0 if is_optical else 1.0,
                takes_power=not is_optical,
            )  # fmt: skip
    for name, formula in parse_expressions(expressions or ""):
        builder.add(name, (formula,), find_name, what=f"The derived band {name}")
    for index in map(find_index, split_list(indices or "")):
        builder.add(
            index.name, index.formulas, find_letter, what=f"The index {index.name}", constants=index.constants,
            reflectance=index.reflectance,
        )  # fmt: skip
    return tuple(builder.bands)


def warn_of_values(bands: Sequence[Derived], report: Report) -> None:
    """Warn of values that do not exist, and of bands that are not what the formulas expect."""
    missing = [f"{band.name} {band.tally.missing} pixels" for band in bands if band.tally.missing]
    if missing:
        report.warn(f"Values that do not exist, such as the logarithm of 0, became nodata: {', '.join(missing)}.")
    in_decibels = [band.name for band in bands if 2 * band.tally.negative > band.tally.powers]
    if in_decibels:
        report.warn(
            f"Most values from which {', '.join(in_decibels)} was computed are negative: the bands probably are in "
            "decibels already, where linear units are expected. EXPRESSIONS can bring them back: 10 ** (VH / 10)."
        )
    for expected, rule in ((1.0, "from 0 to 1"), (10000.0, "times 10000")):
        odd = [band.name for band in bands if band.reflectance == expected and _is_odd(band)]
        if odd:
            report.warn(
                f"The formula of {', '.join(odd)} expects reflectances {rule}, but most values of the bands are "
                f"{'larger' if expected == 1 else 'smaller'}. Bring them to that scale in EXPRESSIONS, such as "
                f"N = nir {'/' if expected == 1 else '*'} 10000, R = red {'/' if expected == 1 else '*'} 10000."
            )


def _is_odd(band: Derived) -> bool:
    mostly_large = 2 * band.tally.large > band.tally.reflectances
    return mostly_large if band.reflectance == 1 else not mostly_large

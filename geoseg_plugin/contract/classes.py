"""The classes of a label or class raster: which value means what, and in which colour."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any, Dict, Iterable, Iterator, List, Tuple

LARGEST_VALUE = 65534  # 65535 stands for "ignore" in files of 16 bits
BACKGROUND_NAME = "background"
BACKGROUND_COLOUR = "#d9d9d9"

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which most colour-blind people can tell apart, then more.
_COLOURS = (
    "#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#7f3b08", "#5e3c99", "#1b7837",
    "#b2182b", "#4d4d4d",
)  # fmt: skip
_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_FAMILIAR = {
    "building": "#d7301f", "buildings": "#d7301f", "roof": "#d7301f", "house": "#d7301f", "road": "#636363",
    "roads": "#636363", "water": "#2b8cbe", "tree": "#1b7837", "trees": "#1b7837", "forest": "#1b7837",
    "grass": "#a6d96a", "field": "#e6d690", "fields": "#e6d690", "urban": "#d7301f", "cloud": "#f7f7f7",
    BACKGROUND_NAME: BACKGROUND_COLOUR,
}  # fmt: skip


@dataclass(frozen=True)
class LabelClass:
    """One class: its value in files (0 to LARGEST_VALUE), its name, and its colour as #rrggbb.

    Raises:
        ValueError: Value or colour are not like that.
    """

    value: int
    name: str
    colour: str

    def __post_init__(self) -> None:
        if not 0 <= self.value <= LARGEST_VALUE:
            raise ValueError(f"class value {self.value} is not between 0 and {LARGEST_VALUE}")
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"colour {self.colour!r} of class {self.value} is not #rrggbb")

    @property
    def rgb(self) -> Tuple[int, int, int]:
        """Red, green, blue, 0 to 255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


@dataclass(frozen=True)
class ClassTable:
    """All classes in the order of their values, which is also the order of the network's channels.

    Raises:
        ValueError: The values do not ascend.
    """

    classes: Tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        if list(self.values) != sorted(set(self.values)):
            raise ValueError(f"class values {self.values} do not ascend")

    @classmethod
    def named(cls, names: Dict[int, str]) -> ClassTable:
        """Return a table for value -> name, with colours that suit the name or else differ well."""
        spare = cycle(_COLOURS)
        return cls(
            tuple(
                LabelClass(value, names[value], _FAMILIAR.get(names[value].lower()) or next(spare))
                for value in sorted(names)
            )
        )

    @classmethod
    def from_json(cls, values: Iterable[Dict[str, Any]]) -> ClassTable:
        """Rebuild a table from `to_json`.

        Raises:
            ValueError, KeyError, TypeError: It is no such table.
        """
        return cls(tuple(LabelClass(int(v["value"]), str(v["name"]), str(v["colour"])) for v in values))

    def to_json(self) -> List[Dict[str, Any]]:
        """Return the table as plain values."""
        return [asdict(one) for one in self.classes]

    def __iter__(self) -> Iterator[LabelClass]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def values(self) -> Tuple[int, ...]:
        """The class values, ascending."""
        return tuple(one.value for one in self.classes)

    @property
    def names(self) -> Tuple[str, ...]:
        """The class names, in the order of the values."""
        return tuple(one.name for one in self.classes)

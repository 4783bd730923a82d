"""Which class a feature has, by what its attribute holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...contract.class_list import ClassList
from ...contract.classes import BACKGROUND_NAME, LARGEST_VALUE, ClassTable, LabelClass
from ...contract.errors import InputError
from ...contract.events import Report
from ...contract.stages.labels import AS_BACKGROUND
from ..imagery.paths import name_some
from ..vector import Features

IGNORED = -1
_MANY_CLASSES = 100
_SHOWN = 10
_NUMBER_KINDS = "buif"


@dataclass(frozen=True)
class Classified:
    """The classes of N features over all layers.

    Attributes:
        values: Class value of each (N,), IGNORED where it has none.
        nulls: Whether its attribute is empty (N,).
        names: Names of the classes by value.
        texts: What the attribute of each holds (N,), without blanks around it and "" where it is empty.
    """

    values: NDArray[np.int64]
    nulls: NDArray[np.bool_]
    names: dict[int, str]
    texts: NDArray[np.object_]

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """Whether the attribute of a feature holds what is no class (N,)."""
        return np.asarray((self.values == IGNORED) & ~self.nulls)

    def check(
        self, layers: Sequence[Features], field: str | None, *, nulls_refused: bool, unknown_refused: bool
    ) -> None:
        """Refuse features without a class where they are not to be met.

        Raises:
            InputError: There are such features, or all fields are empty.
        """
        source = ", ".join(features.source for features in layers)
        if self.nulls.all():
            raise InputError(f"The field '{field}' of {source} is empty.", "Choose another field.")
        if nulls_refused and self.nulls.any():
            raise InputError(
                f"{int(self.nulls.sum())} of {len(self.nulls)} features of {source} have no value in '{field}'.",
                "Give them one, or choose what NULLS shall make of them: 'ignore' or 'background'.",
            )
        if unknown_refused and self.unknown.any():
            raise InputError(
                f"{int(self.unknown.sum())} of {len(self.nulls)} features of {source} have a '{field}' that the class "
                f"table does not know: {list_texts(self.texts[self.unknown])}.",
                "Add it to a class, as in '1 building = house, shed', or choose what UNKNOWN shall make of it: "
                "'ignore' or 'background'.",
            )

    def resolve(self, background: int | None, *, nulls: str, unknown: str) -> NDArray[np.int64]:
        """Return the class value of each feature (N,) by the rules for those without one."""
        values = self.values.copy()
        for rule, chosen in ((nulls, self.nulls), (unknown, self.unknown)):
            if rule == AS_BACKGROUND and background is not None:
                values[chosen] = background
        return values


def list_texts(texts: NDArray[np.object_]) -> str:
    """Return the most frequent of some texts with their numbers, for messages: "tin (4), mud (1) and 9 more"."""
    found, counts = np.unique(texts.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return name_some([f"{found[at]} ({counts[at]})" for at in order], _SHOWN)


def classify(layers: Sequence[Features], field: str | None, classes: ClassList | None) -> Classified:
    """Find the class of every feature.

    Args:
        layers: The layers from top to bottom.
        field: The attribute that tells; without it each layer is one class, named after it.
        classes: The classes and what means them; None to take whole numbers as values, or number the texts.

    Raises:
        InputError: The attribute cannot tell classes.
    """
    if field is None:
        values = np.repeat(np.arange(1, len(layers) + 1), [len(features) for features in layers])
        texts = np.full(len(values), "", dtype=object)
        return Classified(values, np.zeros(len(values), np.bool_), _name_layers(layers), texts)
    for features in layers:
        if features.columns[field].dtype.kind not in f"{_NUMBER_KINDS}O":
            raise InputError(
                f"The field '{field}' of {features.source} holds dates or times.", "Choose a field of numbers or texts."
            )
    texts = np.concatenate([_read_texts(features.columns[field]) for features in layers])
    if classes is not None:
        values = np.array([classes.value_of.get(text.lower(), IGNORED) for text in texts], dtype=np.int64)
        return Classified(values, texts == "", _names(classes.table), texts)
    values, names = _number_classes(layers, field) if _holds_numbers(layers, field) else _text_classes(texts)
    return Classified(values, values == IGNORED, names, texts)


def make_table(
    found: Classified, classes: ClassList | None, background: int | None, source: str, report: Report
) -> ClassTable:
    """Return the table of all classes, the background among them unless it is ignored.

    Raises:
        InputError: There are too many classes, or one has the value or the name of the background.
    """
    if classes is not None:
        return _with_background(classes.table, background, source)
    names = found.names
    if len(names) > LARGEST_VALUE:
        raise InputError(
            f"The class field of {source} has {len(names)} different values.",
            f"Choose a field that names a class; there can be {LARGEST_VALUE} at most.",
        )
    if len(names) > _MANY_CLASSES:
        report.warn(f"The class field of {source} has {len(names)} different values: is it really the class?")
    if background is None:
        return ClassTable.named(names)
    if names.get(background, "").lower() not in ("", BACKGROUND_NAME, f"class {background}"):
        raise InputError(
            f"BACKGROUND is {background}, which is also the value of '{names[background]}' of {source}.",
            "Choose another background value, or 'ignore'.",
        )
    return _with_background(ClassTable.named({**names, background: BACKGROUND_NAME}), background, source)


def add_class(table: ClassTable, added: LabelClass) -> ClassTable:
    """Return a table with one more class."""
    return ClassTable(tuple(sorted((*table, added), key=lambda one: one.value)))


def _with_background(table: ClassTable, background: int | None, source: str) -> ClassTable:
    """Return the table with the background in it, which no other class may be named after."""
    if background is None:
        return table
    for one in table:
        if one.name.lower() == BACKGROUND_NAME and one.value != background:
            raise InputError(
                f"Class {one.value} of {source} is named '{one.name}', but BACKGROUND is {background}.",
                f"Set BACKGROUND to {one.value}, or rename the class.",
            )
    if background in table.values:
        return table
    return add_class(table, next(iter(ClassTable.named({background: BACKGROUND_NAME}))))


def _names(table: ClassTable) -> dict[int, str]:
    return {one.value: one.name for one in table}


def _name_layers(layers: Sequence[Features]) -> dict[int, str]:
    """Return the names of layers by class value; a later one of the same name gets its value added."""
    names: dict[int, str] = {}
    for value, features in enumerate(layers, start=1):
        names[value] = features.name if features.name not in names.values() else f"{features.name} {value}"
    return names


def _read_texts(column: NDArray[Any]) -> NDArray[np.object_]:
    """Return what a column holds as texts (N,): whole numbers without a point, "" where it is empty."""
    if column.dtype.kind == "O":
        return np.array(["" if text is None else str(text).strip() for text in column], dtype=object)
    numbers, places = np.unique(column.astype(np.float64), return_inverse=True)
    whole = np.isfinite(numbers) & (numbers == np.round(numbers))
    texts = [str(int(one)) if is_whole else str(one) for one, is_whole in zip(numbers, whole, strict=True)]
    texts = ["" if text == "nan" else text for text in texts]
    return np.asarray(np.array(texts, dtype=object)[places])


def _holds_numbers(layers: Sequence[Features], field: str) -> bool:
    are = [features.columns[field].dtype.kind in _NUMBER_KINDS for features in layers]
    if any(are) and not all(are):
        raise InputError(
            f"The field '{field}' holds numbers in {layers[are.index(True)].source}, but texts in "
            f"{layers[are.index(False)].source}.",
            "Give CLASSES, which says for both what means which class, or choose another field.",
        )
    return all(are)


def _text_classes(texts: NDArray[np.object_]) -> tuple[NDArray[np.int64], dict[int, str]]:
    value_of = {name: value for value, name in enumerate(sorted(set(texts) - {""}), start=1)}
    values = np.array([value_of.get(text, IGNORED) for text in texts], dtype=np.int64)
    return values, {value: name for name, value in value_of.items()}


def _number_classes(layers: Sequence[Features], field: str) -> tuple[NDArray[np.int64], dict[int, str]]:
    numbers = np.concatenate([features.columns[field].astype(np.float64) for features in layers])
    known = ~np.isnan(numbers)
    wrong = known & ((numbers != np.round(numbers)) | (numbers < 0) | (numbers > LARGEST_VALUE))
    if wrong.any():
        shown = ", ".join(f"{number:g}" for number in np.unique(numbers[wrong])[:5])
        source = ", ".join(features.source for features in layers)
        raise InputError(
            f"The field '{field}' of {source} holds {shown} ({int(wrong.sum())} features).",
            f"Class values are whole numbers from 0 to {LARGEST_VALUE}: change them, or say in CLASSES what they mean.",
        )
    values = np.where(known, numbers, IGNORED).astype(np.int64)
    return values, {int(value): f"class {value}" for value in np.unique(values[known])}

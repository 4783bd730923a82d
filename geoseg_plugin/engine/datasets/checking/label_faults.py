"""What can be wrong with labels: one function per fault, each of which leaves to the others what they name better."""

from __future__ import annotations

from collections.abc import Iterator

from ....contract.classes import BACKGROUND_NAME, LARGEST_VALUE
from .finding import ERROR, NOTE, WARNING, Finding, figure, listed, tiles_in_words
from .survey import MOST_CLASSES, Survey

_WHITE = 255
_FEW_TILES = 3


def find_divided_labels(survey: Survey) -> Iterator[Finding]:
    """Find labels that are no whole numbers, such as 0.0039, which is 1/255 and what turned masks blank elsewhere."""
    broken = {value for value in survey.values if not value.is_integer()}
    if not broken:
        return
    tiles = tuple(pair.id for pair, label in survey.labels if broken & label.values.keys())
    what = f"Labels of {tiles_in_words(tiles)} are no whole numbers: {listed(broken)}."
    fix = "Write labels as whole numbers, one for each class."
    if all(0 < value < 1 and abs(value * _WHITE - round(value * _WHITE)) < 0.01 for value in broken):
        what += f" They are class values divided by 255 (1/255 = {1 / _WHITE:.4f})."
        fix = "Scale images only, never labels: multiply them by 255, round, and write them as whole numbers."
    yield Finding("labels_divided", ERROR, what, fix, tiles)


def find_white_labels(survey: Survey) -> Iterator[Finding]:
    """Find masks of 0 and 255 where classes are 0 and 1: 255 is no class, or would be ignored without a word."""
    white = [pair.id for pair, label in survey.labels if _has_white(survey, label.values, label.ignored)]
    only_black = 0 in survey.values and survey.values.keys() <= {0, _WHITE}
    if not white or not only_black or _WHITE in _known(survey):
        return
    one = next((value for value in survey.classes.values if value not in (0, _WHITE)), 1)
    ignored = survey.pairs.ignore_value == _WHITE
    what = f"Labels hold 0 and 255 only: 255 in {tiles_in_words(white)}, "
    what += "which is to be ignored, so that nothing but 0 is left." if ignored else "which is no class."
    yield Finding(
        "labels_white", WARNING if survey.pairs.classes is None else ERROR, what,
        f"If 255 stands for the class {one}, as in masks made for looking at, write {one} in its place.", tuple(white),
    )  # fmt: skip


def find_some_white_labels(survey: Survey) -> Iterator[Finding]:
    """Find some masks of 0 and 255 among others of 0 and 1, where 255 is to be ignored.

    Labels that are unknown in places have both kinds of pixels in one tile somewhere; these never do.
    """
    if survey.pairs.ignore_value != _WHITE:
        return
    other = [{value for value in label.values if value} for _, label in survey.labels]
    white = [pair.id for (pair, label), classes in zip(survey.labels, other, strict=True) if label.ignored]
    clean = [classes for (_, label), classes in zip(survey.labels, other, strict=True) if classes and not label.ignored]
    mixed = any(classes and label.ignored for (_, label), classes in zip(survey.labels, other, strict=True))
    if len(white) >= _FEW_TILES and len(clean) >= _FEW_TILES and not mixed:
        yield Finding(
            "labels_partly_white", WARNING,
            f"Labels of {tiles_in_words(white)} hold 0 and 255, which is to be ignored, and no other class; all others "
            "hold no 255.", "If 255 stands for a class there, write the value of the class in its place.", tuple(white),
        )  # fmt: skip


def find_strange_labels(survey: Survey) -> Iterator[Finding]:
    """Find label values that are no class."""
    whole = {value for value in survey.values if value.is_integer()}
    if survey.pairs.classes is None:
        strange = {value for value in whole if not 0 <= value <= LARGEST_VALUE}
    else:
        strange = whole - _known(survey)
    if not strange or any(True for _ in find_white_labels(survey)):
        return
    tiles = tuple(pair.id for pair, label in survey.labels if strange & label.values.keys())
    count, total = sum(survey.values[value] for value in strange), sum(survey.values.values())
    yield Finding(
        "labels_strange", ERROR,
        f"Labels of {tiles_in_words(tiles)} hold {listed(strange)} in {count} pixels ({_percent(count / total)} of all "
        f"that are labelled), but the classes are {listed(survey.classes.values)}.",
        "Correct these labels, or make the dataset again with a class for each value. A value that means unknown "
        "must be declared as nodata.", tiles,
    )  # fmt: skip


def find_many_values(survey: Survey) -> Iterator[Finding]:
    """Find labels with so many values that they can hardly be classes, where these are not known."""
    number = sum(value.is_integer() for value in survey.values)
    if survey.pairs.classes is None and number > MOST_CLASSES:
        yield Finding(
            "labels_many_values", WARNING, f"Labels hold {number} different values or more.",
            "Check that they are classes, and neither numbers of single objects nor an image.",
        )  # fmt: skip


def find_ignored_labels(survey: Survey) -> Iterator[Finding]:
    """Find a dataset, or all its training tiles, where all labels are to be ignored."""
    labelled = [(pair, sum(label.values.values())) for pair, label in survey.labels]
    if not labelled:
        return
    fix = "Check that the labels cover the images, and their nodata value."
    if not any(count for _, count in labelled):
        yield Finding("labels_all_ignored", ERROR, "All labels are to be ignored.", fix)
        return
    training = survey.chosen("train")
    if training.any() and not any(count for (_, count), chosen in zip(labelled, training, strict=True) if chosen):
        yield Finding("training_all_ignored", ERROR, "No training tile has a labelled pixel.", fix)


def find_ignored_tiles(survey: Survey) -> Iterator[Finding]:
    """Find single tiles whose label is ignored everywhere."""
    if any(True for _ in find_ignored_labels(survey)):
        return
    tiles = tuple(pair.id for pair, label in survey.labels if not label.values and label.ignored)
    if tiles:
        yield Finding(
            "tiles_all_ignored", NOTE, f"{_count(tiles)} labels that are to be ignored everywhere: {_names(tiles)}.",
            "They train nothing: leave them out, or label them.", tiles,
        )  # fmt: skip


def find_single_value(survey: Survey) -> Iterator[Finding]:
    """Find labels with one value only, of which a network learns nothing."""
    whole = {value for value in survey.values if value in _known(survey)}
    if len(whole) != 1 or len(survey.values) > 1 or any(True for _ in find_white_labels(survey)):
        return
    value = int(next(iter(whole)))
    name = dict(zip(survey.classes.values, survey.classes.names, strict=True))[value]
    ignored = sum(label.ignored for _, label in survey.labels)
    share = ignored / (ignored + sum(survey.values.values()))
    rest = f"; the other {_percent(share)} are to be ignored" if ignored else ""
    if name == BACKGROUND_NAME:
        yield Finding(
            "labels_all_background", ERROR, f"All labelled pixels are background ({value}){rest}.",
            "Check that the labels lie where the images lie, that the right field was burnt, and that the labels were "
            "never divided or rounded: a mask of 0 and 1 divided by 255 becomes all 0.",
        )  # fmt: skip
    else:
        yield Finding(
            "labels_one_value", ERROR, f"All labelled pixels are '{name}' ({value}){rest}.",
            "A network needs something to tell it from: give the background a class value, and check the nodata value "
            "of the labels.",
        )  # fmt: skip


def find_nodata_class(survey: Survey) -> Iterator[Finding]:
    """Find label files whose nodata value is a class, which is transparent on the map and lost when tiles are cut."""
    values = set(survey.pairs.classes.values) if survey.pairs.classes is not None else set()
    tiles = tuple(pair.id for pair, label in survey.labels if label.nodata in values)
    if tiles:
        value = next(label.nodata for _, label in survey.labels if label.nodata in values)
        yield Finding(
            "labels_nodata_class", WARNING,
            f"Labels of {tiles_in_words(tiles)} state the class {figure(value or 0)} as their nodata value.",
            "Set a nodata value that is no class, such as 255: gdal_edit.py -a_nodata 255 FILE.", tiles,
        )  # fmt: skip


def _has_white(survey: Survey, values: dict[float, int], ignored: int) -> bool:
    return _WHITE in values or (survey.pairs.ignore_value == _WHITE and ignored > 0)


def _known(survey: Survey) -> set[float]:
    """Return the values that labels may have; where that is not known, all that can be a class but 255 beside 0."""
    if survey.pairs.classes is not None:
        return {float(value) for value in survey.pairs.classes.values}
    values = {float(value) for value in survey.classes.values}
    return values - {float(_WHITE)} if values == {0.0, float(_WHITE)} else values


def _count(tiles: tuple[str, ...]) -> str:
    return f"{len(tiles)} tile{'s have' if len(tiles) > 1 else ' has'}"


def _names(tiles: tuple[str, ...]) -> str:
    return tiles_in_words(tiles).partition("(")[2].rstrip(")")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"

"""Which bands of an image each network takes."""

from __future__ import annotations

from collections.abc import Sequence

from rasterio.io import DatasetReader

from .....models.card import Card
from ....contract.errors import ModelError, RequestError
from ....contract.events import Report
from ...datasets.tiling.scene_bands import find_bands
from ...raster import band_names, image_bands
from ...sampling import warn_of_odd_alpha


def match_bands(
    dataset: DatasetReader, cards: Sequence[Card], wanted: str | None, report: Report
) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of the bands that each network wants, in its order.

    Args:
        dataset: The open image.
        cards: What the networks were trained on.
        wanted: Names or numbers of the bands that stand for those of the first card; None to find them: those with the
            card's names, or, where these are not all known, as many as the card has as they come (without alpha).
        report: Hears which bands are taken where that is not plain.

    Raises:
        ModelError: The image has other bands than a card names.
        RequestError: A band that is wanted does not exist, or they are not those of the cards.
        InputError: The file is damaged.
    """
    warn_of_odd_alpha(dataset, report)
    if wanted is not None:
        return _take_wanted(dataset, cards, wanted)
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for card in cards:
        names = _names_of(card)
        if names not in found:
            found[names] = _find_bands_of(dataset, names, report)
    return tuple(found[_names_of(card)] for card in cards)


def _take_wanted(dataset: DatasetReader, cards: Sequence[Card], wanted: str) -> tuple[tuple[int, ...], ...]:
    """Return the bands for each card where those of the first one are given."""
    numbers = tuple(band.number for band in find_bands(dataset, wanted))
    names = _names_of(cards[0])
    if len(numbers) != len(names):
        raise RequestError(
            f"BANDS names {_count(len(numbers))} ('{wanted}'), but the model wants {len(names)} ({', '.join(names)}).",
            "Name one band of the image for each of the model's, in its order.",
        )
    for card in cards[1:]:
        unknown = [name for name in _names_of(card) if names.count(name) != 1]
        if unknown and _names_of(card) != names:
            raise RequestError(
                f"BANDS stands for the bands of MODEL ({', '.join(names)}), but one of FURTHER_MODELS wants "
                f"{', '.join(_names_of(card))}.",
                "Leave BANDS empty, and give an image whose bands have the names that the models know.",
            )
    return tuple(
        numbers if _names_of(card) == names else tuple(numbers[names.index(name)] for name in _names_of(card))
        for card in cards
    )


def _find_bands_of(dataset: DatasetReader, wanted: tuple[str, ...], report: Report) -> tuple[int, ...]:
    """Return the bands with these names, or, where they are not all there but as many others, all as they come."""
    bands = image_bands(dataset)
    names = _plain(band_names(dataset, bands))
    named = [(name, band) for band, name in zip(bands, names, strict=True) if name != f"band {band}"]
    own = [name for name, _ in named]
    if len(set(wanted)) == len(wanted) and all(own.count(name) == 1 for name in wanted):
        chosen = tuple(dict(named)[name] for name in wanted)
        if chosen != bands:
            report.note(f"Bands used: {', '.join(map(str, chosen))} ({', '.join(wanted)})")
        return chosen
    if len(bands) != len(wanted):
        first = ",".join(map(str, range(1, len(wanted) + 1)))
        raise ModelError(
            f"The model wants {_count(len(wanted))} ({', '.join(wanted)}), but {dataset.name} has "
            f"{_count(len(bands))} ({', '.join(names)}).",
            "Give an image with these bands in this order, or with bands of these names"
            + ("." if len(bands) < len(wanted) else f", or say with BANDS which to take, such as BANDS={first}."),
        )
    if len(own) == len(wanted) and not any(name == f"band {place}" for place, name in enumerate(wanted, start=1)):
        report.warn(
            f"The bands of {dataset.name} are named {', '.join(names)}, but the model was trained on "
            f"{', '.join(wanted)}. They are taken to be the same, in this order: say with BANDS which to take if not."
        )
    return bands


def _names_of(card: Card) -> tuple[str, ...]:
    return _plain([band.name for band in card.bands])


def _plain(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in names)


def _count(bands: int) -> str:
    return f"{bands} band{'s' * (bands != 1)}"

"""The bands of an image that go into its tiles, alike for all images."""

from __future__ import annotations

from collections.abc import Sequence

from rasterio.io import DatasetReader

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ...imagery.stacking.band_choice import InputBand, choose_bands, split_list
from ...raster import band_names, image_bands


def find_bands(dataset: DatasetReader, wanted: str | None) -> tuple[InputBand, ...]:
    """Return the bands of an image in the order wanted, all but alpha where nothing is.

    Args:
        dataset: The open image.
        wanted: Names, or numbers from 1, separated by commas.

    Raises:
        RequestError: None is wanted, one does not exist, is wanted twice, or has the name of another one.
    """
    bands = list_bands(dataset)
    if wanted is None:
        return bands
    names = [band.name for band in bands]
    twice = [name for name in split_list(wanted) if names.count(name) > 1]
    if twice:
        raise RequestError(f"{dataset.name} has several bands named {twice[0]}.", "Ask for it by its number in BANDS.")
    try:
        chosen = choose_bands(wanted, bands)
    except RequestError as error:
        raise RequestError(f"{dataset.name}: {error.message}", error.fix) from error
    if not chosen:
        raise RequestError(f"BANDS is '{wanted}', which names no band.", f"The bands are: {', '.join(names)}.")
    return tuple(bands[at] for at in chosen)


def find_bands_like(
    dataset: DatasetReader, wanted: str | None, first: Sequence[InputBand], first_path: str, report: Report
) -> tuple[InputBand, ...]:
    """Return the bands of an image that are those of the first one: by their names where both name all of them.

    Args:
        dataset: The open image.
        wanted: As for `find_bands`.
        first: The bands of the first image.
        first_path: Where that lies.
        report: Hears of images with another order, or other names, of bands.

    Raises:
        InputError: It has another number of bands.
        RequestError: A band that is wanted does not exist.
    """
    every = list_bands(dataset)
    named = {band.name: band for band in every}
    names = [band.name for band in first]
    alike = len(every) == len(first) or wanted is not None
    if alike and all(map(_has_name, first)) and len(set(names)) == len(names) and len(named) == len(every):
        taken = tuple(named[name] for name in names if name in named)
        if len(taken) == len(names):
            if any(one.number != other.number for one, other in zip(first, taken, strict=True)):
                report.note(f"The bands of {dataset.name} lie in another order and are taken by their names.")
            return taken
    own = find_bands(dataset, wanted)
    if len(own) != len(first):
        raise InputError(
            f"The images differ in bands: {first_path} has {len(first)}, {dataset.name} has {len(own)}.",
            "Take images of one kind only, or bands that all have, with BANDS of 'Make training tiles'.",
        )
    theirs = [band.name for band in own]
    if theirs != names:
        report.warn(
            f"The bands of {dataset.name} are named {', '.join(theirs)}, those of {first_path} {', '.join(names)}: "
            "they are taken to be the same, in this order."
        )
    return own


def list_bands(dataset: DatasetReader) -> tuple[InputBand, ...]:
    """Return all bands of an image but alpha."""
    numbers = image_bands(dataset)
    return tuple(InputBand(0, *one) for one in zip(numbers, band_names(dataset, numbers), strict=True))


def _has_name(band: InputBand) -> bool:
    return band.name != f"band {band.number}"

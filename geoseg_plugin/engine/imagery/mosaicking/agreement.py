"""In what the rasters of a mosaic agree: whether they fit together, and what can be said of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ....contract.errors import InputError
from ....contract.events import Report
from ..paths import name_some
from ..rescaling.limits import HIGH_TAG, LOW_TAG
from ..tags import Domains, share_domains, share_tags
from ..writing import BandNotes
from .sources import Source, mosaic_dtype

_LIMITS = (LOW_TAG, HIGH_TAG)


def check_sources(sources: Sequence[Source], report: Report) -> None:
    """Check that rasters fit together, and tell in what they differ.

    Raises:
        InputError: They have other numbers of bands, their values other scales, or only some have a CRS.
    """
    first = sources[0]
    for source in sources:
        if len(source.bands) != len(first.bands):
            raise InputError(
                f"{source.path} has {_count_bands(source)}, but {first.path} has {_count_bands(first)}.",
                "Leave one of them out, or give all the same bands (Stack bands).",
            )
        _check_scales(source, first)
    without = [source.path for source in sources if source.grid.crs is None]
    if without and len(without) < len(sources):
        raise InputError(
            f"{len(without)} of {len(sources)} rasters have no CRS: {name_some(without)}.", "Give them their CRS first."
        )
    if without and len(sources) > 1:
        report.warn("None of the rasters has a CRS: they are taken to lie in the same plane.")
    _tell_differences(sources, report)


def shared_tags(sources: Sequence[Source]) -> Mapping[str, str]:
    """Return the tags that all rasters have."""
    return share_tags([source.tags for source in sources])


def shared_domains(sources: Sequence[Source]) -> Domains:
    """Return the tags that all rasters have in other domains than the default one."""
    return share_domains([source.domains for source in sources])


def shared_notes(sources: Sequence[Source], alpha: int | None) -> tuple[BandNotes, ...]:
    """Return what can be said of each band of a mosaic: what the first raster says, but tags and units if all agree.

    Args:
        sources: The rasters, with as many bands.
        alpha: The number of the mosaic's alpha band, if it has one.
    """
    rows = ([source.notes[band - 1] for band in source.bands_with_alpha(alpha)] for source in sources)
    return tuple(_agree(notes) for notes in zip(*rows, strict=True))


def _agree(notes: Sequence[BandNotes]) -> BandNotes:
    unit = notes[0].unit if len({one.unit for one in notes}) == 1 else None
    tags = share_tags([one.tags for one in notes])
    if len({_limits(one) for one in notes}) > 1:
        tags = {key: text for key, text in tags.items() if key not in _LIMITS}
    return replace(notes[0], unit=unit, tags=tags, domains=share_domains([one.domains for one in notes]))


def _limits(notes: BandNotes) -> tuple[str | None, ...]:
    return tuple(notes.tags.get(key) for key in _LIMITS)


def _check_scales(source: Source, first: Source) -> None:
    for number, (band, other) in enumerate(zip(source.bands, first.bands, strict=True), start=1):
        ours, theirs = (
            (notes.scale, notes.offset) for notes in (source.notes[band - 1], first.notes[other - 1])
        )  # fmt: skip
        if ours != theirs:
            raise InputError(
                f"In band {number} {source.path} has the scale {ours[0]:g} and offset {ours[1]:g}, but {first.path} "
                f"has {theirs[0]:g} and {theirs[1]:g}: equal values mean different amounts.",
                "Rescale one of them first, so that all have the same scale and offset.",
            )


def _tell_differences(sources: Sequence[Source], report: Report) -> None:
    first = sources[0]
    dtype = mosaic_dtype(sources)
    if any(set(source.dtypes) != {dtype} for source in sources):
        kinds = sorted({name for source in sources for name in source.dtypes})
        report.note(f"The rasters have the data types {', '.join(kinds)}; the mosaic has {dtype}.")
    if len({source.has_alpha for source in sources}) == 2:
        report.note("Some rasters have an alpha band and others none: a mask takes its place.")
    limits = [[_limits(source.notes[band - 1]) for band in source.bands] for source in sources]
    otherwise = [source.path for source, one in zip(sources, limits, strict=True) if one != limits[0]]
    if otherwise:
        report.warn(
            f"{len(otherwise)} rasters were rescaled by other limits than {first.path}, so that equal values mean "
            f"different amounts: {name_some(otherwise)}."
        )
    for at, what in enumerate(("colour tables", "classes", "band names")):
        other = [source.path for source in sources if source.legend[at] != first.legend[at]]
        if other:
            report.warn(
                f"{len(other)} rasters have other {what} than {first.path}, whose are taken: {name_some(other)}."
            )


def _count_bands(source: Source) -> str:
    return f"{len(source.bands)} band{'s' * (len(source.bands) != 1)}{' and alpha' * source.has_alpha}"

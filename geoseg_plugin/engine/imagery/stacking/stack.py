"""The stage that puts bands of several rasters into one, with bands derived from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.bands import NO_RECIPE, StackBands, StackBandsResult
from ....contract.stages.imagery import COG
from ...class_raster import CLASSES_TAG, read_class_table, read_colours
from ...grid import Grid
from ...provenance import request_tags
from ...raster import alpha_bands, image_bands, marks_single_bands, open_raster
from ...sampling import warn_of_odd_alpha
from ..cutout import Outline, find_window
from ..gaps import zeros_are_gaps
from ..tags import read_domains, share_domains, share_tags
from ..view import View, check_placed, states_missing, view_on_grid, warn_of_blending
from ..writing import BandNotes, Plan, common_dtype, is_value_of, write_raster
from .band_choice import choose_bands, list_bands
from .derivation import list_derived, warn_of_values
from .recipes import SLUMP_RECIPE
from .stacked_pixels import StackedPixels


def stack_bands(request: StackBands, report: Report) -> StackBandsResult:
    """Write the bands that are asked for into one raster.

    Raises:
        RequestError: A band, an expression, a recipe or an index cannot be had.
        InputError: An input cannot be read, or the grids differ.
        OutputError: OUTPUT cannot be written.
    """
    names = write_stack(request, request.output, report)
    return StackBandsResult(output=request.output, names=", ".join(names))


def write_stack(request: StackBands, path: str, report: Report) -> tuple[str, ...]:
    """Do what a request asks for, but write to `path`, and return the names of the bands.

    Where a raster states scale and offset, bands are derived from what they make of its values, while its own bands are
    passed on as they are. Of tags those are kept that all inputs share.

    Raises:
        RequestError: A band, an expression, a recipe or an index cannot be had.
        InputError: An input cannot be read, or the grids differ.
        OutputError: The raster cannot be written.
    """
    with ExitStack() as opened:
        sources = [opened.enter_context(open_raster(name)) for name in request.inputs]
        grid = _common_grid(request, sources)
        for source in sources:
            check_placed(source, report)
        gaps = request.zero_nodata and zeros_are_gaps(sources)
        views = [opened.enter_context(view_on_grid(source, grid, request.resampling)) for source in sources]
        gapless = {
            raster: opened.enter_context(view_on_grid(view.source, grid, request.resampling, without_zeros=True))
            for raster, view in enumerate(views)
            if gaps and _blends_zeros(view, request.resampling)
        }
        _check_overlap(request, sources, grid)
        for view in views:
            warn_of_odd_alpha(view.source, report)
            warn_of_blending(view, request.resampling, report)
        bands = list_bands(sources, request.names, report)
        derived = list_derived(
            [band.name for band in bands], recipe=request.recipe, expressions=request.expressions,
            indices=request.indices, report=report,
        )  # fmt: skip
        if request.bands:
            chosen = choose_bands(request.bands, bands)
        else:
            chosen = tuple(range(len(bands))) if request.recipe in (NO_RECIPE, SLUMP_RECIPE) else ()
        names = tuple([*(bands[at].name for at in chosen), *(band.name for band in derived)])
        _check_names(names)
        places = [(views[bands[at].raster], bands[at].number) for at in chosen]
        plan = _plan(request, grid, sources, places, names, gaps=gaps, report=report)
        pixels = StackedPixels(plan, views, bands, chosen, derived, gapless=gapless, gaps=gaps, report=report)
        write_raster(plan, path, pixels.make_block, cog=request.format == COG, report=report)
    warn_of_values(derived, report)
    pixels.tell()
    return names


def _blends_zeros(view: View, resampling: str) -> bool:
    """Tell whether 0 is blended into other values where a raster is resampled."""
    return view.pixels is not view.source and resampling != "nearest" and not states_missing(view.source)


def _common_grid(request: StackBands, sources: Sequence[DatasetReader]) -> Grid:
    """Return the grid of LIKE, or that of all inputs."""
    if request.like:
        with open_raster(request.like) as like:
            return Grid.of(like)
    first = Grid.of(sources[0])
    for source in sources[1:]:
        other = Grid.of(source)
        if not first.is_same(other):
            raise InputError(
                f"{sources[0].name} and {source.name} have different grids: the first is {first.describe()}; the "
                f"second is {other.describe()}.",
                "Give LIKE, the raster to whose grid all inputs shall be resampled.",
            )
    return first


def _check_overlap(request: StackBands, sources: Sequence[DatasetReader], grid: Grid) -> None:
    """Check that all inputs have something to show on the grid of LIKE, where there is one."""
    if request.like:
        outline = Outline.of_grid(grid, request.like)
        for source in sources:
            find_window(outline, Grid.of(source), source.name)


def _check_names(names: Sequence[str]) -> None:
    if not names:
        raise RequestError("No band was asked for.", "Ask for BANDS, a RECIPE, EXPRESSIONS or INDICES.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise RequestError(
            f"The result would have two bands named {twice[0]}.", "Leave it out of BANDS, or give it another name."
        )


def _plan(
    request: StackBands, grid: Grid, sources: Sequence[DatasetReader], places: Sequence[tuple[View, int]],
    names: Sequence[str], *, gaps: bool, report: Report,
) -> Plan:  # fmt: skip
    dtypes = [view.source.dtypes[number - 1] for view, number in places]
    derives = len(names) > len(places)
    notes = _notes(places, names)
    tags = {**share_tags([source.tags() for source in sources]), **request_tags(request)}
    tags.pop(CLASSES_TAG, None)
    domains = share_domains([read_domains(source) for source in sources])
    plan = Plan(grid, "float32" if derives else common_dtype(dtypes), notes, tags=tags, domains=domains)
    if derives:
        _note_changes(sources, dict(zip(names, dtypes, strict=False)), report)
        return replace(plan, nodata=math.nan)
    plan = _with_nodata(plan, places, gaps=gaps)
    return _with_classes(plan, *places[0]) if len(places) == 1 else plan


def _note_changes(sources: Sequence[DatasetReader], dtypes: Mapping[str, str], report: Report) -> None:
    """Tell how derived bands go with the values in the files."""
    scaled = [source.name for source in sources if {*source.scales} != {1} or {*source.offsets} != {0}]
    if scaled:
        report.note(f"Bands are derived from the values of {', '.join(scaled)} by the scale and offset stated there.")
    rounded = [name for name, dtype in dtypes.items() if not np.can_cast(dtype, "float32")]
    if rounded:
        report.note(f"The values of {', '.join(rounded)} are rounded to float32, the data type of derived bands.")


def _with_classes(plan: Plan, view: View, number: int) -> Plan:
    """Return the plan of a single band with the colours and classes that it had."""
    source = view.source
    colours = read_colours(source) if number == 1 and plan.dtype in ("uint8", "uint16") else None
    text = source.tags().get(CLASSES_TAG)
    return replace(
        plan, colours=colours, classes=read_class_table(source),
        tags={**plan.tags, **({CLASSES_TAG: text} if text else {})},
    )  # fmt: skip


def _notes(places: Sequence[tuple[View, int]], names: Sequence[str]) -> tuple[BandNotes, ...]:
    """Return what is said of each band; of several red bands the first is shown as red."""
    kept: list[BandNotes] = []
    for (view, number), name in zip(places, names, strict=False):
        notes = BandNotes.of(view.source, number)
        taken = notes.meaning == ColorInterp.palette or notes.meaning in [other.meaning for other in kept]
        kept.append(replace(notes, name=name, meaning=ColorInterp.undefined if taken else notes.meaning))
    return (*kept, *(BandNotes(name) for name in names[len(places) :]))


def _with_nodata(plan: Plan, places: Sequence[tuple[View, int]], *, gaps: bool) -> Plan:
    """Return the plan with a nodata value, or with a mask band where no value can be told from data.

    A nodata value serves if it marks missing data in every band, or is beyond the data type of the band; where data may
    have it in single bands (see `marks_single_bands`), only if rasters are taken with all their bands.
    """
    found = [(view.source.nodatavals[number - 1], view.source.dtypes[number - 1]) for view, number in places]
    taken = {(view.source.name, number) for view, number in places}
    whole = all((view.source.name, band) in taken for view, _ in places for band in image_bands(view.source))
    for value, _ in found:
        if value is None or not is_value_of(value, plan.dtype) or not (whole or marks_single_bands(value, plan.dtype)):
            continue
        if all(_serves(value, *one) for one in found):
            return replace(plan, nodata=value)
    if np.dtype(plan.dtype).kind == "f":
        return replace(plan, nodata=math.nan)
    hides = gaps or any(
        not view.covers(plan.grid)
        or alpha_bands(view.source)
        or MaskFlags.all_valid not in view.source.mask_flag_enums[number - 1]
        for view, number in places
    )
    return replace(plan, masked=hides)


def _serves(value: float, own: float | None, dtype: str) -> bool:
    if own is not None and (own == value or (math.isnan(own) and math.isnan(value))):
        return True
    return np.dtype(dtype).kind != "f" and not is_value_of(value, dtype)

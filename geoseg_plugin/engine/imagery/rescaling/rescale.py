"""The stage that brings the values of an image to 8 bit, to 0 to 1, or into a range."""

from __future__ import annotations

import numpy as np
from rasterio.io import DatasetReader

from ....contract.errors import InputError, RequestError
from ....contract.events import Part, Report
from ....contract.stages.bands import (
    CLIP_ONLY,
    EIGHT_BIT,
    FIXED_RANGE,
    FLOAT,
    OTHER_IMAGE,
    RescaleImage,
    RescaleImageResult,
)
from ....contract.stages.imagery import COG
from ...grid import Grid
from ...provenance import request_tags
from ...raster import band_names, image_bands, open_raster
from ...sampling import read_sample, warn_of_odd_alpha
from ..view import check_placed, holds_classes
from ..writing import Plan, is_value_of, write_raster
from .limits import Limits, count_passes, describe_limits, find_limits, pixel_bytes
from .scales import Bytes, Clipped, Floats, Scale, find_opaque

_SCALES: dict[str, type[Scale]] = {EIGHT_BIT: Bytes, FLOAT: Floats, CLIP_ONLY: Clipped}
_LEAST_SEEN = 0.02  # of the range
_WRITING_IN_PASSES = 2  # reading once more, and writing


def rescale_image(request: RescaleImage, report: Report) -> RescaleImageResult:
    """Write the image on its new scale.

    Raw values are rescaled: a scale or offset that the input states for its bands is not applied, and is kept with
    "clip only" alone, as are units.

    Raises:
        InputError: The image holds classes, has no data, or cannot be read.
        RequestError: The limits of "clip only" are no values of the data type, or clash with the nodata value.
        OutputError: OUTPUT cannot be written.
    """
    with open_raster(request.input) as source:
        check_placed(source, report)
        if holds_classes(source):
            raise InputError(
                f"{request.input} holds classes, whose values are names and no amounts.",
                "Choose an image. Colours of a colour table become bands with gdal_translate -expand rgb.",
            )
        warn_of_odd_alpha(source, report)
        names = band_names(source, image_bands(source))
        plan = Plan.like(source, Grid.of(source), request_tags(request))
        passes = count_passes(request, source)
        share = passes / (passes + _WRITING_IN_PASSES)
        _check_range(request, plan)
        limits = find_limits(request, source, Part(report, 0, share))
        if request.type == CLIP_ONLY:
            limits = tuple(_fit(one, plan.dtype) for one in limits)
            _check_nodata(limits, plan, request.input)
        _warn_of_steps(limits, names, report)
        _warn_of_ranges(request, source, limits, report)
        text = describe_limits(limits, names)
        report.note(f"Limits: {text}")
        opaque = None if request.type == CLIP_ONLY else find_opaque(source, report)
        scale = _SCALES[request.type](source, limits, opaque)
        write_raster(
            scale.plan(plan), request.output, scale.make_block, cog=request.format == COG,
            report=Part(report, share, 1), pixel_bytes=pixel_bytes(source),
        )  # fmt: skip
    return RescaleImageResult(output=request.output, limits=text)


def _check_range(request: RescaleImage, plan: Plan) -> None:
    """Raise RequestError when values are to be clipped to numbers that they cannot have."""
    if request.type != CLIP_ONLY or request.method != FIXED_RANGE:
        return
    for name, value in (("LOW", request.low), ("HIGH", request.high)):
        if not is_value_of(value, plan.dtype):
            raise RequestError(
                f"{name} is {value:g}, which is no value of {plan.dtype}, the data type of {request.input}.",
                "Give a value that pixels can have.",
            )


def _fit(limits: Limits, dtype: str) -> Limits:
    """Return limits that the data type holds: whole numbers within its range, where it holds no others."""
    if np.dtype(dtype).kind == "f":
        return limits
    ends = np.iinfo(dtype)
    low, high = (min(max(round(one), int(ends.min)), int(ends.max)) for one in limits)
    return Limits(low, high)


def _check_nodata(limits: tuple[Limits, ...], plan: Plan, name: str) -> None:
    """Raise RequestError when values beyond a limit would be clipped to the nodata value."""
    whole = np.dtype(plan.dtype).kind != "f"
    ends = (np.iinfo(plan.dtype).min, np.iinfo(plan.dtype).max) if whole else (-np.inf, np.inf)
    for low, high in limits:
        if (low == plan.nodata and low > ends[0]) or (high == plan.nodata and high < ends[1]):
            raise RequestError(
                f"A limit is {plan.nodata:g}, the nodata value of {name}: clipped pixels would lose their data.",
                "Give other limits, or give the image another nodata value first.",
            )


def _warn_of_ranges(
    request: RescaleImage, source: DatasetReader, limits: tuple[Limits, ...], report: Report
) -> None:  # fmt: skip
    """Warn of a range that was given but is not used, and of one in which hardly anything of the image is seen."""
    given = (request.low, request.high) != (RescaleImage.low, RescaleImage.high)
    if given and request.method != FIXED_RANGE:
        report.warn(f"LOW and HIGH are not used, since METHOD is '{request.method}'. Choose '{FIXED_RANGE}' for them.")
    if request.method not in (FIXED_RANGE, OTHER_IMAGE) or request.type == CLIP_ONLY:
        return
    bands = image_bands(source)
    for band, name, (low, high) in zip(bands, band_names(source, bands), limits, strict=True):
        sample = read_sample(source, band, report)
        values = sample[np.isfinite(sample) & (sample != source.nodatavals[band - 1])]
        if values.size and np.ptp(np.clip(values.astype(np.float64), low, high)) < _LEAST_SEEN * (high - low):
            report.warn(
                f"Of the band '{name}' hardly anything will be seen: its values are {values.min():g} to "
                f"{values.max():g} in a sample, but the range is {low:g} to {high:g}."
            )


def _warn_of_steps(limits: tuple[Limits, ...], names: tuple[str, ...], report: Report) -> None:
    for name, (low, high) in zip(names, limits, strict=True):
        if low == high:
            report.warn(
                f"Both limits of the band '{name}' are {low:g}, since all or most of its values are. Values up to it "
                "get the lower end of the scale, larger ones the upper end."
            )

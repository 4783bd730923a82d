"""Stages that make new bands out of those that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from ..fields import Kind, ask, give
from .imagery import ask_format, ask_resampling
from .stage import Stage

NO_RECIPE = "none"
RECIPES = (
    NO_RECIPE,
    "Sentinel-1 3 bands",
    "Sentinel-1 3 bands dB",
    "Sentinel-1 5 bands",
    "Sentinel-1 5 bands dB",
    "Sentinel-1 6 bands",
    "Sentinel-1 log of squares",
    "slump indices",
)
FIXED_RANGE, PERCENTILES, SIGMAS = "fixed range", "percentiles", "mean and standard deviation"
OTHER_IMAGE = "those of LIKE"
EACH_BAND, ALL_BANDS = "each band", "all bands together"
EIGHT_BIT, FLOAT, CLIP_ONLY = "8 bit (0 to 255)", "float (0 to 1)", "clip only"


def _ask_names() -> Any:
    return ask(
        Kind.TEXT, "Names of the input bands", "Names for all input bands in their order, separated by commas, such as "
        "VH, VV. By default their descriptions, their colours, or the name of a file with one band.", optional=True,
    )  # fmt: skip


def _ask_bands() -> Any:
    return ask(
        Kind.TEXT, "Bands", "Which bands to take, in the order wanted, separated by commas: a name, the number of a "
        "band (counted over all inputs), or raster:band, such as 2:1; or the word none, for derived bands alone. By "
        "default all; with a Sentinel-1 RECIPE none.",
        optional=True,
    )  # fmt: skip


def _ask_expressions() -> Any:
    return ask(
        Kind.TEXT, "Derived bands", "Further bands as name = arithmetic over band names, separated by semicolons: "
        "sum = VV + VH; ratio = VH / VV. Known are + - * / ** ( ) and sqrt, cbrt, exp, ln, log10, abs, min, max, dB.",
        optional=True,
    )  # fmt: skip


def _ask_indices() -> Any:
    return ask(
        Kind.TEXT, "Spectral indices", "Further bands by the names of indices, separated by commas, such as NDVI, "
        "NDWI. The catalogue is that of Awesome Spectral Indices; they take bands named blue, green, red, nir, ...",
        optional=True,
    )  # fmt: skip


def _ask_recipe() -> Any:
    return ask(Kind.CHOICE, "Recipe", "A ready list of derived bands.", default=NO_RECIPE, choices=RECIPES)


def _ask_like() -> Any:
    return ask(
        Kind.RASTER, "Grid of", "A raster to whose grid all inputs are resampled. Without it inputs on different grids "
        "are refused.", optional=True, advanced=True,
    )  # fmt: skip


def _ask_resampling() -> Any:
    return ask_resampling("How inputs are resampled to the grid of LIKE; nearest for class values.", "bilinear")


def _ask_zero_nodata() -> Any:
    return ask(
        Kind.FLAG, "Zero in all bands is no data", "Pixels that are 0 in every input band become nodata, as in the "
        "gaps of terrain-corrected radar scenes; not in a single band of whole numbers, where 0 may be a class. The "
        "log tells how many.", default=True, advanced=True,
    )  # fmt: skip


@dataclass(frozen=True)
class StackBandsResult:
    """What StackBands gives back."""

    output: str = give(Kind.RASTER, "Stacked bands", "One raster with all bands, which bear their names.")
    names: str = give(Kind.TEXT, "Band names", "The names of the bands in their order, separated by commas.")


@dataclass(frozen=True)
class StackBands(Stage):
    """Put bands of one or several rasters into one, in the order asked, with derived bands and spectral indices.

    The result has the chosen BANDS, then those of RECIPE, EXPRESSIONS and INDICES. It has the grid of the inputs, which
    must be the same, or that of LIKE. Derived bands are float32, and then all are; else the data type is kept.

    The Sentinel-1 recipes take the bands VH and VV in linear units: "3 bands" is VH, VV, (VH + VV) * 0.5; "5 bands"
    adds VV - VH and sqrt(VH**2 + VV**2); "6 bands" adds VV * VH, (VV + 0.01) / (VH + 0.01) and sqrt(VH**2 + VV**2) to
    the three; "dB" is 10 log10 of the three, in "5 bands dB" followed by VV * VH and (VV + 1) / (VH + 1) of the
    decibels; "log of squares" is ln(x**2) of the three. "slump indices" adds DVI, NDVI, FDI, SI, DWI, NDWI, CS1 and CS2
    to all bands, for reflectances times 10000.

    A pixel without data in one band has none in the bands that are derived from it. Values that do not exist, such as
    the logarithm of 0, become nodata and are counted in a warning.
    """

    title = "Stack bands"
    group = "Imagery"
    tags = ("merge", "band math", "raster calculator", "index", "NDVI", "Sentinel-1", "SAR", "decibel", "layer stack")
    result = StackBandsResult

    inputs: tuple[str, ...] = ask(Kind.LAYERS, "Rasters", "The rasters to take bands from, in order.")
    bands: str | None = _ask_bands()
    expressions: str | None = _ask_expressions()
    indices: str | None = _ask_indices()
    recipe: str = _ask_recipe()
    names: str | None = _ask_names()
    like: str | None = _ask_like()
    resampling: str = _ask_resampling()
    zero_nodata: bool = _ask_zero_nodata()
    format: str = ask_format()
    output: str = ask(Kind.RASTER_OUT, "Stacked bands", "The raster to write.")


@dataclass(frozen=True)
class StackFolderResult:
    """What StackFolder gives back."""

    output: str = give(Kind.FOLDER, "Stacked rasters", "The folder with one raster for every group of files.")
    count: int = give(Kind.NUMBER, "Rasters", "How many rasters were written.")


@dataclass(frozen=True)
class StackFolder(Stage):
    """Stack the bands of files that belong together, such as the VH and VV scenes of a whole folder.

    Files whose names hold the first part of PARTNERS are looked for in FOLDER and its subfolders; their partners have
    the same place and name but for the other parts. Each group is stacked as "Stack bands" does it and written to
    OUTPUT, in the same subfolders, with STACKED in the place of the first part. A missing file of a group is an error
    before anything is written.
    """

    title = "Stack bands of a folder"
    group = "Imagery"
    tags = ("batch", "pair", "Sentinel-1", "VV", "VH", "merge", "layer stack")
    result = StackFolderResult

    folder: str = ask(Kind.FOLDER, "Folder", "The folder to look in, with its subfolders.")
    partners: str = ask(
        Kind.TEXT, "Parts of names", "The parts by which the names of files that belong together differ, separated by "
        "commas. Their order is that of the rasters.", default="_vh_, _vv_",
    )  # fmt: skip
    stacked: str = ask(
        Kind.TEXT, "Part of the new names", "Takes the place of the first part in the names of the results.",
        default="_3b_",
    )  # fmt: skip
    bands: str | None = _ask_bands()
    expressions: str | None = _ask_expressions()
    indices: str | None = _ask_indices()
    recipe: str = _ask_recipe()
    names: str | None = _ask_names()
    like: str | None = _ask_like()
    resampling: str = _ask_resampling()
    zero_nodata: bool = _ask_zero_nodata()
    format: str = ask_format()
    output: str = ask(Kind.FOLDER_OUT, "Stacked rasters", "The folder to make.")


@dataclass(frozen=True)
class RescaleImageResult:
    """What RescaleImage gives back."""

    output: str = give(Kind.RASTER, "Rescaled image", "The image with its values on the new scale.")
    limits: str = give(Kind.TEXT, "Limits", "For every band the values that were mapped to the ends of the new scale.")


@dataclass(frozen=True)
class RescaleImage(Stage):
    """Bring the values of an image to 8 bit, to 0 to 1, or into a range.

    METHOD tells which values become the ends of the new scale: a fixed range (LOW and HIGH), percentiles of the valid
    pixels, their mean minus and plus SIGMA standard deviations, or the limits by which LIKE was rescaled before. Values
    beyond are clipped at both ends. With "clip only" values are clipped but otherwise stay as they are, as does the
    data type.

    Limits are taken from pixels with data, exactly, however large the image is. Pixels without data stay so: hidden by
    a mask band in 8 bit, NaN in float. Alpha bands are kept: 255, or the largest number of a wider data type if any
    alpha is above 255, becomes the upper end of the scale. The limits are written into every band's tags
    (GEOSEG_LOW, GEOSEG_HIGH). Training and prediction must see the same scale: rescale one image, and give the
    result as LIKE for all others.
    """

    title = "Rescale image"
    group = "Imagery"
    tags = ("stretch", "contrast", "8 bit", "byte", "normalise", "percentile", "clip values", "convert")
    result = RescaleImageResult

    input: str = ask(Kind.RASTER, "Image", "The image to rescale.")
    method: str = ask(
        Kind.CHOICE, "Limits from", "Which values become the ends of the new scale.", default=PERCENTILES,
        choices=(FIXED_RANGE, PERCENTILES, SIGMAS, OTHER_IMAGE),
    )  # fmt: skip
    type: str = ask(
        Kind.CHOICE, "New scale", "What the values become.", default=EIGHT_BIT, choices=(EIGHT_BIT, FLOAT, CLIP_ONLY)
    )
    low: float = ask(Kind.NUMBER, "Fixed range: low", "The lower end of a fixed range.", default=0.0)
    high: float = ask(Kind.NUMBER, "Fixed range: high", "The upper end of a fixed range.", default=10000.0)
    low_percent: float = ask(
        Kind.NUMBER, "Lower percentile", "The lower end as percentile.", default=2.0, minimum=0, maximum=100, unit="%"
    )
    high_percent: float = ask(
        Kind.NUMBER, "Upper percentile", "The upper end as percentile.", default=98.0, minimum=0, maximum=100, unit="%"
    )
    sigma: float = ask(
        Kind.NUMBER, "Standard deviations", "How many standard deviations below and above the mean the ends lie.",
        default=2.0, minimum=0.01, maximum=100,
    )  # fmt: skip
    scope: str = ask(
        Kind.CHOICE, "Limits for", "Limits of its own for each band, or one pair for all bands, which keeps colours.",
        default=EACH_BAND, choices=(EACH_BAND, ALL_BANDS),
    )  # fmt: skip
    like: str | None = ask(
        Kind.RASTER, "Limits of", "An image that was rescaled before, whose limits are taken.", optional=True,
        advanced=True,
    )  # fmt: skip
    format: str = ask_format()
    output: str = ask(Kind.RASTER_OUT, "Rescaled image", "The raster to write.")

    def check(self) -> None:
        """Both ranges run upwards; LIKE is given where it is asked, and only there."""
        if (self.method == OTHER_IMAGE) != bool(self.like):
            missing = "LIKE was not given" if not self.like else "LIKE was given"
            raise RequestError(
                f"METHOD is '{self.method}', but {missing}.", f"Give LIKE together with the METHOD '{OTHER_IMAGE}'."
            )
        for low, high in (("low", "high"), ("low_percent", "high_percent")):
            if getattr(self, low) >= getattr(self, high):
                raise RequestError(
                    f"{low.upper()} is {getattr(self, low):g} and {high.upper()} is {getattr(self, high):g}.",
                    f"Give a {low.upper()} that is smaller.",
                )

"""Stages that make or prepare images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from ..fields import RASTER_SUFFIXES, VRT_SUFFIX, Kind, ask, give
from .raster_lists import ask_folder, ask_pattern, check_list_or_folder
from .stage import Stage

INPUT_GRID = "input grid"
LIKE_GRID = "LIKE grid"
GEOTIFF = "GeoTIFF"
COG = "COG"
FIRST, LAST = "first", "last"
MINIMUM, MAXIMUM, MEAN, MEDIAN = "minimum", "maximum", "mean", "median"
MOST_COMPLETE, SEAMLINE = "most complete", "seamline"
METHODS = (FIRST, LAST, MINIMUM, MAXIMUM, MEAN, MEDIAN, MOST_COMPLETE, SEAMLINE)


def ask_resampling(help: str, default: str) -> Any:
    """Declare how pixels are brought to another grid."""
    return ask(
        Kind.CHOICE, "Resampling", help, default=default, choices=("nearest", "bilinear", "cubic", "average"),
        advanced=True,
    )  # fmt: skip


def ask_nodata() -> Any:
    """Declare the value that marks pixels without data in the result."""
    return ask(
        Kind.NUMBER, "Nodata value", "Marks pixels without data, in place of the input's own nodata value. Without any "
        "such value they are hidden by a mask band.", optional=True, advanced=True,
    )  # fmt: skip


def ask_format() -> Any:
    """Declare the file format of a raster to be written."""
    return ask(
        Kind.CHOICE, "File format", "A plain GeoTIFF, or a Cloud Optimized GeoTIFF, which has overviews and can be "
        "read in parts over a network.", default=GEOTIFF, choices=(GEOTIFF, COG), advanced=True,
    )  # fmt: skip


@dataclass(frozen=True)
class DemoSceneResult:
    """What DemoScene gives back."""

    output: str = give(Kind.RASTER, "Scene", "The image: 4 bands (red, green, blue, near infrared), uint16, 0.5 m.")
    labels: str = give(Kind.VECTOR, "Land cover", "The polygons that the scene was drawn from.")


@dataclass(frozen=True)
class DemoScene(Stage):
    """Draw a synthetic but believable aerial scene with its true land cover, to try everything without any data.

    The scene has fields, roads, trees, water and buildings with shadows, in red, green, blue and near infrared at 0.5 m
    in UTM zone 33N. The land cover comes as polygons in EPSG:4326 with the fields class (text) and class_id (1 field,
    2 water, 3 road, 4 tree, 5 building). Where polygons overlap, the later one is on top.

    The same SIZE and SEED always give the same scene.
    """

    title = "Demo scene"
    group = "Imagery"
    tags = ("synthetic", "example", "sample", "test data", "try")
    result = DemoSceneResult

    size: int = ask(
        Kind.NUMBER, "Size", "Width and height of the scene.", default=1024, integer=True, minimum=128, maximum=8192,
        unit="pixels",
    )  # fmt: skip
    seed: int = ask(
        Kind.NUMBER, "Seed", "Another number draws another scene.", default=42, integer=True, minimum=0,
        maximum=2**31 - 1,
    )  # fmt: skip
    output: str = ask(Kind.RASTER_OUT, "Scene", "The image to write.")
    labels: str = ask(Kind.VECTOR_OUT, "Land cover", "The polygons to write (.shp, .gpkg or .geojson).")


@dataclass(frozen=True)
class ClipRasterResult:
    """What ClipRaster gives back."""

    output: str = give(Kind.RASTER, "Clipped raster", "The part of INPUT that was asked for.")


@dataclass(frozen=True)
class ClipRaster(Stage):
    """Cut a raster to the extent of another raster, to a rectangle, to polygons, or to both.

    By default the result stays on INPUT's own pixel grid and its pixels are copied exactly; the cut then follows whole
    pixels, those that the extent touches by more than a sliver. With SNAP set to "LIKE grid" the result has exactly the
    grid of LIKE (CRS, pixel size, rows and columns), for which INPUT is resampled.

    Extents in another CRS are reprojected. Pixels outside MASK become nodata, or are hidden by a mask band where
    neither INPUT has a nodata value nor NODATA gives one. Bands, data type, nodata, colours and band names are kept;
    rasters of classes are never blended.
    """

    title = "Clip raster"
    group = "Imagery"
    tags = ("crop", "cut", "extent", "mask", "subset", "window", "align", "snap")
    result = ClipRasterResult

    input: str = ask(Kind.RASTER, "Raster to clip", "The raster to cut from.")
    like: str | None = ask(Kind.RASTER, "Clip to the extent of", "A raster whose extent is taken.", optional=True)
    extent: str | None = ask(Kind.EXTENT, "Clip to extent", "A rectangle, in any CRS.", optional=True)
    mask: str | None = ask(
        Kind.VECTOR, "Clip to polygons", "Polygons to keep, in any CRS; what lies outside is hidden.", optional=True
    )
    snap: str = ask(
        Kind.CHOICE, "Pixel grid of the result", "Keep INPUT's pixels as they are, or resample them to LIKE's grid.",
        default=INPUT_GRID, choices=(INPUT_GRID, LIKE_GRID),
    )  # fmt: skip
    resampling: str = ask_resampling("How pixels are resampled to LIKE's grid; nearest for class values.", "bilinear")
    nodata: float | None = ask_nodata()
    format: str = ask_format()
    output: str = ask(Kind.RASTER_OUT, "Clipped raster", "The raster to write.")

    def check(self) -> None:
        """LIKE, EXTENT or MASK, but not LIKE with EXTENT; snapping needs LIKE."""
        if not (self.like or self.extent or self.mask):
            raise RequestError("One of LIKE, EXTENT and MASK is needed, but none was given.", "Give at least one.")
        if self.like and self.extent:
            raise RequestError("LIKE and EXTENT were both given.", "Give one of them; MASK may be added to either.")
        if self.snap == LIKE_GRID and not self.like:
            raise RequestError("SNAP is 'LIKE grid', but LIKE was not given.", "Give LIKE, or keep the input grid.")


@dataclass(frozen=True)
class MosaicRastersResult:
    """What MosaicRasters gives back."""

    output: str = give(Kind.RASTER, "Mosaic", "All rasters in one.")
    count: int = give(Kind.NUMBER, "Rasters", "How many rasters the mosaic was made of.")


@dataclass(frozen=True)
class MosaicRasters(Stage):
    """Join rasters into one, as a GeoTIFF, a Cloud Optimized GeoTIFF, or a virtual raster (.vrt).

    The mosaic has the grid of LIKE; without it the CRS and pixel size of the first raster, or those that CRS and
    PIXEL_SIZE give, over the extent of all rasters, or over EXTENT. Rasters on another grid are resampled, which the
    log says. All rasters must have the same number of bands, and the same scale and offset if they state any. Tags are
    kept that all share. Thousands of rasters are no burden: few are open at once.

    Where rasters overlap, METHOD decides among those that have data there: "first" and "last" in the order of INPUTS
    (in a folder: of names); minimum, maximum, mean and median of the values; "most complete" takes the raster with the
    smallest share of pixels without data; "seamline" takes the raster in which the pixel lies farthest from missing
    data and from the edge, so that seams run along the middle of overlaps.

    A virtual raster keeps pointing at its inputs and shows overlaps by "first" or "last" only.
    """

    title = "Mosaic rasters"
    group = "Imagery"
    tags = ("merge", "join", "combine", "vrt", "virtual raster", "cog", "seamline", "composite")
    result = MosaicRastersResult

    inputs: tuple[str, ...] = ask(Kind.LAYERS, "Rasters", "The rasters to join, in order.", optional=True)
    folder: str | None = ask_folder("A folder with the rasters, instead of INPUTS.")
    pattern: str = ask_pattern()
    method: str = ask(
        Kind.CHOICE, "Where rasters overlap", "Which value is taken where several rasters have data.", default=FIRST,
        choices=METHODS,
    )  # fmt: skip
    like: str | None = ask(
        Kind.RASTER, "Grid of", "A raster whose exact grid the mosaic gets.", optional=True, advanced=True
    )
    crs: str | None = ask(
        Kind.TEXT, "CRS", "The CRS of the mosaic as EPSG:code; by default that of the first raster.", optional=True,
        advanced=True,
    )  # fmt: skip
    pixel_size: float | None = ask(
        Kind.NUMBER, "Pixel size", "Width and height of a pixel in units of the CRS; by default those of the first "
        "raster.", optional=True, minimum=1e-9, advanced=True,
    )  # fmt: skip
    extent: str | None = ask(
        Kind.EXTENT, "Extent", "Only this rectangle, in any CRS, grown to whole pixels.", optional=True, advanced=True
    )
    resampling: str = ask_resampling("How rasters on another grid are resampled; nearest for class values.", "nearest")
    nodata: float | None = ask_nodata()
    format: str = ask_format()
    output: str = ask(
        Kind.RASTER_OUT, "Mosaic", "The raster to write; a name ending in .vrt makes a virtual raster.",
        suffixes=(*RASTER_SUFFIXES, VRT_SUFFIX),
    )  # fmt: skip

    @property
    def is_virtual(self) -> bool:
        """Whether a virtual raster is asked for."""
        return self.output.lower().endswith(VRT_SUFFIX)

    def check(self) -> None:
        """INPUTS or FOLDER; LIKE stands for the whole grid; a virtual raster knows first and last only."""
        check_list_or_folder(self.inputs, self.folder)
        extra = [name.upper() for name in ("crs", "pixel_size", "extent") if getattr(self, name) is not None]
        if self.like and extra:
            others = " and ".join(extra)
            raise RequestError(f"LIKE gives the whole grid, but {others} was given too.", f"Give LIKE or {others}.")
        if self.is_virtual and self.method not in (FIRST, LAST):
            raise RequestError(
                f"A virtual raster cannot show overlaps by '{self.method}'.",
                f"Choose '{FIRST}' or '{LAST}', or write a .tif.",
            )
        if self.is_virtual and self.format == COG:
            raise RequestError("A virtual raster (.vrt) cannot be a COG.", "Give OUTPUT a name ending in .tif.")

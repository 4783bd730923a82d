"""Stages that make or prepare images."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .stage import Stage

INPUT_GRID = "input grid"
LIKE_GRID = "LIKE grid"


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
    """Cut a raster to the extent of another raster, to a rectangle, or to polygons.

    By default the result stays on INPUT's own pixel grid and its pixels are copied exactly; the cut then follows whole
    pixels, those that the extent touches by more than a sliver. With SNAP set to "LIKE grid" the result has exactly the
    grid of LIKE (CRS, pixel size, rows and columns), for which INPUT is resampled.

    Extents in another CRS are reprojected. Pixels outside MASK become nodata, or are hidden by a mask band where INPUT
    has no nodata value. Bands, data type, nodata, colours and band names are kept.
    """

    title = "Clip raster"
    group = "Imagery"
    tags = ("crop", "cut", "extent", "mask", "subset", "window", "align", "snap")
    result = ClipRasterResult

    input: str = ask(Kind.RASTER, "Raster to clip", "The raster to cut from.")
    like: str | None = ask(Kind.RASTER, "Clip to the extent of", "A raster whose extent is taken.", optional=True)
    extent: str | None = ask(Kind.EXTENT, "Clip to extent", "A rectangle, in any CRS.", optional=True)
    mask: str | None = ask(
        Kind.VECTOR, "Clip to polygons", "Polygons to keep; what lies outside is hidden.", optional=True
    )
    snap: str = ask(
        Kind.CHOICE, "Pixel grid of the result", "Keep INPUT's pixels as they are, or resample them to LIKE's grid.",
        default=INPUT_GRID, choices=(INPUT_GRID, LIKE_GRID),
    )  # fmt: skip
    resampling: str = ask(
        Kind.CHOICE, "Resampling", "How pixels are resampled to LIKE's grid; nearest for class values.",
        default="bilinear", choices=("nearest", "bilinear", "cubic", "average"), advanced=True,
    )  # fmt: skip
    output: str = ask(Kind.RASTER_OUT, "Clipped raster", "The raster to write.")

    def check(self) -> None:
        """Exactly one of LIKE, EXTENT and MASK; snapping needs LIKE."""
        given = [name for name in ("like", "extent", "mask") if getattr(self, name)]
        if len(given) != 1:
            named = " and ".join(name.upper() for name in given) or "none"
            raise RequestError(f"One of LIKE, EXTENT and MASK is needed, but {named} was given.", "Give exactly one.")
        if self.snap == LIKE_GRID and not self.like:
            raise RequestError("SNAP is 'LIKE grid', but LIKE was not given.", "Give LIKE, or keep the input grid.")

"""Stages that turn what people drew into label rasters."""

from __future__ import annotations

from dataclasses import dataclass

from ..classes import LARGEST_VALUE
from ..errors import RequestError
from ..fields import Kind, ask, give
from .stage import Stage

IGNORE = "ignore"


def background_value(text: str) -> int | None:
    """Return the class value that BACKGROUND stands for, None where the background is to be ignored.

    Raises:
        RequestError: It is neither "ignore" nor a whole number from 0 to LARGEST_VALUE.
    """
    if text.strip().lower() == IGNORE:
        return None
    if not text.strip().isdigit() or int(text) > LARGEST_VALUE:
        raise RequestError(f"BACKGROUND is '{text}'.", f"Give 'ignore' or a whole number from 0 to {LARGEST_VALUE}.")
    return int(text)


@dataclass(frozen=True)
class RasterizeLabelsResult:
    """What RasterizeLabels gives back."""

    output: str = give(Kind.RASTER, "Label raster", "Class values on the grid of LIKE.")
    class_count: int = give(Kind.NUMBER, "Number of classes", "Classes that occur, background included.")
    labelled_share: float = give(Kind.NUMBER, "Labelled share", "Share of pixels covered by labels, in percent.")


@dataclass(frozen=True)
class RasterizeLabels(Stage):
    """Burn polygons, lines or points as class values onto the grid of an image.

    With FIELD, whole numbers become the class values themselves, and texts get the values 1, 2, 3, ... in alphabetical
    order. Without FIELD every feature gets the value 1, named after the layer. Features whose FIELD is empty are burnt
    as "ignore": such pixels neither train nor count. Where features overlap, the later one wins.

    The result holds class names and colours, and a style file lies beside it. Labels in another CRS are reprojected.
    """

    title = "Rasterize labels"
    group = "Labels"
    tags = ("burn", "shapefile", "polygons", "mask", "ground truth", "annotation", "vector to raster")
    result = RasterizeLabelsResult

    labels: str = ask(Kind.VECTOR, "Labels", "Polygons, lines or points.")
    field: str | None = ask(
        Kind.FIELD, "Class field", "Whole numbers or texts that name the class; without it all features are one class.",
        optional=True, parent="labels",
    )  # fmt: skip
    like: str = ask(Kind.RASTER, "Image", "The raster whose grid the labels get.")
    background: str = ask(
        Kind.TEXT, "Background", "Class value of pixels without a label, or 'ignore' where those are not known.",
        default="0",
    )  # fmt: skip
    all_touched: bool = ask(
        Kind.FLAG, "All touched pixels", "Burn every pixel that a feature touches, not only if its centre is inside.",
        default=False,
    )  # fmt: skip
    output: str = ask(Kind.RASTER_OUT, "Label raster", "The raster to write.")

    def check(self) -> None:
        """BACKGROUND must be readable."""
        background_value(self.background)

"""Stages that turn what people drew into label rasters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..class_list import parse_class_list
from ..classes import LARGEST_VALUE
from ..errors import RequestError
from ..fields import Kind, ask, give
from .stage import Stage

IGNORE = "ignore"
AS_BACKGROUND = "background"
REFUSE = "error"
RULES = (IGNORE, AS_BACKGROUND, REFUSE)
LATER, EARLIER, SMALLER, LARGER_VALUE = "later feature", "earlier feature", "smaller feature", "larger class value"
OVERLAP_RULES = (LATER, EARLIER, SMALLER, LARGER_VALUE)
NO_BOUNDARY, BOUNDARY_CLASS, BOUNDARY_IGNORED = "none", "class of its own", "ignore"
BOUNDARIES = (NO_BOUNDARY, BOUNDARY_CLASS, BOUNDARY_IGNORED)


def background_value(text: str) -> int | None:
    """Return the class value that BACKGROUND stands for, None where the background is to be ignored.

    Raises:
        RequestError: It is neither "ignore" nor a whole number from 0 to LARGEST_VALUE.
    """
    if text.strip().lower() == IGNORE:
        return None
    if not text.strip().isdecimal() or int(text) > LARGEST_VALUE:
        raise RequestError(f"BACKGROUND is '{text}'.", f"Give 'ignore' or a whole number from 0 to {LARGEST_VALUE}.")
    return int(text)


def ask_zero_nodata() -> Any:
    """Declare whether pixels that are zero in every band count as pixels without data."""
    return ask(
        Kind.FLAG, "Zero in all bands is no data", "Pixels of the image that are 0 in every band count as no data; not "
        "in a single band of whole numbers, where 0 may be a value.", default=True, advanced=True,
    )  # fmt: skip


@dataclass(frozen=True)
class RasterizeLabelsResult:
    """What RasterizeLabels gives back."""

    output: str = give(Kind.RASTER, "Label raster", "Class values on the grid of LIKE.")
    instances: str | None = give(
        Kind.RASTER, "Instances", "The number of the feature that each pixel shows, from 1; else 0."
    )
    weights: str | None = give(
        Kind.RASTER, "Border weights", "How much each pixel should weigh in training, 1 or more."
    )
    class_count: int = give(Kind.NUMBER, "Number of classes", "Classes that occur, background included.")
    labelled_share: float = give(
        Kind.NUMBER, "Labelled share", "Share of pixels that are neither background nor ignored, in percent."
    )
    ignored_share: float = give(Kind.NUMBER, "Ignored share", "Share of pixels to be ignored, in percent.")
    class_counts: str = give(
        Kind.TEXT, "Pixels of each class", 'Number of pixels by class value, as JSON: {"0": 912, "1": 88}.'
    )


@dataclass(frozen=True)
class RasterizeLabels(Stage):
    """Burn polygons, lines or points as class values onto the grid of an image.

    With FIELD, whole numbers become the class values themselves, and texts get the values 1, 2, 3, ... in alphabetical
    order. Without FIELD each layer is one class, named after it: LABELS is 1, MORE_LABELS are 2, 3, ... With CLASSES or
    CLASS_FILE the values, names and colours are those of that table, and features are found in it by the text or number
    in their FIELD.

    Labels may come from several layers: LABELS lies on top, MORE_LABELS below it in their order. Within a layer
    OVERLAPS says which feature is seen. Labels in another CRS are reprojected.

    Pixels marked "ignore" neither train nor count. They are those where the image has no data, those outside AREAS,
    features without a class where NULLS and UNKNOWN say so, and the background where BACKGROUND is "ignore".

    INSTANCES numbers the features from 1 in the order of the layers, LABELS first; those that mean background keep 0.
    WEIGHTS grows where two features come close to each other: 1 + w * exp(-(a + b)**2 / (2 * s**2)) where no feature
    is, with the distances a and b in pixels to the nearest two features. The result holds class names and colours, and
    a style file lies beside it.
    """

    title = "Rasterize labels"
    group = "Labels"
    tags = ("burn", "shapefile", "polygons", "mask", "ground truth", "annotation", "vector to raster", "instances")
    result = RasterizeLabelsResult

    labels: str = ask(Kind.VECTOR, "Labels", "Polygons, lines or points.")
    field: str | None = ask(
        Kind.FIELD, "Class field", "Whole numbers or texts that name the class; without it each layer is one class.",
        optional=True, parent="labels",
    )  # fmt: skip
    like: str = ask(Kind.RASTER, "Image", "The raster whose grid the labels get.")
    classes: str | None = ask(
        Kind.TEXT, "Classes", "Value, name and, if you like, colour of each class, separated by semicolons, and after "
        "= the texts or numbers in FIELD that mean it: 1 building #d7301f; 2 water = lake, river.", optional=True,
    )  # fmt: skip
    class_file: str | None = ask(
        Kind.FILE, "Class table", "In place of CLASSES a CSV file with the columns value, name, colour and attribute; "
        "the last two may be missing, and a class may have several rows.", optional=True, suffixes=(".csv",),
        advanced=True,
    )  # fmt: skip
    more_labels: tuple[str, ...] = ask(
        Kind.LAYERS, "Further labels", "Layers below LABELS, from top to bottom; they have FIELD too, if it is given.",
        optional=True, accepts="vector", advanced=True,
    )  # fmt: skip
    background: str = ask(
        Kind.TEXT, "Background", "Class value of pixels without a label, or 'ignore' where those are not known.",
        default="0",
    )  # fmt: skip
    all_touched: bool = ask(
        Kind.FLAG, "All touched pixels", "Burn every pixel that a feature touches, not only if its centre is inside.",
        default=False,
    )  # fmt: skip
    buffer: float = ask(
        Kind.NUMBER, "Buffer around lines and points", "Lines and points become areas that reach this far on each "
        "side, in metres on the ground, or in map units where there is no CRS.", default=0.0, minimum=0,
        maximum=100_000, unit="m",
    )  # fmt: skip
    nulls: str = ask(
        Kind.CHOICE, "Features with an empty class field", "Ignore their pixels, make them background, or stop.",
        default=IGNORE, choices=RULES, advanced=True,
    )  # fmt: skip
    unknown: str = ask(
        Kind.CHOICE, "Features of an unknown class", "What to do with those that CLASSES or CLASS_FILE does not know.",
        default=REFUSE, choices=RULES, advanced=True,
    )  # fmt: skip
    overlaps: str = ask(
        Kind.CHOICE, "Where features of a layer overlap", "Which of them is seen.", default=LATER,
        choices=OVERLAP_RULES, advanced=True,
    )  # fmt: skip
    areas: str | None = ask(
        Kind.VECTOR, "Areas of interest", "Polygons within which labels are complete; outside all pixels are ignored.",
        optional=True,
    )  # fmt: skip
    ignore_nodata: bool = ask(
        Kind.FLAG, "Ignore pixels without image data", "Also under labels.", default=True, advanced=True
    )
    zero_nodata: bool = ask_zero_nodata()
    boundary: str = ask(
        Kind.CHOICE, "Boundaries of features", "Make the rim of every feature, inside it, a class or ignored, so that "
        "neighbours stay apart.", default=NO_BOUNDARY, choices=BOUNDARIES, advanced=True,
    )  # fmt: skip
    boundary_width: int = ask(
        Kind.NUMBER, "Width of boundaries", "Of the rim.", default=2, integer=True, minimum=1, maximum=64,
        unit="pixels", advanced=True,
    )  # fmt: skip
    border_weight: float = ask(
        Kind.NUMBER, "Weight between features", "w in the formula of WEIGHTS.", default=10.0, minimum=0, maximum=1000,
        advanced=True,
    )  # fmt: skip
    border_sigma: float = ask(
        Kind.NUMBER, "Reach of that weight", "s in the formula of WEIGHTS.", default=5.0, minimum=0.5, maximum=50,
        unit="pixels", advanced=True,
    )  # fmt: skip
    output: str = ask(Kind.RASTER_OUT, "Label raster", "The raster to write.")
    instances: str | None = ask(
        Kind.RASTER_OUT, "Instances", "A raster of the features' numbers (32 bit), 0 where there is none.",
        optional=True,
    )  # fmt: skip
    weights: str | None = ask(
        Kind.RASTER_OUT, "Border weights", "A raster of weights (float) for training.", optional=True
    )

    def check(self) -> None:
        """BACKGROUND and CLASSES must be readable, and go together."""
        background_value(self.background)
        if self.classes and self.class_file:
            raise RequestError("CLASSES and CLASS_FILE are both given.", "Give one of them.")
        if self.classes:
            parse_class_list(self.classes)
        if (self.classes or self.class_file) and not self.field:
            raise RequestError("CLASSES is given without FIELD.", "Name the FIELD that its classes are found by.")

"""What a prediction looks at."""

from __future__ import annotations

from dataclasses import dataclass

from ...fields import Kind, ask
from ..stage import Stage

OF_MODEL, OF_IMAGE = "model", "image"
PIXEL_SIZES = {
    OF_MODEL: "an image with other pixels is resampled to those that the model was trained on.",
    OF_IMAGE: "the image is taken as it is.",
}
RESULT_GRIDS = {
    OF_IMAGE: "the pixels of the image, also where it was resampled.",
    OF_MODEL: "the pixels that the network saw: smaller files where the image is finer.",
}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class LooksAtImage(Stage):
    """The bands, the area and the pixel size."""

    bands: str | None = ask(
        Kind.TEXT, "Bands", "The bands of the image that stand for the model's, in their order, by name or number and "
        "separated by commas. By default those with the model's names, or all where there are as many.",
        optional=True, advanced=True,
    )  # fmt: skip
    extent: str | None = ask(
        Kind.EXTENT, "Extent", "Map this rectangle alone, in any CRS. Only windows that touch it are computed; the "
        "result is what the whole map would have there, as far as SMOOTHING and thresholds look no further.",
        optional=True,
    )  # fmt: skip
    area: str | None = ask(
        Kind.VECTOR, "Area of interest", "Map what lies in these polygons alone, in any CRS.", optional=True
    )
    pixel_size: str = ask(
        Kind.CHOICE, "Pixel size", "At which pixel size the network sees the image.", default=OF_MODEL,
        choices=tuple(PIXEL_SIZES), notes=tuple(PIXEL_SIZES.values()), advanced=True,
    )  # fmt: skip
    result_grid: str = ask(
        Kind.CHOICE, "Pixels of the result", "On which pixels the results lie where the image was resampled.",
        default=OF_IMAGE, choices=tuple(RESULT_GRIDS), notes=tuple(RESULT_GRIDS.values()), advanced=True,
    )  # fmt: skip

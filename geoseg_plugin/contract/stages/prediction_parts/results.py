"""What a prediction writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...fields import Kind, ask
from ..imagery import ask_format
from ..stage import Stage
from ..training_parts.machine import FLOAT16, FLOAT32

UINT8 = "uint8"
PROBABILITY_TYPES = {
    FLOAT32: "0 to 1.",
    FLOAT16: "0 to 1, in half the room; three digits are exact.",
    UINT8: "0 to 254, the probability times 254, in a quarter of the room; the file states the factor.",
}


def ask_probability_type() -> Any:
    """Declare the data type of rasters of probabilities."""
    return ask(
        Kind.CHOICE, "Type of probabilities", "Data type of PROBABILITIES, CONFIDENCE, ENTROPY and MARGIN.",
        default=FLOAT32, choices=tuple(PROBABILITY_TYPES), notes=tuple(PROBABILITY_TYPES.values()), advanced=True,
    )  # fmt: skip


@dataclass(frozen=True, init=False, repr=False, eq=False)
class WritesMap(Stage):
    """The map and all that goes with it."""

    output: str = ask(Kind.RASTER_OUT, "Classes", "The class raster to write.")
    probabilities: str | None = ask(
        Kind.RASTER_OUT, "Probabilities", "A raster with one band per class to write.", optional=True
    )
    confidence: str | None = ask(
        Kind.RASTER_OUT, "Confidence", "A raster of the largest probability to write.", optional=True, advanced=True
    )
    entropy: str | None = ask(
        Kind.RASTER_OUT, "Entropy", "A raster to write of how undecided the model is: the entropy of its "
        "probabilities, as a share of the largest there can be.", optional=True, advanced=True,
    )  # fmt: skip
    margin: str | None = ask(
        Kind.RASTER_OUT, "Margin", "A raster to write of the largest probability less the second largest.",
        optional=True, advanced=True,
    )  # fmt: skip
    polygons: str | None = ask(
        Kind.VECTOR_OUT, "Polygons", "A vector layer to write (.gpkg keeps its style).", optional=True
    )
    picture: str | None = ask(
        Kind.FILE_OUT, "Picture", "A PNG of the map to write, with a world file: 0 and 255 for two classes, else class "
        "values with their colours.", optional=True, suffixes=(".png",), advanced=True,
    )  # fmt: skip
    array: str | None = ask(
        Kind.FILE_OUT, "Array", "A NumPy file of the probabilities to write, (rows, columns, classes) float32.",
        optional=True, suffixes=(".npy",), advanced=True,
    )  # fmt: skip
    probability_type: str = ask_probability_type()
    format: str = ask_format()

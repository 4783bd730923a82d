"""Stages that put images through a model."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .prediction_parts.decision import DecidesOnClasses
from .prediction_parts.image import LooksAtImage
from .prediction_parts.machine import ChoosesRuntime, KeepsWhatIsDone
from .prediction_parts.model import PutsThroughModel
from .prediction_parts.opinions import AsksForOpinions
from .prediction_parts.results import WritesMap
from .prediction_parts.windows import GoesByWindows
from .stage import Stage


@dataclass(frozen=True)
class PredictSegmentationResult:
    """What PredictSegmentation gives back."""

    output: str = give(Kind.RASTER, "Classes", "Class values.")
    probabilities: str | None = give(Kind.RASTER, "Probabilities", "One band per class, 0 to 1.")
    confidence: str | None = give(Kind.RASTER, "Confidence", "The largest probability.")
    entropy: str | None = give(Kind.RASTER, "Entropy", "0 where one class is certain, 1 where all are as probable.")
    margin: str | None = give(Kind.RASTER, "Margin", "The largest probability less the second largest.")
    polygons: str | None = give(Kind.VECTOR, "Polygons", "Areas of one class with class, name, area and confidence.")
    picture: str | None = give(Kind.FILE, "Picture", "The map as PNG.")
    array: str | None = give(Kind.FILE, "Array", "The probabilities as NumPy file.")
    mean_confidence: float = give(Kind.NUMBER, "Mean confidence", "Mean probability of the chosen class, 0 to 1.")
    pixels_per_second: float = give(Kind.NUMBER, "Pixels per second", "Valid pixels over the wall time of prediction.")
    device: str = give(Kind.TEXT, "Device", "The device that really did the work.")
    precision: str = give(Kind.TEXT, "Precision", "The number format that the network really computed in.")
    backend: str = give(Kind.TEXT, "Backend", "The library that really ran the network.")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesImage(Stage):
    """The image."""

    input: str = ask(
        Kind.RASTER, "Image", "The raster to map, with the bands that the model was trained on: a file, a virtual "
        "raster, or an address that begins with /vsicurl/.",
    )  # fmt: skip


# The parameters of the last base come first.
@dataclass(frozen=True)
class PredictSegmentation(
    WritesMap, KeepsWhatIsDone, ChoosesRuntime, DecidesOnClasses, AsksForOpinions, GoesByWindows, LooksAtImage,
    PutsThroughModel, ChoosesImage,
):  # fmt: skip
    """Give every pixel of a raster a class, with a trained model.

    The raster goes through the network window by window, so that memory does not grow with it; windows overlap and
    their probabilities are blended. The model's card says how to read the bands, which pixel size and tile size to use
    and what the classes are called. Pixels without data stay without data.

    OUTPUT has class names and colours. PROBABILITIES has one band per class. POLYGONS has one polygon for every
    connected area of a class (except a class named background) with its class, name, area and mean confidence.

    'Predict many scenes' does the same for a list or a folder.
    """

    title = "Predict segmentation"
    group = "Prediction"
    tags = ("deep learning", "inference", "classify", "semantic segmentation", "land cover", "onnx", "map", "vectorize")
    result = PredictSegmentationResult
    after_death = "With RESUME, a run with the same values goes on from what was finished."

"""The stage that puts many images through a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..fields import Kind, ask, give
from .imagery import ask_format
from .prediction_parts.decision import DecidesOnClasses
from .prediction_parts.image import LooksAtImage
from .prediction_parts.machine import ChoosesRuntime
from .prediction_parts.model import PutsThroughModel
from .prediction_parts.opinions import AsksForOpinions
from .prediction_parts.results import ask_probability_type
from .prediction_parts.windows import GoesByWindows
from .raster_lists import ask_folder, ask_pattern, check_list_or_folder
from .stage import Stage

# What each result of 'Predict segmentation' is called here, behind the name of the scene without its suffix.
ENDINGS = {
    "output": "_classes.tif",
    "probabilities": "_probabilities.tif",
    "confidence": "_confidence.tif",
    "entropy": "_entropy.tif",
    "margin": "_margin.tif",
    "polygons": "_polygons.gpkg",
    "picture": ".png",
    "array": ".npy",
}


def _ask_result(label: str, result: str, what: str) -> Any:
    return ask(Kind.FLAG, label, f"Write NAME{ENDINGS[result]} too: {what}", default=False, advanced=True)


@dataclass(frozen=True)
class PredictScenesResult:
    """What PredictScenes gives back."""

    output: str = give(Kind.FOLDER, "Maps", "The folder with the results.")
    count: int = give(Kind.NUMBER, "Scenes", "How many scenes were mapped.")
    skipped: int = give(Kind.NUMBER, "Finished before", "How many scenes had been mapped by an earlier run.")
    pixels_per_second: float = give(Kind.NUMBER, "Pixels per second", "Valid pixels over the wall time of prediction.")
    device: str = give(Kind.TEXT, "Device", "The device that really did the work; empty where there was none to do.")
    precision: str = give(Kind.TEXT, "Precision", "The number format that the network really computed in.")
    backend: str = give(Kind.TEXT, "Backend", "The library that really ran the network.")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesScenes(Stage):
    """The images."""

    inputs: tuple[str, ...] = ask(Kind.LAYERS, "Scenes", "The rasters to map.", optional=True)
    folder: str | None = ask_folder("A folder with the rasters, instead of INPUTS. Its subfolders are kept in OUTPUT.")
    pattern: str = ask_pattern()

    def check(self) -> None:
        """INPUTS or FOLDER."""
        super().check()
        check_list_or_folder(self.inputs, self.folder)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class WritesMaps(Stage):
    """The maps and all that goes with them."""

    write_probabilities: bool = _ask_result("Write probabilities", "probabilities", "one band per class.")
    write_confidence: bool = _ask_result("Write confidence", "confidence", "the largest probability.")
    write_entropy: bool = _ask_result("Write entropy", "entropy", "how undecided the model is.")
    write_margin: bool = _ask_result("Write margin", "margin", "the largest probability less the second largest.")
    write_polygons: bool = ask(
        Kind.FLAG, "Write polygons", f"Write NAME{ENDINGS['polygons']} too: areas of one class.", default=False
    )
    write_picture: bool = _ask_result("Write picture", "picture", "the map as PNG.")
    write_array: bool = _ask_result("Write array", "array", "the probabilities as NumPy file.")
    probability_type: str = ask_probability_type()
    format: str = ask_format()
    skip_finished: bool = ask(
        Kind.FLAG, "Skip finished scenes", "Leave scenes alone whose results are there already, made by the same model "
        "with the same values after the scene last changed; others are made anew.", default=True,
    )  # fmt: skip
    output: str = ask(
        Kind.FOLDER_OUT, "Maps", "The folder to write to; it may exist. Only results of GeoSeg are replaced there."
    )


# The parameters of the last base come first.
@dataclass(frozen=True)
class PredictScenes(
    WritesMaps, ChoosesRuntime, DecidesOnClasses, AsksForOpinions, GoesByWindows, LooksAtImage, PutsThroughModel,
    ChoosesScenes,
):  # fmt: skip
    """Map many rasters with a trained model: a list, or what a pattern finds in a folder.

    Each is mapped as 'Predict segmentation' does it, but the model is loaded once, and windows of several scenes go
    through the network together, so that thousands of small images keep it as busy as a large one. The map of
    NAME.tif is NAME_classes.tif, in the same subfolder of OUTPUT; other results are written where asked for.

    With EXTENT or AREA scenes that lie outside are left out.

    A run that ended early goes on when it is started again: finished scenes are skipped. A scene that cannot be mapped
    does not stop the others; the run fails in the end and says which and why.
    """

    title = "Predict many scenes"
    group = "Prediction"
    tags = ("batch", "folder", "inference", "classify", "semantic segmentation", "land cover", "deep learning", "chips")
    result = PredictScenesResult
    after_death = "Run it again to go on: finished scenes are skipped."

    def results(self) -> tuple[str, ...]:
        """Return which results of 'Predict segmentation' are asked for, by the names of its parameters."""
        return tuple(name for name in ENDINGS if name == "output" or getattr(self, f"write_{name}"))

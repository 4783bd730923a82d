"""The card: everything that a model file says about itself, and all that prediction needs beside an image."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..geoseg_plugin.contract.classes import ClassTable
from ..geoseg_plugin.contract.errors import ModelError

FORMAT = "geoseg-card"
FORMAT_VERSION = 1
TASK = "semantic segmentation"
NODATA_RULE = (
    "A pixel is without data where mask, alpha or nodata hide it (floats: in any band, whole numbers: in all bands) "
    "and where a float is no finite number. It becomes 0 in all bands and gets no class."
)


@dataclass(frozen=True)
class Band:
    """One input band, in the order of the network's channels, with what turns its pixels into network input.

    network input = (pixel - mean) / std; pixels without data (NODATA_RULE) become 0. Fixed at training.

    Attributes:
        name: The band's name in the training images.
        mean: What is subtracted, in pixel units: the mean of the valid training pixels where they are standardized.
        std: What is divided by, above 0: their standard deviation likewise.

    Raises:
        ValueError: Values are not like that.
    """

    name: str
    mean: float
    std: float

    def __post_init__(self) -> None:
        _check(isinstance(self.name, str), f"the name of band {self.name!r} is no text")
        _check(_is_number(self.mean), f"the mean of band {self.name} is {self.mean!r}")
        _check(_is_number(self.std) and self.std > 0, f"the standard deviation of band {self.name} is {self.std!r}")


@dataclass(frozen=True)
class Card:
    """What a model is, what it was trained on, and how to use it.

    Attributes:
        architecture: Name in `models.catalog`.
        encoder: Name in `models.catalog`.
        bands: Input bands in order.
        dtype: Data type of the training images' pixels.
        classes: Class values, names and colours in the order of the network's channels.
        ignore_value: Class value in label files that neither trains nor counts.
        tile_size: Side of the training tiles in pixels.
        pixel_size: Width and height of a training pixel in units of `crs`.
        crs: CRS of the first training image (AUTHORITY:CODE or WKT), None without.
        dataset: Path of the dataset that it was trained on.
        fingerprint: SHA-256 over the dataset's dataset.json and splits.
        request: The stage request that trained it, as plain values.
        loss: What training minimised, in words, with the weights of the classes where they have some.
        metrics: Figures on the validation tiles (iou, best_epoch, per-class IoU, ...).
        thresholds: For classes but the first, by name, the probability (0 to 1) from which on their F1 was highest on
            the validation tiles. Those that these tiles do not show have none.
        versions: GeoSeg, torch and segmentation-models-pytorch.
        created: Date and time in UTC, ISO 8601.
        task: Always TASK so far.
        nodata_rule: Which pixels count as without data, and what becomes of them, in words; always NODATA_RULE so far.

    Raises:
        ValueError: There are no bands, fewer than two classes, sizes that are not above 0, thresholds that are none, or
            another task.
    """

    architecture: str
    encoder: str
    bands: tuple[Band, ...]
    dtype: str
    classes: ClassTable
    ignore_value: int
    tile_size: int
    pixel_size: tuple[float, float]
    crs: str | None = None
    dataset: str = ""
    fingerprint: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    loss: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    task: str = TASK
    nodata_rule: str = NODATA_RULE

    def __post_init__(self) -> None:
        _check(len(self.bands) > 0, "there are no bands")
        _check(len(self.classes) > 1, f"there are {len(self.classes)} classes, not two or more")
        _check(isinstance(self.ignore_value, int), f"the ignore value is {self.ignore_value!r}")
        _check(isinstance(self.tile_size, int) and self.tile_size > 0, f"the tile size is {self.tile_size!r}")
        whole = len(self.pixel_size) == 2 and all(_is_number(side) and side > 0 for side in self.pixel_size)
        _check(whole, f"the pixel size is {self.pixel_size!r}")
        for name, threshold in self.thresholds.items():
            _check(name in self.classes.names[1:], f"there is a threshold for {name!r}")
            _check(_is_number(threshold) and 0 <= threshold <= 1, f"the threshold of {name} is {threshold!r}")
        _check(self.task == TASK, f"the task is {self.task!r}, not {TASK!r}")

    @property
    def is_of_training_tiles(self) -> bool:
        """Whether metrics and thresholds were found on training tiles, since there were no others."""
        return bool(self.metrics.get("measured_on") == "train")

    def to_text(self) -> str:
        """Return the card as JSON text, for the header of a model file."""
        values = {**asdict(self), "classes": self.classes.to_json(), "format": FORMAT, "version": FORMAT_VERSION}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str, source: str) -> Card:
        """Rebuild a card from `to_text`.

        Args:
            text: The JSON text.
            source: Path of the model file, for messages.

        Raises:
            ModelError: It is no card, or one of another version.
        """
        try:
            values = json.loads(text)
            if values.pop("format") != FORMAT:
                raise ModelError(f"{source} holds no GeoSeg card.", "Choose a model made by 'Train segmentation'.")
            version = values.pop("version")
            if version > FORMAT_VERSION:
                raise ModelError(f"{source} was made by a later GeoSeg (card {version}).", "Update GeoSeg.")
            if _names_unknown(values, Card) or any(_names_unknown(band, Band) for band in values["bands"]):
                raise ModelError(
                    f"{source} was made by another GeoSeg ({values['versions']['geoseg']}) with another card.",
                    "Train the model again, or use that GeoSeg.",
                )
            values["bands"] = tuple(Band(**band) for band in values["bands"])
            values["classes"] = ClassTable.from_json(values["classes"])
            values["pixel_size"] = tuple(values["pixel_size"])
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"The card of {source} cannot be read: {error!r}.", "The file is damaged.") from error


def _names_unknown(values: dict[str, Any], declaration: type[Band | Card]) -> bool:
    return not values.keys() <= {known.name for known in fields(declaration)}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)

"""Panels: what a network makes of one tile, beside and over its image and its truth."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ....contract.classes import ClassTable
from ...pictures import draw_classes, draw_image
from ..tiles import Sample

Pixels = NDArray[np.uint8]

PANELS = ("image", "image + prediction", "prediction", "image + truth", "truth")

_OVERLAY_SHARE = 0.4
_CLASS = 1  # IoU(1) is that of the class with this index
_WHITE = 255
_GAP = 4
_SMALLEST_SIDE = 192  # smaller panels are enlarged
_CAPTION_HEIGHT = 24
_FONT_SIZE = 14


@dataclass(frozen=True)
class Panels:
    """The panels of one tile.

    Attributes:
        tile: The tile's id.
        iou: IoU of the second class, IoU(1); NaN where neither truth nor prediction have it.
        pictures: One (H, W, 3) uint8 for each of PANELS; white is without data or without label.
    """

    tile: str
    iou: float
    pictures: tuple[Pixels, ...]

    @property
    def iou_text(self) -> str:
        """IoU(1) as people read it, "na" where there is none."""
        return "na" if math.isnan(self.iou) else f"{self.iou:.3f}"

    @property
    def file_name(self) -> str:
        """A name for the picture that tells tile and IoU(1)."""
        return f"{self.tile}_iou1_{self.iou_text}.png"

    def side_by_side(self) -> Pixels:
        """Return all panels from left to right as one picture (H, W, 3), small ones enlarged, with a caption below."""
        side = self.pictures[0].shape[0]
        times = math.ceil(_SMALLEST_SIDE / side)
        panels = [picture.repeat(times, axis=0).repeat(times, axis=1) for picture in self.pictures]
        height = panels[0].shape[0]
        gap = np.full((height, _GAP, 3), _WHITE, dtype=np.uint8)
        row = np.hstack([part for panel in panels for part in (panel, gap)][:-1])
        caption = Image.new("RGB", (row.shape[1], _CAPTION_HEIGHT), "white")
        text = f"{self.tile}: IoU(1) = {self.iou_text}    [{', '.join(PANELS)}]"
        ImageDraw.Draw(caption).text((2, 3), text, fill="black", font=_font())
        return np.vstack([row, np.asarray(caption)])


def draw_panels(
    tile: str, sample: Sample, predicted: NDArray[np.integer[Any]], bands: Sequence[str], classes: ClassTable
) -> Panels:
    """Draw the panels of one tile.

    The order and the measure are those of the Sentinel-1 building system's image handler. The first class, background
    as a rule, is not laid over the image, which would be hard to see below it.

    Args:
        tile: The tile's id.
        sample: Its image (C, H, W), its label (H, W) class indices, negative where there is no truth, and its valid
            pixels (H, W).
        predicted: (H, W) class indices.
        bands: The names of the bands.
        classes: For the colours.
    """
    known = sample.label >= 0
    image = _on_white(draw_image(sample.image, sample.valid, bands))
    prediction = _on_white(draw_classes(predicted, classes, sample.valid))
    truth = _on_white(draw_classes(sample.label, classes, known))
    pictures = (
        image,
        _lay_over(image, prediction, (predicted > 0) & sample.valid),
        prediction,
        _lay_over(image, truth, sample.label > 0),
        truth,
    )
    return Panels(tile, _iou(sample.label, predicted, known), pictures)


def _iou(truth: NDArray[Any], predicted: NDArray[Any], known: NDArray[np.bool_]) -> float:
    true, called = (truth == _CLASS) & known, (predicted == _CLASS) & known
    union = np.count_nonzero(true | called)
    return float(np.count_nonzero(true & called) / union) if union else math.nan


def _lay_over(image: Pixels, colours: Pixels, shown: NDArray[np.bool_]) -> Pixels:
    mixed = np.rint((1 - _OVERLAY_SHARE) * image + _OVERLAY_SHARE * colours).astype(np.uint8)
    return np.where(shown[..., None], mixed, image)


def _on_white(png: bytes) -> Pixels:
    """Return a picture without its transparency: white where it is transparent."""
    with Image.open(io.BytesIO(png)) as file:
        picture = file.convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(ground, picture).convert("RGB"))


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont:
    # Pillow's own font knows few scripts, and tiles are named after files of any.
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), _FONT_SIZE)

"""Where the pixels of a varied tile come from: turns, rotation, scale and crop, in at most one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from .....models.losses.loss import IGNORE_INDEX
from .variation import Variation

Image = NDArray[np.float32]
Label = NDArray[np.signedinteger[Any]]
Valid = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)

_SHARP = 0.5  # of the tiles that are not resampled


@dataclass(frozen=True)
class Placing:
    """How the window of what is shown lies on a tile.

    Attributes:
        angle: How far the content is turned, in radians, anticlockwise.
        factor: How many times it is enlarged.
        position: Where the window lies down and across, from -1 to 1, in the room that it has.
        quarters: By how many quarters it is turned after that, anticlockwise.
        flipped: Whether it is then mirrored top to bottom.
        mirrored: Whether it is then mirrored left to right.
    """

    angle: float = 0.0
    factor: float = 1.0
    position: tuple[float, float] = (0.0, 0.0)
    quarters: int = 0
    flipped: bool = False
    mirrored: bool = False


def draw_placing(variation: Variation, rng: np.random.Generator) -> Placing:
    """Return a placing by chance, with as many draws whatever the variation is.

    Half of them neither turn freely nor enlarge: the network must also see pixels as sharp as it will in prediction.
    """
    down, across, turned, enlarged, quarter, flip, mirror, sharp = rng.random(8).tolist()
    resampled = sharp >= _SHARP
    return Placing(
        angle=math.radians(variation.rotation) * (2 * turned - 1) if resampled else 0.0,
        factor=(1 + variation.scale) ** (2 * enlarged - 1) if resampled else 1.0,
        position=(2 * down - 1, 2 * across - 1),
        quarters=int(4 * quarter) if variation.quarter_turns else 0,
        flipped=variation.flips and flip < 0.5,
        mirrored=variation.flips and mirror < 0.5,
    )


def place(image: Image, label: Label, valid: Valid, placing: Placing, side: int) -> tuple[Image, Label, Valid]:
    """Return what the window shows of a tile before it is laid in one of eight ways; views where nothing is resampled.

    Args:
        image: (C, S, S) network input, 0 where it is not valid.
        label: (S, S) class indices.
        valid: (S, S) pixels with data.
        placing: Where the window lies.
        side: Its side in pixels, S at most.

    Returns:
        Image, label and valid pixels of that side. Beyond its edges the tile goes on in its mirror image, as in
        prediction. What is not valid is 0 in the image and IGNORE_INDEX in a resampled label.
    """
    if placing.angle or placing.factor != 1:
        return _resample(image, label, valid, placing, side)
    if side < valid.shape[-1]:
        return _cut(image, placing, side), _cut(label, placing, side), _cut(valid, placing, side)
    return image, label, valid


def lay(pixels: NDArray[Value], placing: Placing) -> NDArray[Value]:
    """Return a view of pixels (..., S, S) that is turned by quarters and then mirrored."""
    turned: NDArray[Value] = np.rot90(pixels, placing.quarters, axes=(-2, -1))
    return turned[..., :: -1 if placing.flipped else 1, :: -1 if placing.mirrored else 1]


def _cut(pixels: NDArray[Value], placing: Placing, side: int) -> NDArray[Value]:
    room = pixels.shape[-1] - side + 1
    top, left = (int((position + 1) / 2 * room) for position in placing.position)
    return pixels[..., top : top + side, left : left + side]


def _resample(image: Image, label: Label, valid: Valid, placing: Placing, side: int) -> tuple[Image, Label, Valid]:
    """Take the image between its pixels (bilinear), the label from the nearest."""
    length = valid.shape[-1]
    rows, cols = _sources(length, placing, side)
    nearest = _mirrored(rows, length) * length + _mirrored(cols, length)
    shown = valid.ravel()[nearest]
    # grid_sample counts from -1 to 1, from edge to edge, and first across.
    grid = torch.from_numpy((2 * np.stack([cols, rows], axis=-1) + 1) / length - 1)
    sampled = _between(image, grid)
    if not valid.all():
        # Only pixels with data have a say in those between them.
        weight = _between(valid[None].astype(np.float32), grid)
        np.divide(sampled, weight, out=sampled, where=shown)
        sampled *= shown
    return sampled, np.where(shown, label.ravel()[nearest], label.dtype.type(IGNORE_INDEX)), shown


def _mirrored(places: Image, length: int) -> NDArray[np.int32]:
    """Return the nearest pixel of each place along a side, as if the tile went on in its mirror image."""
    distance = np.mod(places + 0.5, 2 * length)
    nearest: NDArray[np.int32] = np.minimum(distance, 2 * length - distance).astype(np.int32)
    return nearest.clip(0, length - 1)


def _sources(length: int, placing: Placing, side: int) -> tuple[Image, Image]:
    """Return row and column in the tile, as float32, of the centre of every pixel of the window."""
    cos, sin = math.cos(placing.angle) / placing.factor, math.sin(placing.angle) / placing.factor
    # Only what turning adds to the window reaches out of the tile: its edges are shown as often as by upright windows.
    room = max(0.0, (length - side / placing.factor) / 2)
    row, col = ((length - 1) / 2 + room * position for position in placing.position)
    steps = np.arange(side) - (side - 1) / 2
    along, beside = (cos * steps).astype(np.float32), (sin * steps).astype(np.float32)
    return np.float32(row) + along[:, None] + beside, np.float32(col) - beside[:, None] + along


def _between(pixels: Image, grid: torch.Tensor) -> Image:
    """Return pixels (C, H, W) at a grid of positions (side, side, 2), mirrored beyond the edge."""
    sampled: Image = torch.nn.functional.grid_sample(
        torch.from_numpy(np.ascontiguousarray(pixels))[None], grid[None], padding_mode="reflection", align_corners=False
    )[0].numpy()
    return sampled

"""Which value a mosaic takes where several rasters have data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ....contract.stages.imagery import FIRST, LAST, MAXIMUM, MEAN, MEDIAN, MINIMUM, MOST_COMPLETE, SEAMLINE
from .pieces import Layer, Piece

_FARTHEST_PX = 256
_PART_BYTES = 64 * 1024 * 1024
_LEAST_SIDE, _MOST_SIDE = 64, 1024


@dataclass(frozen=True)
class Canvas:
    """A block of the mosaic: `image` (C, H, W) and `known` (C or 1, H, W), True where there is a value already."""

    image: NDArray[Any]
    known: NDArray[np.bool_]

    @classmethod
    def empty(cls, shape: tuple[int, int, int], dtype: str, *, by_band: bool, fill: float) -> Canvas:
        """Return a block without values.

        Args:
            shape: C, H, W.
            dtype: Data type of the values.
            by_band: Whether bands are known or not each for itself.
            fill: Stands where no value will be.
        """
        known = np.zeros((shape[0] if by_band else 1, *shape[1:]), np.bool_)
        return cls(np.zeros(shape, dtype) if fill == 0 else np.full(shape, fill, dtype), known)

    def part(self, place: tuple[slice, slice, slice]) -> Canvas:
        """Return a part, which shares its pixels with the whole."""
        return Canvas(self.image[place], self.known[place])

    def take(self, layer: Layer, wanted: NDArray[np.bool_] | None = None) -> None:
        """Take the values of a layer where it has some; with `wanted` (C or 1, H, W) only there."""
        if wanted is None:
            wanted = layer.known
        if wanted is None:
            self.image[...] = layer.image
            self.known[...] = True
        else:
            np.copyto(self.image, layer.image, where=wanted)
            np.logical_or(self.known, wanted, out=self.known)


def part_side(method: str, pieces: Sequence[Piece], bands: int, dtype: str) -> int | None:
    """Return the side of parts in which a block is to be made, to bound memory; None for the whole block at once."""
    if method in _METHODS_BY_VALUE:
        kept = len(pieces) * np.dtype(dtype).itemsize if method == MEDIAN else 0
        pixel_bytes = bands * (kept + np.dtype(np.float64).itemsize)
        return min(max(math.isqrt(_PART_BYTES // pixel_bytes), _LEAST_SIDE), _MOST_SIDE)
    if method == SEAMLINE or not all(piece.placed.is_direct for piece in pieces):
        return _MOST_SIDE
    return None


def compose(method: str, pieces: Sequence[Piece], canvas: Canvas, *, stretched: bool = False) -> None:
    """Fill a block from the pieces that lie in it.

    Values of floats are known or not band by band, those of whole numbers pixel by pixel. Means and medians of whole
    numbers are rounded to the nearest, halves to the even one.

    Args:
        method: One of METHODS. For "most complete" the pieces come in that order.
        pieces: The pieces, in order.
        canvas: The block, still empty.
        stretched: Whether pieces are read stretched beyond their edges.
    """
    _METHODS[method if len(pieces) > 1 else FIRST](pieces, canvas, stretched)


def _take_first(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    for whole in pieces:
        piece = whole.trim(canvas.known[whole.place])
        part = canvas.part(piece.place)
        if part.known.all():
            continue
        is_untouched = not part.known.any()
        if is_untouched and piece.fits(part.image):
            piece.read_into(part.image)
            part.known[...] = True
        else:
            layer = piece.read(stretched=stretched)
            wanted = layer.known if is_untouched else ~part.known & (True if layer.known is None else layer.known)
            part.take(layer, wanted)


def _take_last(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    _take_first(pieces[::-1], canvas, stretched)


def _take_lesser(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    _take_by(np.less, pieces, canvas, stretched)


def _take_greater(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    _take_by(np.greater, pieces, canvas, stretched)


def _take_by(better: np.ufunc, pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    for piece in pieces:
        part, layer = canvas.part(piece.place), piece.read(stretched=stretched)
        wanted = better(layer.image, part.image) | ~part.known
        wanted = wanted if layer.known is None else wanted & layer.known
        np.copyto(part.image, layer.image, where=wanted)
        np.logical_or(part.known, True if layer.known is None else layer.known, out=part.known)


def _take_mean(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    total = np.zeros(canvas.image.shape)
    count = np.zeros(canvas.known.shape, np.uint32)
    for piece in pieces:
        layer = piece.read(stretched=stretched)
        known = True if layer.known is None else layer.known
        np.add(total[piece.place], layer.image, out=total[piece.place], where=known)
        count[piece.place] += np.uint32(1) if layer.known is None else layer.known
    np.divide(total, count, out=total, where=count > 0)
    _put(total, count > 0, canvas)


def _take_median(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    dtype = canvas.image.dtype
    highest = np.inf if dtype.kind == "f" else np.iinfo(dtype).max  # what is missing is sorted behind all values
    stack = np.full((len(pieces), *canvas.image.shape), highest, dtype)
    count = np.zeros(canvas.known.shape, np.int32)
    for values, piece in zip(stack, pieces, strict=True):
        layer = piece.read(stretched=stretched)
        np.copyto(values[piece.place], layer.image, where=True if layer.known is None else layer.known)
        count[piece.place] += 1 if layer.known is None else layer.known
    stack.sort(axis=0)
    middle = np.zeros(canvas.image.shape)
    for at in ((count - 1) // 2, count // 2):
        places = np.broadcast_to(at.clip(0, len(pieces) - 1), canvas.image.shape)[None]
        middle += np.take_along_axis(stack, places, axis=0)[0]
    _put(middle / 2, count > 0, canvas)


def _put(values: NDArray[np.float64], known: NDArray[np.bool_], canvas: Canvas) -> None:
    rounded = values if canvas.image.dtype.kind == "f" else np.rint(values, out=values)
    np.copyto(canvas.image, rounded, where=known, casting="unsafe")
    np.logical_or(canvas.known, known, out=canvas.known)


def _take_innermost(pieces: Sequence[Piece], canvas: Canvas, stretched: bool) -> None:
    """Take the raster in which a pixel lies deepest; equally deep, or deeper than is looked, the first."""
    if not _any_overlap(pieces, (1, *canvas.known.shape[1:])):
        _take_first(pieces, canvas, stretched)
        return
    deepest = np.zeros(canvas.known.shape, np.float32)
    for piece in pieces:
        layer, depth = piece.read(stretched=stretched), _depth(piece)[None]
        part = canvas.part(piece.place)
        wanted = (depth > deepest[piece.place]) | ~part.known
        wanted = wanted if layer.known is None else wanted & layer.known
        np.copyto(deepest[piece.place], depth, where=wanted)
        part.take(layer, wanted)


def _depth(piece: Piece) -> NDArray[np.float32]:
    """Return (H, W) how far each pixel lies from the nearest one without data, or beyond the raster, up to a limit."""
    if piece.is_full:
        return _depth_in_rectangle(piece)
    known, place = piece.read_around(_FARTHEST_PX)
    # Beyond what was read lies the end of the raster, or more than the limit.
    depth: NDArray[np.float64] = distance_transform_edt(np.pad(known, 1))[1:-1, 1:-1][place]
    return depth.clip(max=_FARTHEST_PX).astype(np.float32)


def _depth_in_rectangle(piece: Piece) -> NDArray[np.float32]:
    whole, part = piece.placed.window, piece.window
    depths = []
    for start, size, first, count in (
        (whole.row_off, whole.height, part.row_off, part.height),
        (whole.col_off, whole.width, part.col_off, part.width),
    ):
        at = np.arange(first - start, first - start + count)
        depths.append(np.minimum(at + 1, size - at).astype(np.float32))
    depth: NDArray[np.float32] = np.minimum.outer(*depths).clip(max=_FARTHEST_PX)
    return depth


def _any_overlap(pieces: Sequence[Piece], shape: tuple[int, ...]) -> bool:
    taken = np.zeros(shape, np.bool_)
    for piece in pieces:
        part = taken[piece.place]
        if part.any():
            return True
        part[...] = True
    return False


_METHODS: dict[str, Callable[[Sequence[Piece], Canvas, bool], None]] = {
    FIRST: _take_first,
    LAST: _take_last,
    MINIMUM: _take_lesser,
    MAXIMUM: _take_greater,
    MEAN: _take_mean,
    MEDIAN: _take_median,
    MOST_COMPLETE: _take_first,
    SEAMLINE: _take_innermost,
}
_METHODS_BY_VALUE = (MEAN, MEDIAN)

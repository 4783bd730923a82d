"""The pixels of a stack: bands read on one grid, gaps hidden, further bands derived."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.events import Report, stop_if_cancelled
from ...raster import blocks, marks_single_bands
from ..view import View
from ..writing import Block, Plan, block_shape
from .band_choice import InputBand
from .derivation import Derived

_WIDEST_BYTES = 8


class StackedPixels:
    """Makes the pixels of a stack, window by window.

    Args:
        plan: What is to be written.
        views: The inputs, on the grid of the plan.
        bands: All their bands.
        chosen: Positions of those that become bands of the stack, in its order.
        derived: The bands that follow them.
        gapless: By the numbers of inputs whose zeros are blended into other values there: such an input without them.
        gaps: Whether pixels that are 0 in all input bands have no data.
        report: Asked whether to stop, and told in the end what was met.
    """

    def __init__(
        self, plan: Plan, views: Sequence[View], bands: Sequence[InputBand], chosen: Sequence[int],
        derived: Sequence[Derived], *, gapless: Mapping[int, View], gaps: bool, report: Report,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._views = views
        self._gapless = gapless
        self._bands = bands
        self._chosen = chosen
        self._derived = derived
        self._gaps = gaps
        self._report = report
        sources = {at for band in derived for at in band.sources.values()}
        self._needed = sorted({*chosen, *(at for at in sources if at < len(bands))})
        self._others = [at for at in range(len(bands)) if at not in self._needed]
        self._tells_bands = not plan.masked and marks_single_bands(plan.nodata, plan.dtype)
        self._holes = 0
        self._hidden = 0

    def make_block(self, window: Window) -> Block:
        """Return the pixels of a window of the grid, read in parts of bounded size however many inputs there are.

        Raises:
            InputError: A file is damaged there.
            Cancelled: The user has asked to stop.
        """
        height, width = int(window.height), int(window.width)
        shape = block_shape(width, _WIDEST_BYTES * (len(self._needed) + len(self._plan.bands)))
        image = np.empty((len(self._plan.bands), height, width), self._plan.dtype)
        shown = np.ones((height, width), np.bool_) if self._plan.masked else None
        for part in blocks(height, width, *shape):
            stop_if_cancelled(self._report)
            rows, cols = part.toslices()
            place = Window(window.col_off + part.col_off, window.row_off + part.row_off, part.width, part.height)
            valid = self._fill(image[:, rows, cols], place)
            if shown is not None:
                shown[rows, cols] = valid
        return Block(image, shown)

    def tell(self) -> None:
        """Tell how many gaps were met, and warn of single bands without data where the file cannot say it."""
        if self._hidden:
            self._report.note(
                f"{self._hidden} pixels that are 0 in all input bands became nodata. Where 0 is a value, switch "
                "ZERO_NODATA off."
            )
        if self._holes:
            self._report.warn(
                f"{self._holes} pixels lack data in some bands, but not in all. No nodata value can say so of single "
                "bands, so these pixels count as data. Give the inputs one nodata value other than 0, or stack floats."
            )

    def _fill(self, image: NDArray[Any], window: Window) -> NDArray[np.bool_]:
        """Fill (C, H, W) with the pixels of a window and return (H, W) True where any chosen band has data."""
        values, valid, zeros = self._read(self._needed, window)
        gaps = self._find_gaps(zeros, window)
        if gaps is not None:
            self._hidden += int(np.count_nonzero(gaps))
            valid = {at: one & ~gaps for at, one in valid.items()}
        with np.errstate(over="ignore"):
            for target, at in zip(image, self._chosen, strict=False):
                target[...] = values[at]
                if self._plan.nodata is not None:
                    target[~valid[at]] = self._plan.nodata
        self._derive(image[len(self._chosen) :], values, valid)
        if self._tells_bands:
            return np.ones(image.shape[1:], np.bool_)
        known = [valid[at] for at in self._chosen]
        anywhere: NDArray[np.bool_] = np.logical_or.reduce(known)
        self._holes += int(np.count_nonzero(anywhere & ~np.logical_and.reduce(known)))
        return anywhere

    def _derive(
        self, image: NDArray[Any], values: dict[int, NDArray[Any]], valid: dict[int, NDArray[np.bool_]]
    ) -> None:
        if not self._derived:
            return
        for at in self._needed:
            band = self._bands[at]
            source, index = self._views[band.raster].source, band.number - 1
            if (source.scales[index], source.offsets[index]) != (1, 0):
                values[at] = values[at] * np.float64(source.scales[index]) + source.offsets[index]
        for number, (target, derived) in enumerate(zip(image, self._derived, strict=True)):
            at = len(self._bands) + number
            values[at], valid[at] = derived.compute(values, valid)
            target[...] = values[at]

    def _read(
        self, positions: Collection[int], window: Window
    ) -> tuple[dict[int, NDArray[Any]], dict[int, NDArray[np.bool_]], dict[int, NDArray[np.bool_]]]:
        """Return pixels (H, W) of bands by their positions; True where they have data; True where these are 0."""
        values: dict[int, NDArray[Any]] = {}
        valid: dict[int, NDArray[np.bool_]] = {}
        zeros: dict[int, NDArray[np.bool_]] = {}
        for raster, group in groupby(positions, key=lambda at: self._bands[at].raster):
            members = list(group)
            image, known, zero = self._read_raster(raster, [self._bands[at].number for at in members], window)
            for number, at in enumerate(members):
                values[at], valid[at], zeros[at] = image[number], known[number], zero[number]
        return values, valid, zeros

    def _read_raster(
        self, raster: int, bands: Sequence[int], window: Window
    ) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return pixels (C, H, W), True where they have data, and True where these are 0.

        The edges of gaps are not blended with the zeros in them. These are put back in the end, since they may be
        values where other bands are none.
        """
        image, known = self._read_view(self._gapless.get(raster, self._views[raster]), bands, window)
        zero = image == 0
        if raster in self._gapless and not known.all():
            plain, inside = self._read_view(self._views[raster], bands, window)
            image, known = np.where(known, image, plain), inside
        return image, known, zero & known

    def _read_view(self, view: View, bands: Sequence[int], window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        image, known = view.read_bands(window, bands)
        return image, np.broadcast_to(np.True_ if known is None else known, image.shape)

    def _find_gaps(self, zeros: dict[int, NDArray[np.bool_]], window: Window) -> NDArray[np.bool_] | None:
        """Return (H, W) True where all input bands are 0; other bands are only read where those at hand are."""
        if not self._gaps:
            return None
        found = np.logical_and.reduce([zeros[at] for at in self._needed])
        for _, group in groupby(self._others, key=lambda at: self._bands[at].raster):
            if not found.any():
                return None
            _, _, zeros = self._read(list(group), window)
            found &= np.logical_and.reduce(list(zeros.values()))
        return found if found.any() else None

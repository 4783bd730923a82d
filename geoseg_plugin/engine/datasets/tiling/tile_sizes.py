"""How large tiles are where nobody says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....contract.events import Report
from ....contract.stages.datasets import CHOSEN_TILE_SIZES, DLTILE, MakeTiles
from .resampled import check_units, target_grid
from .scenes import Scene

# So many tiles side by side; more of the largest where validation parts images, and tiles across the borders are lost.
_ENOUGH, _ENOUGH_OF_LARGEST = 12, 24
_MOSTLY_FILLED = 0.9  # of the side of a tile, by an image that is smaller
_MOST = 0.5  # of all pixels must lie in images that are not smaller than that


def settle_tile_size(request: MakeTiles, scenes: Sequence[Scene], report: Report) -> MakeTiles:
    """Return the request as it is or, where its TILE_SIZE is 0, with a size that suits the images.

    That is the largest of CHOSEN_TILE_SIZES of which the images hold enough side by side, and most of them at least
    one, but for a small part of it; fewer of the largest are enough where there are so many images that validation
    takes whole ones. For the DLTile grid, which gives tiles names that tell their size, it is always the largest.

    Args:
        request: What is asked for.
        scenes: The images.
        report: Hears of it where the images are small.

    Raises:
        InputError: PIXEL_SIZE is larger than an image.
        RequestError: PIXEL_SIZE cannot be meant for all images.
    """
    if request.tile_size:
        return request
    largest, *_, smallest = CHOSEN_TILE_SIZES
    if request.layout == DLTILE:
        return replace(request, tile_size=largest)
    if request.pixel_size is not None:
        check_units(tuple(scenes))
    grids = [target_grid(scene, request.pixel_size) for scene in scenes]
    together = sum(grid.height * grid.width for grid in grids)
    parted = len(scenes) * request.validation < 100

    def holds_enough(side: int) -> bool:
        held = sum(one.height * one.width for one in grids if min(one.height, one.width) >= _MOSTLY_FILLED * side)
        enough = _ENOUGH_OF_LARGEST if side == largest and parted else _ENOUGH
        return held >= max(enough * side**2, _MOST * together)

    side = next(filter(holds_enough, CHOSEN_TILE_SIZES), smallest)
    if side < largest:
        images = "image is" if len(scenes) == 1 else "images are"
        report.note(f"The {images} small: TILE_SIZE is {side} in place of {largest} pixels, which gives more tiles.")
    return replace(request, tile_size=side)

"""Grids that scenes are resampled to: another pixel size, from the same corner."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ...grid import Grid, same_crs
from ...imagery.view import view_on_grid, warn_of_blending
from ...raster import open_raster
from ...vector import reproject
from .scenes import Scene
from .sheet import Sheet

_COARSER_BY = 1.01  # pixels of one size are no coarser for rounding


def target_grid(scene: Scene, pixel_size: float | None) -> Grid:
    """Return the grid on which the tiles of a scene lie: its own, or one with other pixels from the same corner on.

    Args:
        scene: The scene; the directions of its rows and columns stay.
        pixel_size: Side of the pixels in units of its CRS; None for those it has.

    Raises:
        InputError: The pixels would be larger than the scene.
    """
    grid = scene.grid
    if pixel_size is None:
        return grid
    across, down = grid.pixel_size
    width, height = round(grid.width * across / pixel_size), round(grid.height * down / pixel_size)
    if min(width, height) < 1:
        raise InputError(
            f"PIXEL_SIZE is {pixel_size:g}, but {scene.path} is only {grid.width * across:g} x {grid.height * down:g} "
            "in units of its CRS.",
            "Give PIXEL_SIZE in these units, which are degrees where the CRS is geographic.",
        )
    t = grid.transform
    right, below = (
        (t.a / across, t.d / across),
        (t.b / down, t.e / down),
    )  # ±1 and 0 without any error, where north is up
    moved = Affine(
        pixel_size * right[0], pixel_size * below[0], t.c, pixel_size * right[1], pixel_size * below[1], t.f
    )  # fmt: skip
    return Grid(grid.crs, moved, height, width)


def is_coarser(grid: Grid, source: Grid) -> bool:
    """Tell whether the pixels of a grid are larger than those of another one, in the middle of that."""
    middle = shapely.Point(source.transform @ (source.width / 2, source.height / 2))
    there = reproject(np.array([middle]), source.crs, grid.crs)[0]
    col, row = ~grid.transform @ (there.x, there.y)
    corners = [(col - 0.5, row - 0.5), (col + 0.5, row - 0.5), (col + 0.5, row + 0.5), (col - 0.5, row + 0.5)]
    pixel = reproject(np.array([shapely.Polygon([grid.transform @ one for one in corners])]), grid.crs, source.crs)
    return bool(shapely.area(pixel)[0] > _COARSER_BY * abs(source.transform.determinant))


def check_units(scenes: tuple[Scene, ...]) -> None:
    """Check that one pixel size means the same for all scenes.

    Raises:
        RequestError: Their CRSs have different units.
    """
    first = scenes[0]
    for scene in scenes[1:]:
        one, other = first.grid.crs, scene.grid.crs
        if one and other and not same_crs(one, other) and one.units_factor[0] != other.units_factor[0]:
            raise RequestError(
                f"PIXEL_SIZE cannot fit both {first.path}, whose CRS has {one.units_factor[0]}s, and {scene.path}, "
                f"whose CRS has {other.units_factor[0]}s.",
                "Make tiles of them one after the other, or warp them to one CRS first.",
            )


def check_resampling(sheet: Sheet, resampling: str, report: Report) -> None:
    """Check that the scene of a sheet can be seen on the sheet's grid; warn where classes would be blended.

    Raises:
        InputError: It cannot be read, or has no CRS.
    """
    if sheet.is_resampled:
        with open_raster(sheet.scene.path) as source, view_on_grid(source, sheet.grid, resampling) as view:
            warn_of_blending(view, resampling, report)

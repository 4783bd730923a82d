"""Tiles of the DLTile grid: a worldwide grid in UTM in which every tile has a fixed key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from affine import Affine
from rasterio.crs import CRS

from ....contract.errors import InputError
from ...grid import Grid

_MIDDLE_M = 500_000  # easting of the central meridian of a UTM zone
_FIRST_CODE = 32_600  # EPSG code of UTM north, less the zone
_ZONES = 60
_KEY = re.compile(r"(\d+)[:#](\d+)[:#](\d+(?:\.\d+)?(?:e-?\d+)?)[:#](\d+)[:#](-?\d+)[:#](-?\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class TileGrid:
    """The tiles of one size in one UTM zone.

    Cell (ti, tj) covers the eastings from 500 km + ti * step on and the northings from tj * step on, step being
    `cell` * `resolution`; its tile reaches `padding` pixels further on each side.

    Attributes:
        cell: Side of a tile without its padding, in pixels.
        padding: How far a tile reaches over its cell, in pixels.
        resolution: Side of a pixel in metres.
        zone: UTM zone, 1 to 60. It is always the northern one (EPSG:326zz), with negative northings in the south.

    Source: the DLTile of the Descartes Labs Platform; checked on three published keys.
    """

    cell: int
    padding: int
    resolution: float
    zone: int

    @property
    def step(self) -> float:
        """From one tile to the next, in metres."""
        return self.cell * self.resolution

    @property
    def crs(self) -> CRS:
        """The CRS of the tiles."""
        return CRS.from_epsg(_FIRST_CODE + self.zone)

    def key(self, ti: int, tj: int) -> str:
        """Return the key of a tile, tilesize:pad:resolution:zone:ti:tj."""
        return f"{self.cell}:{self.padding}:{float(self.resolution)}:{self.zone}:{ti}:{tj}"

    def file_name(self, ti: int, tj: int) -> str:
        """Return the key as it stands in names of files, in which a colon cannot be."""
        return self.key(ti, tj).replace(":", "#")

    def grid(self, west: int, south: int, east: int, north: int) -> Grid:
        """Return the pixel grid of the tiles from (west, south) to (east, north), all included, with their padding."""
        height = (north - south + 1) * self.cell + 2 * self.padding
        width = (east - west + 1) * self.cell + 2 * self.padding
        around = self.padding * self.resolution
        left, top = _MIDDLE_M + west * self.step - around, (north + 1) * self.step + around
        return Grid(self.crs, Affine(self.resolution, 0, left, 0, -self.resolution, top), height, width)

    def columns(self, easting: float) -> float:
        """Return the place of an easting as a number of cells; its floor is the `ti` of the cell there."""
        return (easting - _MIDDLE_M) / self.step

    def rows(self, northing: float) -> float:
        """Return the place of a northing as a number of cells; its floor is the `tj` of the cell there."""
        return northing / self.step


def read_key(text: str) -> tuple[TileGrid, int, int]:
    """Return the grid, ti and tj for a key, whether it is written with ':' or, as in names of files, with '#'.

    Raises:
        InputError: It is no key.
    """
    found = _KEY.fullmatch(text)
    if not found or float(found[3]) <= 0 or int(found[1]) <= 0 or not 0 < int(found[4]) <= _ZONES:
        raise InputError(
            f"'{text}' is no key of the DLTile grid.",
            "A key is tilesize:pad:resolution:zone:ti:tj, 512:0:10.0:13:-17:771.",
        )
    return TileGrid(int(found[1]), int(found[2]), float(found[3]), int(found[4])), int(found[5]), int(found[6])

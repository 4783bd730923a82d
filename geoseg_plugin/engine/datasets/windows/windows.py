"""Windows of scenes in place of the tiles of a dataset."""

from __future__ import annotations

from rasterio.windows import Window

from ....contract.errors import InputError
from ....contract.stages.datasets import MakeTiles
from ...class_raster import class_dtype
from ...imagery.paths import name_some
from ..checking.facts import TileFacts
from ..checking.pairs import Pair
from ..checking.reading import look_at_pixels
from ..dataset import Dataset, Tile
from ..layer import footprint_columns
from ..placed import PlacedTiles
from ..tile_source import TilePixels
from ..tiling.cutting import complete_tile, find_frames
from ..tiling.division import DividedTiles
from ..tiling.outcomes import Outcomes
from ..tiling.patches import cut_strips
from ..tiling.sheet_image import open_image
from ..tiling.sources import LabelSource
from ..tiling.strip_memory import StripMemory
from .readers import Readers


class Windows:
    """Gives the tiles that a request would cut, without any file: a `TileSource`.

    Args:
        request: The request, whose EDGES leave nothing over the edge but where a tile is larger than an image.
        labels: The labels of the sheets.
        outcomes: What became of their tiles.
        tiles: Those that were kept.
        memory: What is in memory of the sheets; the rest is read when it is asked for.
    """

    def __init__(
        self, request: MakeTiles, labels: LabelSource, outcomes: Outcomes, tiles: DividedTiles, memory: StripMemory
    ) -> None:
        self._request = request
        self._sheets = outcomes.sheets
        self._values = labels.classes.values
        self._ignore = class_dtype(labels.classes)[1]
        self._fields = footprint_columns(tiles.table, labels.classes)
        self._tiles = tiles
        self._memory = memory
        self._readers = Readers(request, outcomes.sheets, labels)
        self._frames = [find_frames(sheet, request.edges) for sheet in outcomes.sheets]
        self._kept = [(number, tile) for number, (_, own) in enumerate(outcomes.kept()) for tile in own.tolist()]
        self._rows = {name: row for row, name in enumerate(tiles.table.ids.tolist())}
        self._nodata: dict[int, float | None] = {}

    @property
    def name(self) -> str:
        """What the tiles are read from, in words."""
        return name_some([sheet.scene.path for sheet in self._sheets])

    def read(self, tile: Tile) -> TilePixels:
        """Return the pixels of a tile, as its files would have them.

        Raises:
            InputError: The scene or its labels cannot be read there.
        """
        return self._read(tile.id)

    def place(self, dataset: Dataset) -> PlacedTiles:
        """Return what tiles.gpkg would tell."""
        tiles = self._tiles
        return PlacedTiles(dataset, tiles.footprints[:], tiles.planes, tiles.footprints.crs, self._fields)

    def look_at(self, pair: Pair) -> TileFacts:
        """Return what a tile is like."""
        number, tile = self._kept[self._rows[pair.id]]
        sheet = self._sheets[number]
        row, col, height, width = sheet.places[tile].tolist()
        try:
            return look_at_pixels(
                pair, self._read(pair.id), sheet.grid.part(Window(col, row, width, height)),
                names=sheet.scene.band_names, nodata=self._find_nodata(number), ignore_value=self._ignore,
            )  # fmt: skip
        except InputError as error:
            return TileFacts(pair, problem=error.message)

    def label_values(self, pair: Pair) -> set[float]:
        """Return the class values that a tile shows."""
        counts = self._tiles.table.counts[self._rows[pair.id]]
        return {float(value) for value, count in zip(self._values, counts, strict=True) if count > 0}

    def close(self) -> None:
        """Close all files; nothing must be read any more."""
        self._readers.close()

    def _read(self, name: str) -> TilePixels:
        number, tile = self._kept[self._rows[name]]
        places, frames = self._frames[number]
        row, col, height, width = place = places[tile].tolist()
        strips = self._memory.find(number, place)
        if strips is None:
            strips = (self._readers.read(number, Window(col, row, width, height)),)
        frame = frames.get(tile)
        fill = 0 if frame is None else self._find_nodata(number) or 0
        return complete_tile(cut_strips(strips, place), frame, fill=fill, is_data=False, ignore=self._ignore)

    def _find_nodata(self, sheet: int) -> float | None:
        if sheet not in self._nodata:
            with open_image(self._sheets[sheet], self._request) as image:
                self._nodata[sheet] = image.nodata
        return self._nodata[sheet]

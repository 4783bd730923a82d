"""Stages that make training data."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .labels import background_value
from .stage import Stage


@dataclass(frozen=True)
class MakeTilesResult:
    """What MakeTiles gives back."""

    output: str = give(Kind.FOLDER, "Dataset", "Folder with images/, labels/, dataset.json and tiles.gpkg.")
    tiles: str = give(Kind.VECTOR, "Tile footprints", "One polygon per tile with split, class counts and statistics.")
    tile_count: int = give(Kind.NUMBER, "Number of tiles", "All tiles written.")
    train_count: int = give(Kind.NUMBER, "Training tiles", "Tiles that the network learns from.")
    validation_count: int = give(Kind.NUMBER, "Validation tiles", "Tiles that choose the best model.")


@dataclass(frozen=True)
class MakeTiles(Stage):
    """Cut images and their labels into tiles for training, and set whole blocks of them aside for validation.

    LABELS are either label rasters on the same pixel grid as the images, or one vector layer, which is then rasterized
    for every image. In label rasters that name no classes, 0 is the background. Validation tiles come from separate
    blocks of ground: a training tile that overlaps a validation tile is left out, so that no pixel is in both sets.

    The dataset is a folder of GeoTIFF pairs (images/, labels/), with dataset.json (bands, classes, statistics, how it
    was made) and tiles.gpkg, a layer of the tile footprints.
    """

    title = "Make training tiles"
    group = "Datasets"
    tags = ("chips", "patches", "dataset", "training data", "split", "validation", "tile")
    result = MakeTilesResult

    images: tuple[str, ...] = ask(Kind.LAYERS, "Images", "One or several rasters with the same bands.")
    labels: tuple[str, ...] = ask(
        Kind.LAYERS, "Labels", "Label raster(s) on the grids of the images, or one vector layer.", accepts="any"
    )
    field: str | None = ask(
        Kind.TEXT, "Class field", "For a vector layer: name of the attribute with the class.", optional=True
    )
    tile_size: int = ask(
        Kind.NUMBER, "Tile size", "Width and height of a tile; multiples of 32 suit networks best.", default=256,
        integer=True, minimum=32, maximum=4096, unit="pixels",
    )  # fmt: skip
    overlap: float = ask(
        Kind.NUMBER, "Overlap", "How much neighbouring tiles share.", default=25.0, minimum=0, maximum=90, unit="%"
    )
    validation: float = ask(
        Kind.NUMBER, "Validation share", "Share of the tiles set aside, as whole blocks.", default=20.0, minimum=0,
        maximum=90, unit="%",
    )  # fmt: skip
    background: str = ask(
        Kind.TEXT, "Background", "For a vector layer: class value of unlabelled pixels, or 'ignore'.", default="0",
        advanced=True,
    )  # fmt: skip
    all_touched: bool = ask(
        Kind.FLAG, "All touched pixels", "For a vector layer: burn every pixel that a feature touches.", default=False,
        advanced=True,
    )  # fmt: skip
    block_size: int = ask(
        Kind.NUMBER, "Block size", "Side of the blocks of which some are validation; 0 chooses.", default=0,
        integer=True, minimum=0, maximum=1_000_000, unit="pixels", advanced=True,
    )  # fmt: skip
    seed: int = ask(
        Kind.NUMBER, "Seed", "Another number chooses other validation blocks.", default=42, integer=True, minimum=0,
        maximum=2**31 - 1, advanced=True,
    )  # fmt: skip
    output: str = ask(Kind.FOLDER_OUT, "Dataset", "The folder to make; it must not exist yet, or be empty.")

    def check(self) -> None:
        """BACKGROUND must be readable."""
        background_value(self.background)

"""Stages that make training data out of images and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import RequestError
from ..fields import Kind, ask, give
from .imagery import ask_resampling
from .labels import ask_zero_nodata, background_value
from .stage import Stage

EVEN, STRIDE, RANDOM = "even overlap", "stride", "random"
DLTILE, COVERAGE, EARLIER = "DLTile grid", "coverage layer", "as in a dataset"
LAYOUTS = (EVEN, STRIDE, RANDOM, DLTILE, COVERAGE, EARLIER)
SHIFT, PAD_NODATA, PAD_VALUE = "shift inward", "pad with nodata", "pad with a value"
REFLECT, SHRINK, DROP = "reflect", "shrink", "drop"
EDGES = (SHIFT, PAD_NODATA, PAD_VALUE, REFLECT, SHRINK, DROP)
COMPRESSIONS = ("none", "deflate", "lzw", "zstd")


def ask_class_field() -> Any:
    """Declare the attribute that holds the class of features."""
    return ask(Kind.TEXT, "Class field", "For a vector layer: name of the attribute with the class.", optional=True)


# What tiles are where TILE_SIZE is 0, the largest of which there are enough.
CHOSEN_TILE_SIZES = (512, 256, 128, 64)
_SMALLEST_TILE = 32


def ask_tile_size() -> Any:
    """Declare the side of tiles; a stage that has it calls `check_tile_size`."""
    return ask(
        Kind.NUMBER, "Tile size (0: automatic)", "Width and height of a tile; multiples of 32 suit networks best. 0 "
        "takes 512 pixels, of which CROP of 'Train segmentation' shows parts, or where the images are small 256, 128 "
        "or 64.", default=0, integer=True, minimum=0, maximum=4096, unit="pixels",
    )  # fmt: skip


def check_tile_size(side: int) -> None:
    """Check that tiles are large enough.

    Raises:
        RequestError: They are too small for any network.
    """
    if 0 < side < _SMALLEST_TILE:
        raise RequestError(f"TILE_SIZE is {side} pixels.", f"Give {_SMALLEST_TILE} or more, or 0.")


def ask_overlap() -> Any:
    """Declare how much tiles overlap."""
    return ask(
        Kind.NUMBER, "Overlap", "How much neighbouring tiles share at least.", default=25.0, minimum=0, maximum=90,
        unit="%",
    )  # fmt: skip


def ask_validation() -> Any:
    """Declare how many tiles are set aside."""
    return ask(
        Kind.NUMBER, "Validation share", "Share of the tiles set aside, as whole blocks.", default=20.0, minimum=0,
        maximum=90, unit="%",
    )  # fmt: skip


def ask_block_size() -> Any:
    """Declare the side of the blocks that stay together in a split."""
    return ask(
        Kind.NUMBER, "Block size (0: automatic)", "Side of the blocks of ground that stay together.", default=0,
        integer=True, minimum=0, maximum=1_000_000, unit="pixels", advanced=True,
    )  # fmt: skip


def ask_seed(help: str) -> Any:
    """Declare the number that chance starts from."""
    return ask(Kind.NUMBER, "Seed", help, default=42, integer=True, minimum=0, maximum=2**31 - 1, advanced=True)


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
    for every image. In label rasters that name no classes, 0 is the background. Images and label rasters may also be
    all files of folders, paired by their names. Without labels the tiles are images only, which cannot train.

    LAYOUT says where tiles lie: "even overlap" spreads the fewest tiles that share at least OVERLAP over an image;
    "stride" sets them STRIDE apart, and EDGES says what becomes of those that reach over the edge; "random" draws
    COUNT of them in every image; "DLTile grid" takes the tiles of a worldwide grid in UTM with their fixed names,
    without data beyond the images; "coverage layer" sets one around the middle of every feature of COVERAGE; "as in a
    dataset" cuts the tiles of EARLIER once more, from the same or other images of the same grids.

    With PIXEL_SIZE images are resampled to that size first, label rasters by the most frequent class.

    Validation tiles come from separate blocks of ground: a training tile that shares ground with a validation tile is
    set "unused", so that no pixel is in both sets. Images of one place on several dates stay together.

    The dataset is a folder of GeoTIFF pairs (images/, labels/), with dataset.json (bands, classes, statistics, how it
    was made) and tiles.gpkg, a layer of the tile footprints. The same values and SEED give the same dataset; on the
    command line "run dataset.json --output FOLDER" makes it again.
    """

    title = "Make training tiles"
    group = "Datasets"
    tags = ("chips", "patches", "dataset", "training data", "split", "validation", "tile", "DLTile", "random")
    result = MakeTilesResult

    images: tuple[str, ...] = ask(Kind.LAYERS, "Images", "One or several rasters with the same bands.", optional=True)
    image_folder: str | None = ask(
        Kind.FOLDER, "Folder of images", "In place of IMAGES: all rasters in it and its subfolders.", optional=True,
        advanced=True,
    )  # fmt: skip
    labels: tuple[str, ...] = ask(
        Kind.LAYERS, "Labels", "Label raster(s) on the grids of the images, or one vector layer.", optional=True,
        accepts="any",
    )  # fmt: skip
    label_folder: str | None = ask(
        Kind.FOLDER, "Folder of label rasters", "In place of LABELS: every image takes the raster whose name fits.",
        optional=True, advanced=True,
    )  # fmt: skip
    pattern: str = ask(
        Kind.TEXT, "Pattern of image names", "Which files of IMAGE_FOLDER are images; * stands for any characters.",
        default="*.tif", advanced=True,
    )  # fmt: skip
    pairing: str | None = ask(
        Kind.TEXT, "From image to label name", "A part of the images' names and what stands in its place in the "
        "labels' names, such as _3b_, _vh_. By default both have the same name, whatever their suffix.", optional=True,
        advanced=True,
    )  # fmt: skip
    field: str | None = ask_class_field()
    tile_size: int = ask_tile_size()
    overlap: float = ask_overlap()
    layout: str = ask(Kind.CHOICE, "Where tiles lie", "Described above.", default=EVEN, choices=LAYOUTS)
    stride: int | None = ask(
        Kind.NUMBER, "Stride", "For the layout stride: from one tile to the next; by default what OVERLAP leaves.",
        optional=True, integer=True, minimum=1, maximum=100_000, unit="pixels", advanced=True,
    )  # fmt: skip
    edges: str = ask(
        Kind.CHOICE, "Tiles over the edge", "What becomes of tiles that reach over the edge of an image. Labels are "
        "ignored there, but where the image is reflected.", default=SHIFT, choices=EDGES, advanced=True,
    )  # fmt: skip
    fill: float = ask(
        Kind.NUMBER, "Value over the edge", 'For EDGES "pad with a value"; it counts as data.', default=0.0,
        advanced=True,
    )  # fmt: skip
    count: int = ask(
        Kind.NUMBER, "Random tiles", "For the layout random: tiles of every image.", default=100, integer=True,
        minimum=1, maximum=1_000_000, advanced=True,
    )  # fmt: skip
    coverage: str | None = ask(
        Kind.VECTOR, "Coverage layer", "For the layout coverage layer: polygons or points. For the DLTile grid: only "
        "tiles that touch it are cut.", optional=True, advanced=True,
    )  # fmt: skip
    earlier: str | None = ask(
        Kind.FOLDER, "Earlier dataset", "For the layout as in a dataset: the folder whose tiles are cut again, with "
        "their names, sizes, pixel size and splits.", optional=True, advanced=True,
    )  # fmt: skip
    padding: int = ask(
        Kind.NUMBER, "Padding", "For the DLTile grid: how far a tile reaches over its cell on each side; TILE_SIZE "
        "includes it.", default=0, integer=True, minimum=0, maximum=1024, unit="pixels", advanced=True,
    )  # fmt: skip
    pixel_size: float | None = ask(
        Kind.NUMBER, "Pixel size", "Side of the tiles' pixels in units of the images' CRS, in metres for the DLTile "
        "grid; by default that of the images.", optional=True, minimum=0, advanced=True,
    )  # fmt: skip
    resampling: str = ask_resampling("How images are resampled to PIXEL_SIZE or to the DLTile grid.", "bilinear")
    bands: str | None = ask(
        Kind.TEXT, "Bands", "Which bands the tiles have, in the order wanted: names or numbers, separated by commas. "
        "By default all but alpha.", optional=True, advanced=True,
    )  # fmt: skip
    max_nodata: float = ask(
        Kind.NUMBER, "Most pixels without data", "Tiles with a larger share are left out, and tiles without any data "
        "always.", default=100.0, minimum=0, maximum=100, unit="%", advanced=True,
    )  # fmt: skip
    min_labelled: float = ask(
        Kind.NUMBER, "Least labelled pixels", "Tiles with a smaller share of pixels of a class other than the "
        "background are left out.", default=0.0, minimum=0, maximum=100, unit="%", advanced=True,
    )  # fmt: skip
    min_classes: int = ask(
        Kind.NUMBER, "Fewest classes", "Tiles that hold fewer classes, the background counted, are left out.",
        default=1, integer=True, minimum=1, maximum=255, advanced=True,
    )  # fmt: skip
    zero_nodata: bool = ask_zero_nodata()
    background: str = ask(
        Kind.TEXT, "Background", "For a vector layer: class value of unlabelled pixels, or 'ignore'. For label rasters "
        "it is the class that does not count as labelled.", default="0", advanced=True,
    )  # fmt: skip
    all_touched: bool = ask(
        Kind.FLAG, "All touched pixels", "For a vector layer: burn every pixel that a feature touches.", default=False,
        advanced=True,
    )  # fmt: skip
    validation: float = ask_validation()
    block_size: int = ask_block_size()
    seed: int = ask_seed("Another number chooses other validation blocks and draws other random tiles.")
    compression: str = ask(
        Kind.CHOICE, "Compression", "Of the tiles on disk; uncompressed ones are read fastest.", default="none",
        choices=COMPRESSIONS, advanced=True,
    )  # fmt: skip
    workers: int = ask(
        Kind.NUMBER, "Threads", "How many write tiles at once; 0 takes two per processor, 8 at most. The result is "
        "the same.", default=0, integer=True, minimum=0, maximum=256, advanced=True,
    )  # fmt: skip
    resume: bool = ask(
        Kind.FLAG, "Go on where a run ended early", "Tiles are written into OUTPUT as they come and stay there if the "
        "run ends early. A later run with the same values and unchanged files keeps those that can be read and cuts "
        "the others; a dataset that is complete is left alone, with an error.", default=False, advanced=True,
    )  # fmt: skip
    output: str = ask(Kind.FOLDER_OUT, "Dataset", "The folder to make; it must not exist yet, or be empty.")

    def check(self) -> None:
        """Images must be given in one way, labels in one way at most, and LAYOUT have what it takes."""
        background_value(self.background)
        check_tile_size(self.tile_size)
        if bool(self.images) == bool(self.image_folder):
            both = "both given" if self.images else "both missing"
            raise RequestError(f"IMAGES and IMAGE_FOLDER are {both}.", "Give one of them.")
        if self.labels and self.label_folder:
            raise RequestError("LABELS and LABEL_FOLDER are both given.", "Give one of them.")
        for layout, name in ((COVERAGE, "coverage"), (EARLIER, "earlier"), (DLTILE, "pixel_size")):
            if self.layout == layout and not getattr(self, name):
                raise RequestError(f"LAYOUT is '{layout}', but {name.upper()} is missing.", f"Give {name.upper()}.")
        side = self.tile_size or CHOSEN_TILE_SIZES[0]
        if self.layout == DLTILE and side <= 2 * self.padding:
            raise RequestError(
                f"PADDING is {self.padding}, and TILE_SIZE, which includes it on both sides, is {side}.",
                "Give a smaller PADDING.",
            )
        if self.pixel_size is not None and self.pixel_size <= 0:
            raise RequestError(f"PIXEL_SIZE is {self.pixel_size:g}.", "Give a number above 0.")

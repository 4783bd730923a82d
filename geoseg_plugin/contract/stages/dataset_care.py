"""Stages that look at a dataset, split it anew, and find what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .datasets import ask_block_size, ask_seed
from .stage import Stage

NO_FOLDS, BY_BLOCKS, BY_SCENE = "none", "spatial blocks", "scene"
BY_NAME, BY_LAYER, AT_RANDOM = "name", "layer", "random"
FOLDS = (NO_FOLDS, BY_BLOCKS, BY_SCENE, BY_NAME, BY_LAYER, AT_RANDOM)
BY_BOX, BY_FOLD = "box", "fold"
METHODS = (BY_BLOCKS, BY_SCENE, BY_BOX, BY_LAYER, BY_FOLD, AT_RANDOM)
ALL_TILES, TRAINING_TILES = "all tiles", "training tiles"


@dataclass(frozen=True)
class TileStatisticsResult:
    """What TileStatistics gives back."""

    tiles: str = give(Kind.VECTOR, "Tile statistics", "One polygon per tile with its statistics and its fold.")
    tile_stats: str = give(Kind.FILE, "Table", "The same as a table with the columns of UNOSAT's tile_stats.csv.")
    summary: str = give(Kind.FILE, "Summary", "Statistics of the whole dataset, as JSON.")
    tile_count: int = give(Kind.NUMBER, "Number of tiles", "All tiles that were looked at.")
    skipped_count: int = give(Kind.NUMBER, "Tiles to skip", "Tiles that are empty or have one value only.")
    mean: str = give(Kind.TEXT, "Mean", "Mean of each band over all pixels with data, separated by commas.")
    std: str = give(Kind.TEXT, "Standard deviation", "The same for the standard deviation.")


@dataclass(frozen=True)
class TileStatistics(Stage):
    """Measure every tile of a dataset and all of them together, and put tiles into folds for cross-validation.

    For every tile: minimum, maximum, mean and standard deviation of each band, pixels and share of each class, share of
    pixels without data, and whether to skip it because it is empty or has one value only. For the dataset: the same
    over all pixels with data, with percentiles and histograms. Pixels without data never count.

    FOLDS says which tiles stay together: "spatial blocks" of ground, a "scene", a part of the "name" such as an MGRS
    tile, the polygons of a "layer", or each for itself at "random", which lets neighbours that share ground fall into
    different folds and makes figures too good. Tiles that belong to none have the fold -1.

    The dataset itself is not changed. 'Split dataset' can make a fold the validation set; it then leaves out tiles that
    share ground with one of another fold, as tiles that overlap do at the edges of blocks.
    """

    title = "Tile statistics"
    group = "Datasets"
    tags = ("mean", "standard deviation", "histogram", "percentiles", "folds", "cross-validation", "class balance")
    result = TileStatisticsResult

    dataset: str = ask(Kind.FOLDER, "Dataset", "A folder made by 'Make training tiles'.")
    of: str = ask(
        Kind.CHOICE, "Tiles of the whole", "Over which tiles the statistics of the dataset are taken.",
        default=ALL_TILES, choices=(ALL_TILES, TRAINING_TILES),
    )  # fmt: skip
    folds: str = ask(Kind.CHOICE, "Folds", "Which tiles stay together.", default=NO_FOLDS, choices=FOLDS)
    fold_count: int = ask(
        Kind.NUMBER, "Number of folds", "For spatial blocks, scene and random.", default=5, integer=True, minimum=2,
        maximum=100,
    )  # fmt: skip
    fold_names: str | None = ask(
        Kind.TEXT, "Parts of names", "For name: parts of the names of tiles or scenes, separated by commas, such as "
        "38SLF, 38RPV; the first is fold 0. Of several parts that fit, the longest counts.", optional=True,
        advanced=True,
    )  # fmt: skip
    fold_layer: str | None = ask(
        Kind.VECTOR, "Layer of folds", "For layer: polygons; a tile belongs to the one that its centre lies in.",
        optional=True, advanced=True,
    )  # fmt: skip
    fold_field: str | None = ask(
        Kind.FIELD, "Field of folds", "Its different values are the folds, in ascending order; without it each polygon "
        "is one.", optional=True, parent="fold_layer", advanced=True,
    )  # fmt: skip
    block_size: int = ask_block_size()
    seed: int = ask_seed("Another number makes other folds.")
    percentiles: str = ask(
        Kind.TEXT, "Percentiles", "Which ones the summary has, separated by commas.", default="1, 2, 5, 25, 50, 75, "
        "95, 98, 99", advanced=True,
    )  # fmt: skip
    bins: int = ask(
        Kind.NUMBER, "Histogram bins", "Between the smallest and the largest value of a band.", default=256,
        integer=True, minimum=2, maximum=65536, advanced=True,
    )  # fmt: skip
    tiles: str = ask(Kind.VECTOR_OUT, "Tile statistics", "The layer to write.")
    tile_stats: str | None = ask(
        Kind.FILE_OUT, "Table", "A table (CSV) with the columns index, img_min, img_max, img_mean, img_std, "
        "target_ratio, fold_index, skip, img_path and more.", optional=True, suffixes=(".csv",),
    )  # fmt: skip
    summary: str | None = ask(
        Kind.FILE_OUT, "Summary", "Statistics of the whole dataset, as JSON.", optional=True, suffixes=(".json",)
    )

    def check(self) -> None:
        """FOLDS must have what it takes, and PERCENTILES be numbers from 0 to 100."""
        if self.folds == BY_NAME and not self.fold_names:
            raise RequestError("FOLDS is 'name', but FOLD_NAMES is missing.", "Give parts of names: 38SLF, 38RPV.")
        if self.folds == BY_LAYER and not self.fold_layer:
            raise RequestError("FOLDS is 'layer', but FOLD_LAYER is missing.", "Give a layer of polygons.")
        percentages(self.percentiles)


@dataclass(frozen=True)
class SplitDatasetResult:
    """What SplitDataset gives back."""

    output: str = give(Kind.FOLDER, "Dataset", "The dataset with its new split.")
    tiles: str = give(Kind.VECTOR, "Tile footprints", "One polygon per tile with its new split.")
    train_count: int = give(Kind.NUMBER, "Training tiles", "Tiles that the network learns from.")
    validation_count: int = give(Kind.NUMBER, "Validation tiles", "Tiles that choose the best model.")
    test_count: int = give(Kind.NUMBER, "Test tiles", "Tiles that training never sees.")
    unused_count: int = give(Kind.NUMBER, "Unused tiles", "Tiles left out, because they lie too close to another set.")
    class_shares: str = give(Kind.TEXT, "Class shares", "Share of each class value in each set in percent, as JSON.")


@dataclass(frozen=True)
class SplitDataset(Stage):
    """Split the tiles of a dataset into training, validation and test anew, so that no ground is in two sets.

    METHOD says what stays together: "spatial blocks" of ground, drawn so that the sets have similar shares of every
    class; whole scenes ("scene"), those that VALIDATION_NAMES and TEST_NAMES name or else drawn; the tiles within a
    "box", or within polygons of a "layer", for validation; the folds of a layer made by 'Tile statistics' ("fold"),
    those that VALIDATION_NAMES and TEST_NAMES number; or single tiles at "random".

    Tiles that share ground with another set, or lie closer to it than BUFFER, become "unused": first training tiles,
    then validation tiles; so do tiles that lie only partly in a box or polygon. Tiles set unused before take part
    again. Scenes that share ground, such as dates of one place, go together.

    The given dataset is not changed. The result is a dataset of its own whose tiles are hard links to the same files,
    which takes no room; where the disk allows none they are copied. Fields that were added to its layer by hand do not
    come along.
    """

    title = "Split dataset"
    group = "Datasets"
    tags = ("train", "validation", "test", "hold-out", "spatial", "stratified", "cross-validation", "leakage")
    result = SplitDatasetResult

    dataset: str = ask(Kind.FOLDER, "Dataset", "A folder made by 'Make training tiles'.")
    method: str = ask(Kind.CHOICE, "Method", "What stays together.", default=BY_BLOCKS, choices=METHODS)
    validation: float = ask(
        Kind.NUMBER, "Validation share", "For methods that draw: share of the tiles.", default=20.0, minimum=0,
        maximum=90, unit="%",
    )  # fmt: skip
    test: float = ask(
        Kind.NUMBER, "Test share", "For methods that draw: share of the tiles.", default=10.0, minimum=0, maximum=90,
        unit="%",
    )  # fmt: skip
    buffer: float = ask(
        Kind.NUMBER, "Distance between sets", "Tiles of different sets lie at least this far apart.", default=0.0,
        minimum=0, maximum=100_000, unit="pixels",
    )  # fmt: skip
    stratify: bool = ask(
        Kind.FLAG, "Similar class shares", "Of many draws, take the one whose sets are most alike in their classes.",
        default=True, advanced=True,
    )  # fmt: skip
    validation_names: str | None = ask(
        Kind.TEXT, "Validation scenes or folds", "For scene: parts of names of scenes. For fold: numbers. Separated by "
        "commas.", optional=True, advanced=True,
    )  # fmt: skip
    test_names: str | None = ask(
        Kind.TEXT, "Test scenes or folds", "The same for the test set.", optional=True, advanced=True
    )
    box: str | None = ask(Kind.EXTENT, "Validation box", "For box: a rectangle, in any CRS.", optional=True)
    boxes: str | None = ask(
        Kind.FILE, "Table of boxes", "For box: a CSV file with the columns data, ymin, ymax, xmin, xmax: the name of "
        "an image and rows and columns in its pixels, the last ones not included.", optional=True, suffixes=(".csv",),
        advanced=True,
    )  # fmt: skip
    layer: str | None = ask(
        Kind.VECTOR, "Layer", "For layer: polygons. For fold: the layer that 'Tile statistics' wrote.", optional=True,
        advanced=True,
    )  # fmt: skip
    layer_field: str | None = ask(
        Kind.FIELD, "Field of the layer", "For layer: says train, validation or test of each polygon; without it all "
        "are validation. Elsewhere tiles train, but if there are polygons for training, only within these.",
        optional=True, parent="layer", advanced=True,
    )  # fmt: skip
    block_size: int = ask_block_size()
    seed: int = ask_seed("Another number draws another split.")
    output: str = ask(Kind.FOLDER_OUT, "Dataset", "The folder to make; it must not exist yet, or be empty.")

    def check(self) -> None:
        """METHOD must have what it takes, and shares leave something for training."""
        if self.validation + self.test >= 100:
            raise RequestError(
                f"VALIDATION {self.validation:g} % and TEST {self.test:g} % leave nothing for training.",
                "Give smaller shares.",
            )
        if self.method == BY_BOX and bool(self.box) == bool(self.boxes):
            raise RequestError("METHOD is 'box': BOX or BOXES must be given, not both.", "Give one of them.")
        if self.method in (BY_LAYER, BY_FOLD) and not self.layer:
            raise RequestError(f"METHOD is '{self.method}', but LAYER is missing.", "Give LAYER.")
        if self.method == BY_FOLD and not (self.validation_names or self.test_names):
            raise RequestError(
                "METHOD is 'fold', but VALIDATION_NAMES and TEST_NAMES are missing.", "Give numbers of folds."
            )


@dataclass(frozen=True)
class CheckDatasetResult:
    """What CheckDataset gives back."""

    report: str = give(Kind.FILE, "Report", "A page (HTML) with all findings and pictures of the tiles.")
    findings: str | None = give(Kind.FILE, "Findings", "A table with severity, finding, where, and what to do.")
    tiles: str | None = give(Kind.VECTOR, "Tiles concerned", "Footprints of the tiles that findings name.")
    error_count: int = give(Kind.NUMBER, "Errors", "Findings that make the dataset useless for training.")
    warning_count: int = give(Kind.NUMBER, "Warnings", "Findings that are probably mistakes.")
    class_weights: str = give(
        Kind.TEXT, "Class weights", "Suggested weight of each class value by median frequency, as JSON."
    )


@dataclass(frozen=True)
class CheckDataset(Stage):
    """Look for what makes training fail without a word: a preflight, which training does by itself as well.

    It finds grids of image and label that differ; labels that are no class, have one value only, are all background or
    all to be ignored; labels of 0 and 255, or divided by 255; scenes whose values have another scale, or bands in
    another order; bands that are constant or not finite; tiles that are there twice, or share ground with another set;
    tiles that lost their CRS; and classes that are rare, with weights against it.

    DATASET is a folder made by 'Make training tiles', or any folder with images/ and labels/ that hold rasters of the
    same names. Nothing in it is changed.
    """

    title = "Check dataset"
    group = "Datasets"
    tags = ("preflight", "validate", "quality", "labels", "leakage", "imbalance", "blank masks", "errors")
    result = CheckDatasetResult

    dataset: str = ask(Kind.FOLDER, "Dataset", "The folder to look at.")
    class_values: str | None = ask(
        Kind.TEXT, "Class values", "For a folder without dataset.json: the values that labels may have, separated by "
        "commas. By default all that occur, but then no value can be wrong.", optional=True, advanced=True,
    )  # fmt: skip
    report: str = ask(Kind.FILE_OUT, "Report", "The page to write.", suffixes=(".html",))
    findings: str | None = ask(
        Kind.FILE_OUT, "Findings", "The same as a table (CSV).", optional=True, suffixes=(".csv",)
    )
    tiles: str | None = ask(
        Kind.VECTOR_OUT, "Tiles concerned", "A layer of the tiles that findings name.", optional=True
    )

    def check(self) -> None:
        """CLASS_VALUES must be whole numbers."""
        class_values(self.class_values or "")


def percentages(text: str) -> tuple[float, ...]:
    """Return the numbers of a list such as "2, 98".

    Raises:
        RequestError: There is none, or one is no number from 0 to 100.
    """
    try:
        numbers = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = ()
    if not numbers or not all(0 <= number <= 100 for number in numbers):
        raise RequestError(f"PERCENTILES is '{text}'.", "Give numbers from 0 to 100, separated by commas.")
    return numbers


def class_values(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list such as "0, 1".

    Raises:
        RequestError: One is no whole number from 0.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdigit() for part in parts):
        raise RequestError(f"CLASS_VALUES is '{text}'.", "Give whole numbers from 0, separated by commas.")
    return tuple(int(part) for part in parts)

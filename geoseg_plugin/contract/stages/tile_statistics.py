"""The stage that measures a dataset and puts its tiles into folds."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .dataset_files import refuse_results_in_dataset
from .datasets import ask_block_size, ask_seed
from .stage import Stage

NO_FOLDS, BY_BLOCKS, BY_SCENE = "none", "spatial blocks", "scene"
BY_NAME, BY_LAYER, AT_RANDOM = "name", "layer", "random"
FOLDS = (NO_FOLDS, BY_BLOCKS, BY_SCENE, BY_NAME, BY_LAYER, AT_RANDOM)
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
        Kind.CHOICE, "Statistics over", "Over which tiles the statistics of the dataset are taken.",
        default=ALL_TILES, choices=(ALL_TILES, TRAINING_TILES),
    )  # fmt: skip
    folds: str = ask(Kind.CHOICE, "Folds", "Which tiles stay together.", default=NO_FOLDS, choices=FOLDS)
    fold_count: int = ask(
        Kind.NUMBER, "Number of folds", "For spatial blocks, scene and random.", default=5, integer=True, minimum=2,
        maximum=100,
    )  # fmt: skip
    fold_names: str | None = ask(
        Kind.TEXT, "Parts of names", "For name: parts of the names of scenes, or of tiles but for their row and "
        "column, separated by commas, such as 38SLF, 38RPV; the first is fold 0. Of several that fit the longest "
        "counts.", optional=True,
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
        """FOLDS must have what it takes, PERCENTILES be numbers from 0 to 100, and results be no part of DATASET."""
        refuse_results_in_dataset(self, self.dataset)
        if self.folds == BY_NAME and not self.fold_names:
            raise RequestError("FOLDS is 'name', but FOLD_NAMES is missing.", "Give parts of names: 38SLF, 38RPV.")
        if self.folds == BY_LAYER and not self.fold_layer:
            raise RequestError("FOLDS is 'layer', but FOLD_LAYER is missing.", "Give a layer of polygons.")
        percentages(self.percentiles)


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

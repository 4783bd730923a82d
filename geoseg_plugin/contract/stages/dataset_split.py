"""The stage that splits a dataset anew."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .dataset_files import refuse_results_in_dataset
from .datasets import ask_block_size, ask_seed
from .stage import Stage
from .tile_statistics import AT_RANDOM, BY_BLOCKS, BY_LAYER, BY_SCENE

BY_BOX, BY_FOLD = "box", "fold"
_USED_BY = {
    "validation_names": (BY_SCENE, BY_FOLD), "test_names": (BY_SCENE, BY_FOLD), "box": (BY_BOX,), "boxes": (BY_BOX,),
    "layer": (BY_LAYER, BY_FOLD), "layer_field": (BY_LAYER,),
}  # fmt: skip
METHODS = (BY_BLOCKS, BY_SCENE, BY_BOX, BY_LAYER, BY_FOLD, AT_RANDOM)


@dataclass(frozen=True)
class SplitDatasetResult:
    """What SplitDataset gives back."""

    output: str = give(Kind.FOLDER, "Split dataset", "The dataset with its new split.")
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
    those that VALIDATION_NAMES and TEST_NAMES number; or single tiles at "random", of which many are lost where tiles
    overlap.

    Tiles that share ground with another set, or lie closer to it than BUFFER, become "unused": first training tiles,
    then validation tiles; so do tiles that lie only partly in a box or polygon. Tiles set unused before take part
    again. Scenes that share ground, such as dates of one place, go together.

    The result is a dataset of its own. Its tiles are hard links to the same files, which takes no room, so that an
    edit of a tile's pixels later shows in both datasets; where the disk allows none they are copied. Fields that were
    added to the layer by hand do not come along.
    """

    title = "Split dataset"
    group = "Datasets"
    tags = ("train", "validation", "test", "hold-out", "spatial", "stratified", "cross-validation", "leakage")
    result = SplitDatasetResult

    dataset: str = ask(Kind.FOLDER, "Dataset to split", "A folder made by 'Make training tiles'.")
    method: str = ask(Kind.CHOICE, "Method", "What stays together.", default=BY_BLOCKS, choices=METHODS)
    validation: float = ask(
        Kind.NUMBER, "Validation share", "For methods that draw: share of the tiles.", default=20.0, minimum=0,
        maximum=90, unit="%",
    )  # fmt: skip
    test: float = ask(
        Kind.NUMBER, "Test share", "For methods that draw: share of the tiles.", default=10.0, minimum=0, maximum=90,
        unit="%",
    )  # fmt: skip
    validation_names: str | None = ask(
        Kind.TEXT, "Validation scenes or folds", "For scene: names of scenes, or parts of them. For fold: numbers. "
        "Separated by commas.", optional=True,
    )  # fmt: skip
    test_names: str | None = ask(Kind.TEXT, "Test scenes or folds", "The same for the test set.", optional=True)
    box: str | None = ask(Kind.EXTENT, "Validation box", "For box: a rectangle, in any CRS.", optional=True)
    boxes: str | None = ask(
        Kind.FILE, "Table of boxes", "For box: a CSV file with the columns data, ymin, ymax, xmin, xmax: the name of "
        "an image and rows and columns in its pixels, the last ones not included.", optional=True, suffixes=(".csv",),
        advanced=True,
    )  # fmt: skip
    layer: str | None = ask(
        Kind.VECTOR, "Layer", "For layer: polygons. For fold: the layer that 'Tile statistics' wrote.", optional=True,
    )  # fmt: skip
    layer_field: str | None = ask(
        Kind.FIELD, "Field of the layer", "For layer: says train, validation or test of each polygon; without it all "
        "are validation. Elsewhere tiles train, but if there are polygons for training, only within these.",
        optional=True, parent="layer", advanced=True,
    )  # fmt: skip
    buffer: float = ask(
        Kind.NUMBER, "Distance between sets", "Tiles of different sets lie at least this far apart, in pixels of "
        "the first scene.", default=0.0, minimum=0, maximum=100_000, unit="pixels",
    )  # fmt: skip
    stratify: bool = ask(
        Kind.FLAG, "Similar class shares", "Of many draws, take the one whose sets are most alike in their classes.",
        default=True, advanced=True,
    )  # fmt: skip
    block_size: int = ask_block_size()
    seed: int = ask_seed("Another number draws another split.")
    output: str = ask(Kind.FOLDER_OUT, "Dataset to make", "The folder to make; it must not exist yet, or be empty.")

    def check(self) -> None:
        """METHOD must have what it takes, shares leave something for training, and OUTPUT be no part of DATASET."""
        refuse_results_in_dataset(self, self.dataset)
        if self.validation + self.test >= 100:
            raise RequestError(
                f"VALIDATION {self.validation:g} % and TEST {self.test:g} % leave nothing for training.",
                "Give smaller shares.",
            )
        self._refuse_what_is_not_used()
        if self.method == BY_BOX and not (self.box or self.boxes):
            raise RequestError("METHOD is 'box', but BOX and BOXES are missing.", "Give one of them.")
        if self.box and self.boxes:
            raise RequestError("BOX and BOXES are both given.", "Give one of them.")
        if self.method in (BY_LAYER, BY_FOLD) and not self.layer:
            raise RequestError(f"METHOD is '{self.method}', but LAYER is missing.", "Give LAYER.")
        if self.method == BY_FOLD and not (self.validation_names or self.test_names):
            raise RequestError(
                "METHOD is 'fold', but VALIDATION_NAMES and TEST_NAMES are missing.", "Give numbers of folds."
            )

    def _refuse_what_is_not_used(self) -> None:
        for name, methods in _USED_BY.items():
            if getattr(self, name) and self.method not in methods:
                wanted = " or ".join(f"'{method}'" for method in methods)
                raise RequestError(
                    f"{name.upper()} is given, but METHOD is '{self.method}', which does not use it.",
                    f"Set METHOD to {wanted}, or leave {name.upper()} out.",
                )

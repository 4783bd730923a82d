"""The stage that finds what is wrong with a dataset."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .dataset_files import refuse_results_in_dataset
from .stage import Stage


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

    Another order of bands is found by their names or, where these are colours or numbers only, by values: among five
    scenes or more that are much alike, and bands that are not. Red and blue changed places over a town are not found.

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
        """CLASS_VALUES must be whole numbers, and results be no part of DATASET."""
        refuse_results_in_dataset(self, self.dataset)
        class_values(self.class_values or "")


def class_values(text: str) -> tuple[int, ...]:
    """Return the whole numbers of a list such as "0, 1".

    Raises:
        RequestError: One is no whole number from 0.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise RequestError(f"CLASS_VALUES is '{text}'.", "Give whole numbers from 0, separated by commas.")
    return tuple(int(part) for part in parts)

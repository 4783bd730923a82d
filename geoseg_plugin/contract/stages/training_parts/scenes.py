"""What a training learns from."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import RequestError
from ...fields import Kind, ask
from ..dataset_files import refuse_results_in_dataset
from ..datasets import ask_class_field, ask_overlap, ask_tile_size, ask_validation, check_tile_size
from ..stage import Stage


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ChoosesData(Stage):
    """Tiles of a dataset, or scenes that are read window by window."""

    dataset: str | None = ask(
        Kind.FOLDER, "Dataset", "A folder made by 'Make training tiles'; or else give IMAGES and LABELS.",
        optional=True,
    )  # fmt: skip
    images: tuple[str, ...] = ask(
        Kind.LAYERS, "Images", "In place of DATASET: one or several rasters with the same bands, which are read window "
        "by window. FIELD, TILE_SIZE, OVERLAP and VALIDATION are for them.", optional=True,
    )  # fmt: skip
    labels: tuple[str, ...] = ask(
        Kind.LAYERS, "Labels", "For IMAGES: label raster(s) on their grids, or one vector layer.", optional=True,
        accepts="any",
    )  # fmt: skip
    field: str | None = ask_class_field()
    tile_size: int = ask_tile_size()
    overlap: float = ask_overlap()
    validation: float = ask_validation()

    def check(self) -> None:
        """Either DATASET or IMAGES with LABELS must be given; no result may be a part of DATASET."""
        super().check()
        check_tile_size(self.tile_size)
        given = {"DATASET": self.dataset, "IMAGES": self.images, "LABELS": self.labels, "FIELD": self.field}
        if self.dataset:
            others = [name for name, value in given.items() if value][1:]
            if others:
                raise RequestError(
                    f"{' and '.join(('DATASET', *others))} are given.", "Give DATASET alone, or IMAGES with LABELS."
                )
            refuse_results_in_dataset(self, self.dataset)
        elif not (self.images and self.labels):
            missing = [name for name in ("IMAGES", "LABELS") if not given[name]]
            raise RequestError(
                f"DATASET is missing, and so {'are' if len(missing) > 1 else 'is'} {' and '.join(missing)}.",
                "Give DATASET, or IMAGES with LABELS.",
            )

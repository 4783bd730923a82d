"""Stages that train networks."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .dataset_files import refuse_results_in_dataset
from .stage import Stage
from .training_parts.augmentation import VariesTiles
from .training_parts.machine import ChoosesMachine
from .training_parts.network import ChoosesNetwork
from .training_parts.objective import ChoosesLoss
from .training_parts.results import WritesResults
from .training_parts.sampling import ChoosesTiles
from .training_parts.steps import ChoosesSteps


@dataclass(frozen=True)
class TrainSegmentationResult:
    """What TrainSegmentation gives back."""

    model: str = give(Kind.FILE, "Model", "The best model: weights and its card in one file.")
    report: str | None = give(Kind.FILE, "Report", "Curves, confusion matrix and example panels.")
    preview: str | None = give(Kind.FILE, "Preview of augmentation", "Training tiles as they are, and varied.")
    log: str | None = give(Kind.FOLDER, "Training log", "Figures of every epoch, and pictures.")
    best_iou: float = give(Kind.NUMBER, "Best IoU", "Mean IoU over the classes on the validation tiles, 0 to 1.")
    best_epoch: int = give(Kind.NUMBER, "Best epoch", "The epoch that the model is from, counted from 1.")
    epoch_count: int = give(Kind.NUMBER, "Number of epochs", "The epochs that were trained.")


@dataclass(frozen=True)
class _ChoosesDataset(Stage):
    dataset: str = ask(Kind.FOLDER, "Dataset", "A folder made by 'Make training tiles'.")


# The parameters of the last base come first.
@dataclass(frozen=True)
class TrainSegmentation(
    WritesResults, ChoosesMachine, ChoosesSteps, VariesTiles, ChoosesTiles, ChoosesLoss, ChoosesNetwork, _ChoosesDataset
):
    """Train a network that gives every pixel a class, from a dataset of tiles.

    The network learns from the training tiles; after every epoch it is measured on the validation tiles, and the epoch
    with the highest mean IoU is kept. MODEL holds the weights and a card that says how to use them (bands, scaling,
    classes, tile size, pixel size), so that prediction needs nothing but an image and this file. Cancelling keeps the
    best model so far.

    WEIGHTS "imagenet" starts from an encoder trained on photographs; it needs the internet once, or a file.
    """

    title = "Train segmentation"
    group = "Training"
    tags = ("deep learning", "unet", "neural network", "semantic segmentation", "land cover", "learn", "fit", "cnn")
    result = TrainSegmentationResult

    def check(self) -> None:
        """No result may be a part of DATASET; the rest as each part says."""
        super().check()
        refuse_results_in_dataset(self, self.dataset)

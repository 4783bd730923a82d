"""Stages that train networks."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, give
from .training_parts.augmentation import VariesTiles
from .training_parts.machine import ChoosesMachine
from .training_parts.network import ChoosesNetwork
from .training_parts.objective import ChoosesLoss
from .training_parts.preset import ChoosesPreset
from .training_parts.results import WritesResults
from .training_parts.sampling import ChoosesTiles
from .training_parts.scaling import ScalesPixels
from .training_parts.scenes import ChoosesData
from .training_parts.steps import ChoosesSteps
from .training_parts.tracking import TracksTraining


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


# The parameters of the last base come first.
@dataclass(frozen=True)
class TrainSegmentation(
    TracksTraining, WritesResults, ChoosesMachine, ChoosesSteps, VariesTiles, ScalesPixels, ChoosesTiles, ChoosesLoss,
    ChoosesNetwork, ChoosesPreset, ChoosesData,
):  # fmt: skip
    """Train a network that gives every pixel a class, from a dataset of tiles or straight from scenes.

    IMAGES and LABELS in place of DATASET are read window by window: the windows are the tiles that 'Make training
    tiles' cuts with the same values, its other parameters being as they are by default, and so are their split and
    their statistics, but no tile is written. The same model comes of both.

    The network learns from the training tiles; after every epoch it is measured on the validation tiles, and the epoch
    with the highest mean IoU is kept. MODEL holds the weights and a card that says how to use them (bands, scaling,
    classes, tile size, pixel size), so that prediction needs nothing but an image and this file. Cancelling keeps the
    best model so far.

    WEIGHTS "imagenet" starts from an encoder trained on photographs, which saves many epochs. The weights of
    tu-tf_efficientnet_lite0 come with the engine: where ENCODER is auto, WEIGHTS auto and imagenet take both in
    networks that else have resnet18. Those of other encoders need the internet once, or a file.
    """

    title = "Train segmentation"
    group = "Training"
    tags = ("deep learning", "unet", "neural network", "semantic segmentation", "land cover", "learn", "fit", "cnn")
    result = TrainSegmentationResult
    after_death = "After its first epoch it has left a checkpoint beside MODEL, from which RESUME goes on."

"""Stages that train networks."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from .dataset_files import refuse_results_in_dataset
from .stage import Stage, place_of

ARCHITECTURES = (
    "unet", "unetplusplus", "manet", "linknet", "fpn", "pspnet", "pan", "deeplabv3", "deeplabv3plus", "upernet",
    "segformer",
)  # fmt: skip
ENCODERS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "se_resnext50_32x4d", "mobilenet_v2",
    "efficientnet-b0", "efficientnet-b1", "efficientnet-b2", "efficientnet-b3", "efficientnet-b4",
    "timm-mobilenetv3_large_100", "densenet121", "vgg16_bn", "mit_b0", "mit_b1", "mit_b2",
)  # fmt: skip
LOSSES = ("cross entropy + dice", "cross entropy", "dice", "jaccard", "focal", "lovasz", "tversky")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainSegmentationResult:
    """What TrainSegmentation gives back."""

    model: str = give(Kind.FILE, "Model", "The best model: weights and its card in one file.")
    report: str | None = give(Kind.FILE, "Report", "Curves, confusion matrix and example panels.")
    best_iou: float = give(Kind.NUMBER, "Best IoU", "Mean IoU over the classes on the validation tiles, 0 to 1.")
    best_epoch: int = give(Kind.NUMBER, "Best epoch", "The epoch that the model is from, counted from 1.")


@dataclass(frozen=True)
class TrainSegmentation(Stage):
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

    dataset: str = ask(Kind.FOLDER, "Dataset", "A folder made by 'Make training tiles'.")
    architecture: str = ask(
        Kind.CHOICE, "Architecture", "The network; unet is a sound start.", default="unet", choices=ARCHITECTURES
    )
    encoder: str = ask(
        Kind.CHOICE, "Encoder", "The part that sees; resnet18 is small and quick.", default="resnet18", choices=ENCODERS
    )
    weights: str = ask(
        Kind.TEXT, "Encoder weights", "'none', 'imagenet', or the path of a .safetensors file.", default="none"
    )
    epochs: int = ask(
        Kind.NUMBER, "Epochs", "How often the network sees all training tiles.", default=30, integer=True, minimum=1,
        maximum=100_000,
    )  # fmt: skip
    loss: str = ask(Kind.CHOICE, "Loss", "What training minimises.", default=LOSSES[0], choices=LOSSES)
    augment: bool = ask(
        Kind.FLAG, "Augment", "Vary the tiles: flips, quarter turns, brightness and contrast.", default=True
    )
    batch_size: int = ask(
        Kind.NUMBER, "Batch size", "Tiles per step; 0 chooses.", default=0, integer=True, minimum=0, maximum=4096,
        advanced=True,
    )  # fmt: skip
    learning_rate: float = ask(
        Kind.NUMBER, "Learning rate", "Highest step width of the optimiser (AdamW).", default=0.001, minimum=1e-8,
        maximum=10, advanced=True,
    )  # fmt: skip
    precision: str = ask(
        Kind.CHOICE, "Precision", "bfloat16 is faster where the processor has it; auto looks.", default="auto",
        choices=PRECISIONS, advanced=True,
    )  # fmt: skip
    device: str = ask(Kind.TEXT, "Device", "auto, cpu, cuda or cuda:N.", default="auto", advanced=True)
    seed: int = ask(
        Kind.NUMBER, "Seed",
        "On the processor, with a fixed precision, the same seed trains the same model on the same machine.",
        default=42, integer=True, minimum=0, maximum=2**31 - 1, advanced=True,
    )  # fmt: skip
    model: str = ask(Kind.FILE_OUT, "Model", "The model file to write.", suffixes=(".safetensors",))
    report: str | None = ask(
        Kind.FILE_OUT, "Report", "A page with curves, confusion matrix and example panels.", optional=True,
        suffixes=(".html",),
    )  # fmt: skip

    def check(self) -> None:
        """MODEL must not overwrite the weights that training starts from, nor a result a part of DATASET."""
        refuse_results_in_dataset(self, self.dataset)
        if place_of(self.weights) == place_of(self.model):
            raise RequestError(f"MODEL would overwrite WEIGHTS ({self.model}).", "Choose another file to write.")

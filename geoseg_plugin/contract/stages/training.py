"""Stages that train networks."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import RequestError
from ..fields import Kind, ask, give
from ..given_weights import parse_given_weights
from ..loss_formula import SMOOTHED_LOSSES, Term, parse_losses
from ..networks import AUTO, ENCODERS, NETWORK, NETWORKS, millions
from .dataset_files import refuse_results_in_dataset
from .stage import Stage, place_of

ARCHITECTURES = tuple(NETWORK)
ENCODER_CHOICES = (AUTO, *ENCODERS)
LOSSES = {
    "cross entropy + dice": "a sound start for everything.",
    "cross entropy": "every pixel alike; calm, but rare classes may drown.",
    "binary cross entropy": "each class against all others; with two classes the same.",
    "binary cross entropy + dice": "with two classes the same as the first.",
    "cross entropy + 2 * jaccard": "overlap counts more; for buildings in radar images.",
    "dice": "overlap of areas; for rare classes.",
    "jaccard": "overlap as IoU measures it.",
    "tversky": "as dice, but misses are worse than false alarms, 0.7 to 0.3.",
    "f1": "the same as dice.",
    "f2": "as dice, but misses are four times as bad: for what must not be overlooked.",
    "focal": "pixels that are nearly right count less.",
    "lovasz": "follows IoU itself; slower, good to finish with.",
}
UNWEIGHTED, GIVEN = "none", "given"
CLASS_WEIGHTS = {
    UNWEIGHTED: "all classes alike.",
    "inverse frequency": "1 / share of the pixels.",
    "median frequency": "1 / share of the pixels in those tiles that show the class.",
    "effective number": "1 / share for rare classes, nearly the same for all that are not.",
    GIVEN: "as GIVEN_WEIGHTS says.",
}
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
        Kind.CHOICE, "Architecture", "The network.", default="unet", choices=ARCHITECTURES,
        notes=tuple(network.line for network in NETWORKS),
    )  # fmt: skip
    encoder: str = ask(
        Kind.CHOICE, "Encoder", "The part of the network that sees; listed with its number of parameters.",
        default=AUTO, choices=ENCODER_CHOICES,
        notes=("the usual one of the network.", *(millions(size) for size in ENCODERS.values())),
    )  # fmt: skip
    other_encoder: str | None = ask(
        Kind.TEXT, "Other encoder",
        "Any other encoder of segmentation-models-pytorch, or tu- and the name of one of timm; replaces ENCODER.",
        optional=True, advanced=True,
    )  # fmt: skip
    weights: str = ask(
        Kind.TEXT, "Weights",
        "What training starts from: 'none', 'imagenet' (of the encoder), or the path of a .safetensors file that holds "
        "an encoder's weights, or is a model of GeoSeg, which then learns on, also with other classes or bands.",
        default="none",
    )  # fmt: skip
    epochs: int = ask(
        Kind.NUMBER, "Epochs", "How often the network sees all training tiles.", default=30, integer=True, minimum=1,
        maximum=100_000,
    )  # fmt: skip
    loss: str = ask(
        Kind.CHOICE, "Loss", "What training minimises.", default="cross entropy + dice", choices=tuple(LOSSES),
        notes=tuple(LOSSES.values()),
    )  # fmt: skip
    loss_formula: str | None = ask(
        Kind.TEXT, "Loss formula",
        "A sum of losses with weights and arguments, such as 'cross entropy + 2 * f-beta(0.5)'; replaces LOSS. Those "
        "with arguments: focal(gamma), tversky(false positives, false negatives), f-beta(beta).",
        optional=True, advanced=True,
    )  # fmt: skip
    class_weights: str = ask(
        Kind.CHOICE, "Class weights",
        "What each class counts in the loss: more where it is rare in the training tiles, 1 in the mean.",
        default=UNWEIGHTED, choices=tuple(CLASS_WEIGHTS), notes=tuple(CLASS_WEIGHTS.values()),
        advanced=True,
    )  # fmt: skip
    given_weights: str | None = ask(
        Kind.TEXT, "Given weights", "For CLASS_WEIGHTS given: name=weight of each class, such as 'water=1, cloud=4.5'.",
        optional=True, advanced=True,
    )  # fmt: skip
    label_smoothing: float = ask(
        Kind.NUMBER, "Label smoothing",
        "For labels with errors: share of certainty that is taken from them and spread over all classes, in cross "
        "entropies and focal.",
        default=0.0, minimum=0, maximum=0.5, advanced=True,
    )  # fmt: skip
    border_weight: float = ask(
        Kind.NUMBER, "Border weight",
        "How much more pixels on the border between classes count in the loss: 1 + BORDER_WEIGHT at the border, "
        "falling evenly to 1 at BORDER_WIDTH. No border runs along ignored pixels.",
        default=0.0, minimum=0, maximum=100, advanced=True,
    )  # fmt: skip
    border_width: int = ask(
        Kind.NUMBER, "Border width", "How far from a border BORDER_WEIGHT reaches.", unit="pixels", default=4,
        integer=True, minimum=1, maximum=64, advanced=True,
    )  # fmt: skip
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
        """MODEL must not overwrite the weights that training starts from, nor a result a part of DATASET.

        Losses must be known, one of them must heed smoothed labels where these are asked for, and weights of classes
        must be given where they are asked for, and only there.
        """
        refuse_results_in_dataset(self, self.dataset)
        if place_of(self.weights) == place_of(self.model):
            raise RequestError(f"MODEL would overwrite WEIGHTS ({self.model}).", "Choose another file to write.")
        self._check_losses()
        if (self.class_weights == GIVEN) != (self.given_weights is not None):
            raise RequestError(
                f"CLASS_WEIGHTS is {self.class_weights}, and GIVEN_WEIGHTS is {self.given_weights or 'empty'}.",
                f"Give both CLASS_WEIGHTS {GIVEN} and GIVEN_WEIGHTS, or neither.",
            )
        if self.given_weights is not None:
            parse_given_weights(self.given_weights)

    def _check_losses(self) -> None:
        heeded = any(term.loss in SMOOTHED_LOSSES for term in self.loss_terms())
        if self.label_smoothing and not heeded:
            raise RequestError(
                f"LABEL_SMOOTHING is {self.label_smoothing:g}, but '{self.loss_formula or self.loss}' cannot use it.",
                f"Set LABEL_SMOOTHING to 0, or add one of: {', '.join(SMOOTHED_LOSSES)}.",
            )

    def loss_terms(self) -> tuple[Term, ...]:
        """Return the losses that are summed up.

        Raises:
            RequestError: LOSS_FORMULA cannot be read.
        """
        return parse_losses(self.loss_formula or self.loss)

"""What a trained model says of itself."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import torch

from ....models.card import Card
from ...contract.stages import to_json
from ...contract.stages.training import TrainSegmentation
from ..datasets.dataset import TRAIN, VALIDATION, Dataset
from ..run import version
from .course import Fit
from .metrics import Scores, trivial_matrix
from .plan import Plan


def make_card(
    request: TrainSegmentation, dataset: Dataset, plan: Plan, fitted: Fit, thresholds: dict[str, float]
) -> Card:
    """Return the card of the best epoch's model.

    Args:
        request: What was asked for.
        dataset: What it was trained on.
        plan: What was trained.
        fitted: What training gave.
        thresholds: For classes by name, the best probability from which on a pixel is called one.
    """
    import segmentation_models_pytorch

    return Card(
        architecture=request.architecture,
        encoder=plan.design.encoder,
        bands=plan.bands,
        dtype=dataset.dtype,
        classes=dataset.classes,
        ignore_value=dataset.ignore_value,
        tile_size=dataset.tile_size,
        pixel_size=dataset.pixel_size,
        crs=dataset.crs,
        dataset=str(dataset.folder.absolute()) if dataset.source is None else "",
        fingerprint=dataset.fingerprint,
        request=to_json(request),
        loss=plan.loss,
        metrics=_metrics(dataset, fitted),
        thresholds=thresholds,
        versions={
            "geoseg": version(),
            "torch": torch.__version__,
            "segmentation-models-pytorch": segmentation_models_pytorch.__version__,
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _metrics(dataset: Dataset, fitted: Fit) -> dict[str, Any]:
    """Return the figures of the best epoch as plain values, None where there is none.

    Trivial is to call all pixels the commonest class; a class' share of the pixels is its IoU where all are called it.
    """
    matrix, scores = fitted.best.measured.matrix, fitted.best.measured.scores
    true = matrix.sum(axis=1)
    kinds = {"iou": scores.iou, "f1": scores.f1, "precision": scores.precision, "recall": scores.recall}
    return {
        "measured_on": VALIDATION if dataset.split(VALIDATION) else TRAIN,
        "iou": scores.mean_iou,
        "trivial_iou": Scores.of(trivial_matrix(matrix, int(true.argmax()))).mean_iou,
        "accuracy": scores.accuracy,
        "best_epoch": fitted.best.number,
        "epochs": len(fitted.history),
        "classes": {
            name: {
                "share": float(true[index] / true.sum()),
                **{kind: None if math.isnan(values[index]) else float(values[index]) for kind, values in kinds.items()},
            }
            for index, name in enumerate(dataset.classes.names)
        },
    }

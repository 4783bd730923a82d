"""Training as a whole: it learns, repeats itself, keeps the best, and stops when told."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models.file import load_network, read_card, read_tensors


def _request(dataset, folder, **options):
    values = {"epochs": 8, "batch_size": 4, "learning_rate": 0.003, "device": "cpu", "precision": "float32", **options}
    return TrainSegmentation(dataset=dataset, model=str(folder / "model.safetensors"), **values)


def test_it_learns_a_toy_set(blobs, tmp_path, recorder):
    result = train_segmentation(_request(blobs, tmp_path), recorder)
    print(recorder.notes, recorder.warnings, recorder.texts)
    assert result.best_iou > 0.95

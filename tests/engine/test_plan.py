"""What is chosen for a training: here, how many tiles processes take together."""

from types import SimpleNamespace

import pytest
import torch
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.processes.processes import Processes
from geoseg.geoseg_plugin.engine.training import plan
from geoseg.geoseg_plugin.engine.training.plan import Plan

SUITS = 8


def size_of(monkeypatch, asked, *, device="cpu", processes=1, here=1, chosen=None):
    """The tiles per batch that are chosen where 8 suit a GPU, or a processor."""
    network = SimpleNamespace(parameters=lambda: iter([SimpleNamespace(device=torch.device(device))]))
    made = Plan(None, network, "", (), None, "", Processes(0, processes, here=here))
    request = TrainSegmentation(dataset="d", model="m.safetensors", batch_size=asked, precision="float32")
    monkeypatch.setattr(plan, "choose_batch_size", lambda *_: SUITS)
    return plan._try(request, chosen or {}, None, made, 100)[2]


@pytest.mark.parametrize(
    ("asked", "processes", "taken"), [(9, 1, 9), (1, 1, 1), (8, 2, 8), (9, 2, 10), (2, 2, 4), (8, 3, 9)]
)
def test_the_size_that_is_asked_for_is_shared_evenly(asked, processes, taken, monkeypatch):
    assert size_of(monkeypatch, asked, processes=processes, here=processes) == taken


@pytest.mark.parametrize(
    ("device", "processes", "here", "taken"),
    [("cpu", 1, 1, 8), ("cpu", 2, 2, 8), ("cpu", 4, 2, 16), ("cuda", 1, 1, 8), ("cuda", 2, 2, 16), ("cuda", 4, 2, 32)],
)
def test_without_one_it_is_what_suits_each_gpu_or_each_processor(device, processes, here, taken, monkeypatch):
    assert size_of(monkeypatch, 0, device=device, processes=processes, here=here) == taken


def test_what_was_chosen_before_stays(monkeypatch):
    chosen = {"precision": "bfloat16", "batch_size": 6}
    assert size_of(monkeypatch, 0, processes=2, here=2, chosen=chosen) == 6

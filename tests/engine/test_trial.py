"""Trials of a training step: what it keeps in memory, and what is chosen from that."""

from contextlib import contextmanager

import pytest
import torch
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.networks import NETWORK
from geoseg.geoseg_plugin.engine import precision as precisions
from geoseg.geoseg_plugin.engine.precision import warn_if_slow
from geoseg.geoseg_plugin.engine.training import trial
from geoseg.geoseg_plugin.engine.training.trial import Trial, choose_batch_size, choose_precision
from geoseg.models.catalog import build_network, training_loss
from geoseg.models.losses.loss import LossSettings, SummedLoss
from torch import nn

CPU = torch.device("cpu")
SIDE = 16
TILE_BYTES = (3 + 8) * SIDE**2 * 4  # the image, and what the ReLU gives


@pytest.fixture
def small():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
    return Trial(network, lambda logits, labels: logits.sum(), bands=3, side=SIDE)


@pytest.mark.parametrize("tiles", [2, 5])
def test_what_a_step_keeps_is_counted(small, tiles):
    assert small.kept_bytes(tiles, "float32") == tiles * TILE_BYTES


def test_what_is_kept_twice_counts_once(small):
    network = nn.Sequential(*small.network, nn.Sigmoid(), nn.Flatten(), nn.Unflatten(1, (8, SIDE, SIDE)), nn.Sigmoid())
    twice = Trial(network, lambda logits, labels: (logits * logits).sum(), 3, SIDE)
    assert twice.kept_bytes(2, "float32") == 2 * (TILE_BYTES + 2 * 8 * SIDE**2 * 4)


def test_a_trial_leaves_the_network_as_it_was(small):
    network = nn.Sequential(*small.network, nn.BatchNorm2d(8)).eval()
    before = [part.clone() for part in network.state_dict().values()]
    Trial(network, small.loss, 3, SIDE).kept_bytes(2, "float32")
    assert all(torch.equal(one, part) for one, part in zip(before, network.state_dict().values(), strict=True))
    assert not network.training


@pytest.mark.parametrize(("tiles_that_fit", "wanted"), [(100, 8), (8, 8), (7, 4), (4, 4), (3, 2), (0, 2)])
def test_on_a_cpu_the_batch_fits_into_free_memory(small, monkeypatch, tiles_that_fit, wanted):
    monkeypatch.setattr(trial, "free_memory", lambda: tiles_that_fit * TILE_BYTES / 0.4 + 1)
    assert choose_batch_size(0, 100, small, "float32", CPU) == wanted
    assert choose_batch_size(16, 100, small, "float32", CPU) == 16


def test_few_or_large_tiles_go_in_small_batches(small, monkeypatch):
    monkeypatch.setattr(trial, "free_memory", lambda: 1 << 40)
    assert choose_batch_size(0, 63, small, "float32", CPU) == 4
    monkeypatch.setattr(trial, "_CPU_PIXELS", 3 * SIDE**2)
    assert choose_batch_size(0, 100, small, "float32", CPU) == 3


def test_networks_that_need_more_memory_are_known_for_it():
    loss, kept = SummedLoss(LossSettings(parse_losses("cross entropy"))), {}
    for name in ("unet", "gscnn", "satellite-unet"):
        network = build_network(name, NETWORK[name].encoder, 3, 2)
        kept[name] = Trial(network, training_loss(network, loss), 3, 64).kept_bytes(2, "float32")
    assert kept["gscnn"] > 2 * kept["unet"]
    assert kept["satellite-unet"] > 2 * kept["unet"]


def test_on_a_gpu_half_is_tried_until_it_fits(monkeypatch):
    tried = []

    def attempt(size):
        tried.append(size)
        if size > 4:
            raise torch.OutOfMemoryError

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert trial._halve_until_it_fits(16, attempt) == 4
    assert tried == [16, 8, 4]


def test_a_gpu_too_small_for_two_tiles_is_said():
    def attempt(size):
        raise torch.OutOfMemoryError

    with pytest.raises(GeosegError, match="too small for two tiles"):
        trial._halve_until_it_fits(2, attempt)


def test_a_precision_that_is_asked_for_is_taken_untried(small):
    assert choose_precision("bfloat16", small, CPU) == ("bfloat16", "as asked")


@pytest.mark.parametrize(("chosen", "wanted"), [("cuda:0", "float16"), ("cuda:1", "bfloat16")])
def test_the_gpu_that_is_used_is_asked_for_its_precision(small, monkeypatch, chosen, wanted):
    """Of two, the second alone has bfloat16."""
    current = [0]

    @contextmanager
    def device(one):
        current.append(one.index)
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "device", device)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: current[-1] == 1)
    assert choose_precision("auto", small, torch.device(chosen))[0] == wanted


@pytest.mark.parametrize(("gain", "wanted"), [(2.0, "bfloat16"), (1.05, "float32")])
def test_bfloat16_has_to_be_faster(small, monkeypatch, gain, wanted):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    monkeypatch.setattr(Trial, "seconds", lambda *_: {"float32": gain, "bfloat16": 1.0})
    precision, reason = choose_precision("auto", small, CPU)
    assert precision == wanted
    assert f"{gain:.1f} times as fast" in reason


@pytest.mark.parametrize(
    ("precision", "device", "has_it", "warned"),
    [
        ("float16", "cpu", True, True),
        ("bfloat16", "cpu", False, True),
        ("bfloat16", "cpu", True, False),
        ("float32", "cpu", False, False),
        ("auto", "cpu", False, False),
        ("float16", "cuda", False, False),
    ],
)
def test_what_a_processor_imitates_is_warned_of(precision, device, has_it, warned, recorder, monkeypatch):
    monkeypatch.setattr(precisions, "processor_has_bfloat16", lambda: has_it)
    warn_if_slow(precision, torch.device(device), recorder)
    assert [text.split(".")[0] for text in recorder.warnings] == (
        [f"PRECISION {precision} is slow on this processor"] if warned else []
    )

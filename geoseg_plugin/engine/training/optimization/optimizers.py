"""What turns gradients into steps."""

from __future__ import annotations

import torch

from ....contract.stages.training import TrainSegmentation
from ....contract.stages.training_parts.steps import ADADELTA, ADAM, SGD


def build_optimizer(
    network: torch.nn.Module, request: TrainSegmentation, learning_rate: float
) -> torch.optim.Optimizer:
    """Return the OPTIMIZER of a training, for all weights of a network.

    They form one group: WEIGHT_DECAY pulls at all of them alike, those of normalisations and biases too, as torch does
    by itself. To spare these gains something in long trainings with large batches (He et al. 2019,
    https://arxiv.org/abs/1812.01187), not at a decay of 0.01 times the learning rate.

    Weights without gradient, as those of a frozen encoder, stay as they are, and are not pulled at; they may be thawed
    at any time.

    Sources: Loshchilov and Hutter 2019 (AdamW), https://arxiv.org/abs/1711.05101; Kingma and Ba 2015 (Adam),
    https://arxiv.org/abs/1412.6980; Sutskever et al. 2013 (Nesterov's momentum),
    https://proceedings.mlr.press/v28/sutskever13.html; Zeiler 2012 (Adadelta), https://arxiv.org/abs/1212.5701.

    Args:
        network: On its device, in float32.
        request: Whose OPTIMIZER, WEIGHT_DECAY and MOMENTUM count.
        learning_rate: The first step width; LEARNING_RATE of the request does not count.
    """
    weights, decay = network.parameters(), request.weight_decay
    if request.optimizer == SGD:
        # That of torch 2.15 which is fused fails when some weights have a momentum and others, just thawed, have none.
        momentum = request.momentum
        return torch.optim.SGD(weights, learning_rate, momentum=momentum, nesterov=momentum > 0, weight_decay=decay)
    if request.optimizer == ADADELTA:
        return torch.optim.Adadelta(weights, learning_rate, weight_decay=decay)
    if request.optimizer == ADAM:
        return torch.optim.Adam(weights, learning_rate, weight_decay=decay, fused=True)
    return torch.optim.AdamW(weights, learning_rate, weight_decay=decay, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let the coming steps of an optimizer be so wide."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate

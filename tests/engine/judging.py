"""Losses on scores and labels drawn at random."""

import numpy as np
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.models.losses.loss import IGNORE_INDEX, LossSettings, SummedLoss

WEIGHTS = (0.5, 3.0, 0.25)
DRAWS = [(classes, seed) for classes in (2, 3, 7) for seed in range(2)]


def make_loss(formula, **settings):
    """Return the loss of a formula with settings of LossSettings."""
    return SummedLoss(LossSettings(parse_losses(formula), **settings))


def make_case(classes=3, seed=0, side=8, ignored=0.0):
    """Return logits (2, K, side, side) that want a gradient, and labels, of which a share is to be ignored."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(2, classes, side, side, generator=generator)
    target = torch.randint(0, classes, (2, side, side), generator=generator)
    target[torch.rand(target.shape, generator=generator) < ignored] = IGNORE_INDEX
    return logits.requires_grad_(), target


def columns_of(logits, target):
    """Return softmax probabilities (K, P) and labels (P,) of the known pixels in float64, by numpy alone."""
    known = target.numpy().ravel() != IGNORE_INDEX
    scores = logits.detach().double().numpy().swapaxes(0, 1).reshape(logits.shape[1], -1)[:, known]
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0), target.numpy().ravel()[known]

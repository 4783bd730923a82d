"""What losses look at."""

import pytest
import torch
from geoseg.models.losses.judged import TINY, Judged


def test_probabilities_are_the_softmax_of_scores():
    logits = 20 * torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    ones = torch.ones(2, 4, 4)
    judged = Judged(logits, ones.long(), ones, torch.ones(3), 0.0)
    torch.testing.assert_close(judged.probability, torch.softmax(logits, dim=1))
    torch.testing.assert_close(judged.log_probability, torch.log_softmax(logits.double(), dim=1).float())
    assert judged.probability is judged.probability


def test_what_weighs_nothing_can_be_divided_by():
    nothing = torch.zeros(())
    assert (nothing / nothing.clamp(min=TINY)).item() == 0
    assert torch.tensor(1e-30).clamp(min=TINY).item() == pytest.approx(1e-30)

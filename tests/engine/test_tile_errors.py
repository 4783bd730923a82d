"""How wrong a network is on tiles."""

import pytest
import torch
from geoseg.geoseg_plugin.engine.training.tile_errors import choose_classes, tile_errors

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_strongest_class_is_chosen_and_of_equals_the_first(classes, layout, dtype):
    logits = torch.randn(3, classes, 16, 16, generator=torch.Generator().manual_seed(1))
    logits[0, :, :4] = 1.0
    logits[1, 1:, :4] = 9.0
    logits = logits.to(dtype).to(memory_format=layout).requires_grad_()
    chosen = choose_classes(logits)
    assert torch.equal(chosen.long(), logits.argmax(dim=1))
    assert set(chosen[0, :4].flatten().tolist()) == {0}
    assert not chosen.requires_grad


def test_the_share_of_wrong_pixels_leaves_out_what_is_not_labelled():
    labels = torch.zeros(4, 10, 10, dtype=torch.int64)
    labels[1, 0, :6] = 2
    labels[2, 1:] = -1
    labels[2, 0, :3] = 1
    labels[3] = -1
    logits = torch.zeros(4, 3, 10, 10)
    logits[:, 0] = 1.0  # all is called class 0
    assert tile_errors(logits, labels).tolist() == pytest.approx([0, 0.06, 0.3, 0])
    logits[:, 2] = 2.0  # all is called class 2
    assert tile_errors(logits, labels).tolist() == pytest.approx([1, 0.94, 1, 0])

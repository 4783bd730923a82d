"""Writing a torch network as ONNX."""

import numpy as np
import onnxruntime
import pytest
import torch
from geoseg.models.exchange import write_onnx
from geoseg.models.file import read_card
from geoseg.tests.engine.handmade import make_card


class _Small(torch.nn.Module):
    """Looks around with two convolutions, at full and at half resolution."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
        self.head = torch.nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, image):
        coarse = torch.nn.functional.max_pool2d(self.stem(image), 2)
        return torch.nn.functional.interpolate(self.head(coarse), scale_factor=2.0, mode="bilinear")


@pytest.mark.parametrize("any_size", [True, False])
def test_the_file_answers_like_the_network(tmp_path, any_size, capfd):
    torch.manual_seed(0)
    network, card, path = _Small().eval(), make_card(tile_size=96), tmp_path / "模型.onnx"
    write_onnx(network, card, path, any_size=any_size)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert read_card(str(path)) == card
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert (session.get_inputs()[0].shape[2] == 96) is not any_size
    for shape in [(1, 3, 32, 160), (3, 3, 64, 64)] if any_size else [(1, 3, 96, 96), (3, 3, 96, 96)]:
        windows = torch.randn(shape)
        with torch.inference_mode():
            wanted = network(windows).numpy()
        np.testing.assert_allclose(session.run(None, {"image": windows.numpy()})[0], wanted, atol=1e-5)

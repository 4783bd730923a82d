"""The ONNX of every network, with the encoders that it takes by itself, answers like torch; takes some minutes."""

import numpy as np
import onnxruntime
import pytest
import torch
from geoseg.geoseg_plugin.contract.networks import INCLUDED, NETWORKS, REPLACED
from geoseg.models.catalog import build_network, smallest_tile
from geoseg.models.exchange import write_onnx
from geoseg.tests.engine.handmade import make_card

# They pool into a fixed number of cells, which ONNX can only do for images of one size.
OF_ONE_SIZE = ("pspnet", "upernet")

USUAL = [(network.name, network.encoder) for network in NETWORKS]


@pytest.mark.parametrize(
    ("name", "encoder"), [*USUAL, *((name, INCLUDED) for name, encoder in USUAL if encoder == REPLACED)]
)
def test_onnx_answers_alike(name, encoder, tmp_path):
    """Compare with torch at two batch sizes, and at several image sizes where it takes them."""
    torch.manual_seed(0)
    network, side = build_network(name, encoder, 3, 2), max(64, smallest_tile(name))
    with torch.no_grad():
        # Moments like those of a trained network; without them what it gives is not of this world.
        for _ in range(10):
            network(torch.randn(4, 3, side, side))
    any_size, path = name not in OF_ONE_SIZE, tmp_path / "network.onnx"
    write_onnx(network.eval(), make_card(architecture=name, tile_size=side), path, any_size=any_size)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count, height, width in ((1, side, side), (3, side, side), (2, side, side + 96), (1, side + 32, side)):
        if any_size or height == width:
            images = torch.randn(count, 3, height, width)
            with torch.inference_mode():
                wanted = network(images).numpy()
            got = session.run(None, {"image": images.numpy()})[0]
            assert got.shape == wanted.shape == (count, 2, height, width)
            assert np.abs(got - wanted).max() < 1e-3 * min(1.0, np.abs(wanted).max())

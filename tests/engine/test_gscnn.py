"""Gated-SCNN: its layers, its two ways to answer, and that training with it can be repeated."""

import numpy as np
import pytest
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.train import train_segmentation
from geoseg.models.catalog import build_network, training_loss
from geoseg.models.file import read_card, read_tensors
from geoseg.models.gscnn import GatedScnn, _Gate
from geoseg.models.gscnn_losses import edge_loss, edge_truth
from geoseg.models.losses.loss import LossSettings, SummedLoss
from geoseg.tests.engine.precise import assert_precise

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def network():
    torch.manual_seed(0)
    return GatedScnn(3, 2, "resnet18")


def _size(module):
    return sum(part.numel() for part in module.parameters())


def _block(width):
    return 2 * (9 * width**2 + 2 * width)


def _gate(width):
    openness = 2 * (width + 1) + (width + 1) ** 2 + (width + 1) + (width + 1) + 1 + 2
    return openness + width**2


def test_it_has_the_layers_of_the_description(network):
    assert _size(network.encoder) == 11_176_512
    blocks = sum(_block(width) + (width + 1) * (width // 2) + _gate(width // 2) for width in (64, 32, 16))
    leads = 128 + 1 + 256 + 1 + 512 + 1
    assert _size(network.shape_stream) == blocks + leads + 8
    seen = 3 * (9 * 512 * 256) + 2 * 512 * 256 + 256 + 6 * 2 * 256
    assert _size(network.pyramid) == seen + 6 * 256 * 256
    assert _size(network.fine) == 64 * 48
    assert _size(network.head) == 9 * (304 + 256) * 256 + 4 * 256 + 256 * 2 + 2
    assert _size(network.edges_and_gradients) == 2


def test_in_training_it_gives_edges_too(network):
    image = torch.randn(2, 3, 64, 96)
    logits, edges = network(image)
    assert (logits.shape, edges.shape) == ((2, 2, 64, 96), (2, 1, 64, 96))
    with torch.inference_mode():
        assert network.eval()(image).shape == (2, 2, 64, 96)


def test_the_deepest_features_are_at_a_sixteenth(network):
    with torch.inference_mode():
        features = network.eval().encoder(torch.zeros(1, 3, 64, 96))
    assert [one.shape[-2:] for one in features[-2:]] == [(4, 6), (4, 6)]


@pytest.mark.parametrize("encoder", ["resnet18", "mobilenet_v2", "tu-convnext_atto"])
def test_every_parameter_learns(encoder):
    torch.manual_seed(0)
    network = build_network("gscnn", encoder, 2, 3)
    loss = training_loss(network, SummedLoss(LossSettings(parse_losses("cross entropy"))))
    target = torch.zeros(2, 65, 70, dtype=torch.int64)
    target[:, 20:40, 20:50] = 2
    loss(network(torch.randn(2, 2, 65, 70)), target).backward()
    unmoved = [name for name, part in network.named_parameters() if part.grad is None or not part.grad.any()]
    assert unmoved == []


def test_an_open_gate_doubles_what_a_closed_one_leaves_as_it_is():
    gate = _Gate(4).eval()
    gate.output.weight.data = torch.eye(4)[:, :, None, None]
    x, lead = torch.randn(1, 4, 6, 6), torch.randn(1, 1, 6, 6)
    for bias, times in ((40.0, 2.0), (0.0, 1.5), (-40.0, 1.0)):
        torch.nn.init.zeros_(gate.openness[4].weight)
        torch.nn.init.constant_(gate.openness[4].bias, bias)
        torch.testing.assert_close(gate(x, lead), times * x)


def test_edges_follow_deep_features_and_classes_follow_the_gradients(network):
    network.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        first, _, *deeper = network.encoder(image)[1:]
        edges = network.shape_stream(first, deeper, image.shape[-2:])
        others = network.shape_stream(first, [deeper[0], deeper[1], deeper[2] + 1], image.shape[-2:])
        logits = network(image)
        network.edges_and_gradients.weight[:, 0] += 1
        assert not torch.allclose(edges, others)
        assert not torch.allclose(network(image), logits)


def test_the_shape_stream_learns_where_classes_end(network, make_blob_tile):
    images, label = make_blob_tile(np.random.default_rng(1), 64)
    image = torch.from_numpy(images)[None].float().sub(90).div(40)
    target = torch.from_numpy(label == 7).long()[None]
    optimiser = torch.optim.AdamW(network.shape_stream.parameters(), lr=0.01)
    with torch.no_grad():
        first, _, *deeper = network.encoder(image)[1:]
    for _ in range(8):
        edges = network.shape_stream(first, deeper, image.shape[-2:])
        optimiser.zero_grad()
        edge_loss(edges, target).backward()
        optimiser.step()
    truth = edge_truth(target) > 0
    assert edges[truth].mean() > 1
    assert edges[~truth].mean() < -1


@pytest.fixture
def small_set(make_dataset, make_blob_tile):
    random = np.random.default_rng(0)
    return make_dataset([(split, *make_blob_tile(random, 32)) for split in ("train", "train", "validation")])


def _train(dataset, folder, recorder, **options):
    request = TrainSegmentation(
        dataset=dataset, model=str(folder / "model.safetensors"), architecture="gscnn", epochs=1, batch_size=2,
        device="cpu", precision="bfloat16", **options,
    )  # fmt: skip
    train_segmentation(request, recorder)
    return request.model


def test_the_same_seed_trains_the_same_weights(small_set, tmp_path, recorder):
    first, again = (read_tensors(_train(small_set, tmp_path / turn, recorder, seed=1)) for turn in ("a", "b"))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_in_low_precision_and_any_memory_order_it_answers_alike(network):
    assert_precise(network)


def test_what_it_adds_to_the_loss_is_told(small_set, tmp_path, recorder):
    page = tmp_path / "page.html"
    model = _train(small_set, tmp_path, recorder, loss="cross entropy", report=str(page))
    words = (
        "cross entropy; Gated-SCNN adds 20 * edge cross entropy + the same at certain edges + dual-task loss of borders"
    )
    assert f"Loss: {words}" in recorder.notes
    assert read_card(model).loss == words
    assert words in page.read_text(encoding="utf-8")

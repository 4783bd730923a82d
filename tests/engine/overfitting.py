"""Whether a network can learn two real tiles by heart, which any that is built and trained right can."""

import numpy as np
import rasterio
import torch
from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from geoseg.geoseg_plugin.engine.training.batches import Batch
from geoseg.geoseg_plugin.engine.training.learner import Learner
from geoseg.geoseg_plugin.engine.training.optimization.schedules import Schedule
from geoseg.models.catalog import build_network, choose_encoder, training_loss
from geoseg.models.losses.loss import LossSettings, SummedLoss

SIDE = 128
CORNERS = ((100, 100), (356, 420))  # 47 and 42 % of their pixels are buildings
STEPS, STEPS_BETWEEN = 120, 10
HIGHEST_RATE = 0.001
FAST = "bfloat16" if torch.cpu.get_capabilities().get("amx_bf16") else "float32"


def read_tiles(data):
    """Return two tiles of Las Vegas (2, 3, SIDE, SIDE), standardised, and where buildings are (2, SIDE, SIDE)."""
    folder = data / "spacenet2_vegas"
    with (
        rasterio.open(folder / "vegas_psrgb_uint16.tif") as image,
        rasterio.open(folder / "vegas_building_mask.tif") as mask,
    ):
        windows = [rasterio.windows.Window(col, row, SIDE, SIDE) for row, col in CORNERS]
        images = np.stack([image.read(window=window) for window in windows]).astype(np.float32)
        labels = np.stack([mask.read(1, window=window) for window in windows]).astype(np.int64)
    images -= images.mean((0, 2, 3), keepdims=True)
    images /= images.std((0, 2, 3), keepdims=True)
    return torch.from_numpy(images).contiguous(memory_format=torch.channels_last), torch.from_numpy(labels)


def overfit(architecture, data, wanted):
    """Train on two tiles as GeoSeg does, until the lower IoU of both classes is above `wanted`; return it and steps."""
    torch.manual_seed(0)
    images, labels = read_tiles(data)
    network = build_network(architecture, choose_encoder(architecture, "auto"), images.shape[1], 2)
    network = network.to(memory_format=torch.channels_last)
    loss = training_loss(network, SummedLoss(LossSettings(parse_losses("cross entropy + dice"))))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    learner = Learner(network, loss, optimizer, FAST, longest_gradient=1.0)
    schedule = Schedule(TrainSegmentation(dataset="tiles", model="model.safetensors"), STEPS)
    reached = 0.0
    for done in range(STEPS):
        network.train()
        learner.step([Batch(images, labels, (0, 1))], HIGHEST_RATE * schedule.factor(done / STEPS))
        if (done + 1) % STEPS_BETWEEN == 0:
            reached = lowest_iou(network, images, labels)
            if reached > wanted:
                return reached, done + 1
    return reached, STEPS


def lowest_iou(network, images, labels):
    """Return the lowest IoU of a class, of a network that sees one tile at a time in float32, as in prediction."""
    with torch.inference_mode():
        chosen = torch.cat([network.eval()(image[None]) for image in images]).argmax(1)
    hits = [((chosen == index) & (labels == index)).sum() for index in (0, 1)]
    either = [((chosen == index) | (labels == index)).sum() for index in (0, 1)]
    return min((hit / both).item() for hit, both in zip(hits, either, strict=True))

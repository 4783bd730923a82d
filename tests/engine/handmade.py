"""Models with known answers."""

import numpy as np
import onnx
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.models.card import Band, Card
from onnx import TensorProto, helper

CLASSES = {0: "background", 1: "building", 5: "water"}


def make_card(bands=("red", "green", "blue"), classes=CLASSES, **values):
    """Return the card of a hand-made network."""
    return Card(
        **{
            "architecture": "hand-made",
            "encoder": "none",
            "bands": tuple(Band(name, 100.0, 50.0) for name in bands),
            "dtype": "uint8",
            "classes": ClassTable.named(classes),
            "ignore_value": 255,
            "tile_size": 64,
            "pixel_size": (0.5, 0.5),
            "crs": "EPSG:32645",
            **values,
        }
    )


def write_pixelwise(path, card, weights, bias, *, card_text=None):
    """Write an ONNX model whose logits are a linear function of each pixel alone; weights (K, C), bias (K,).

    With weights (K, C, side, side), of an odd side, they are one of the pixels around it, beyond the window 0.
    """
    weights, bias = np.asarray(weights, np.float32), np.asarray(bias, np.float32)
    count, bands, *_ = weights.shape
    kernel = list(weights.shape[2:]) or [1, 1]
    pads = [side // 2 for side in kernel] * 2
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights", "bias"], ["logits"], kernel_shape=kernel, pads=pads)],
        "pixelwise",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", bands, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", count, "h", "w"])],
        [
            helper.make_tensor("weights", TensorProto.FLOAT, [count, bands, *kernel], weights.ravel()),
            helper.make_tensor("bias", TensorProto.FLOAT, [count], bias),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"geoseg_card": card.to_text() if card_text is None else card_text})
    onnx.save(model, path)
    return str(path)

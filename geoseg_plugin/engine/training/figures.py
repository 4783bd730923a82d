"""The pictures of the training report, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...contract.classes import ClassTable
from .loop import Epoch
from .tiles import Sample

Pixels = NDArray[np.uint8]

_STRETCH_PERCENT = 2, 98
_MEAN_COLOUR = "#1a1a1a"
_MOST_CLASS_CURVES = 12


def draw_curves(history: Sequence[Epoch], best: Epoch, classes: ClassTable) -> bytes:
    """Draw loss and IoU against the epoch, with a mark at the best one."""
    # The figure is made without pyplot, which would look for a screen and keep it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, ious = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    marker = "o" if len(history) == 1 else None
    losses.plot(numbers, [epoch.loss for epoch in history], color="#0072b2", marker=marker, label="training")
    losses.plot(numbers, [one.measured.loss for one in history], color="#e69f00", marker=marker, label="measured")
    losses.set(title="Loss", xlabel="Epoch")
    for index, one in enumerate(tuple(classes)[:_MOST_CLASS_CURVES]):
        values = [epoch.measured.scores.iou[index] for epoch in history]
        ious.plot(numbers, values, color=one.colour, linewidth=1.2, marker=marker, label=one.name)
    means = [epoch.measured.scores.mean_iou for epoch in history]
    ious.plot(numbers, means, color=_MEAN_COLOUR, linewidth=2.2, marker=marker, label="mean")
    ious.plot([best.number], [best.measured.scores.mean_iou], "o", color=_MEAN_COLOUR, markersize=7)
    ious.set(title="Intersection over union", xlabel="Epoch", ylim=(0, 1.02))
    for axes in (losses, ious):
        axes.axvline(best.number, color="#999999", linewidth=0.8, linestyle=":")
        axes.grid(color="#eeeeee")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize="small")
        axes.xaxis.get_major_locator().set_params(integer=True)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=144)
    return stream.getvalue()


def draw_image(sample: Sample, bands: Sequence[str]) -> bytes:
    """Draw a tile in colour where it has three bands or more (red, green and blue if so named), else in grey.

    Each band is stretched between percentiles of its valid pixels; pixels without data are transparent.
    """
    lowered = [name.lower() for name in bands]
    named = [lowered.index(colour) for colour in ("red", "green", "blue") if colour in lowered]
    if len(named) < 3:
        named = [0, 1, 2] if len(bands) >= 3 else [0, 0, 0]
    rgb = np.stack([_stretch(sample.image[band], sample.valid) for band in named], axis=-1)
    return _png(rgb, sample.valid)


def draw_classes(indices: NDArray[np.integer], classes: ClassTable, shown: NDArray[np.bool_]) -> bytes:
    """Draw class indices (H, W) in the colours of the classes; what is not `shown` is transparent."""
    colours = np.array([one.rgb for one in classes], dtype=np.uint8)
    return _png(colours[np.where(shown, indices, 0)], shown)


def _stretch(band: NDArray[np.generic], valid: NDArray[np.bool_]) -> Pixels:
    values = band.astype(np.float64)
    if not valid.any():
        return np.zeros(band.shape, dtype=np.uint8)
    low, high = np.percentile(values[valid], _STRETCH_PERCENT)
    scaled = (np.where(valid, values, low) - low) / max(high - low, 1e-12)
    stretched: Pixels = (255 * scaled.clip(0, 1)).astype(np.uint8)
    return stretched


def _png(rgb: Pixels, shown: NDArray[np.bool_]) -> bytes:
    from matplotlib.image import imsave

    stream = io.BytesIO()
    alpha = np.where(shown, 255, 0).astype(np.uint8)
    imsave(stream, np.ascontiguousarray(np.dstack([rgb, alpha])), format="png")
    return stream.getvalue()

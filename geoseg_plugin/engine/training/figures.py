"""The curves of the training report, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ...contract.classes import ClassTable
from .course import Epoch

_MEAN_COLOUR = "#1a1a1a"
_CLASS_WIDTH, _OUTLINE_WIDTH, _OUTLINE_COLOUR = 1.2, 2.4, "#667085"
_MOST_CLASS_CURVES = 12


def draw_curves(history: Sequence[Epoch], best: Epoch, classes: ClassTable, *, own_loss: bool = False) -> bytes:
    """Draw loss and IoU against the epoch, with a mark at the best one.

    Args:
        history: All epochs.
        best: The best of them.
        classes: For names and colours.
        own_loss: Whether the network adds to the loss in training what is not measured.
    """
    # The figure is made without pyplot, which would look for a screen and keep it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, ious = figure.subplots(1, 2)
    numbers = [epoch.number for epoch in history]
    marker = "o" if len(history) == 1 else None
    labels = ("training, with what the network adds", "measured, without it") if own_loss else ("training", "measured")
    losses.plot(numbers, [epoch.loss for epoch in history], color="#0072b2", marker=marker, label=labels[0])
    losses.plot(numbers, [one.measured.loss for one in history], color="#e69f00", marker=marker, label=labels[1])
    losses.set(title="Loss", xlabel="Epoch")
    outline = [withStroke(linewidth=_OUTLINE_WIDTH, foreground=_OUTLINE_COLOUR)]  # classes may be white
    for index, one in enumerate(tuple(classes)[:_MOST_CLASS_CURVES]):
        values = [epoch.measured.scores.iou[index] for epoch in history]
        ious.plot(
            numbers, values, color=one.colour, linewidth=_CLASS_WIDTH, marker=marker, label=one.name,
            path_effects=outline,
        )  # fmt: skip
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

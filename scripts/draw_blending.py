"""Draw docs/images/blending.png: what blending does to the seams between windows, on a part of an image.

    PYTHONPATH=build/src build/env/engine/bin/python scripts/draw_blending.py MODEL IMAGE [--column 0 --row 0]

Left the image, in the middle the probability of the last class from windows side by side, right from windows that
overlap as they do by default. Ticks mark where windows meet in the middle picture.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from geoseg.geoseg_plugin.cli import ConsoleReport
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.geoseg_plugin.engine.prediction.windows.covering import Cover
from geoseg.geoseg_plugin.engine.raster import open_raster
from geoseg.models.file import read_card
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rasterio.windows import Window

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
WAYS = (
    ("Windows side by side (OVERLAP=0)", {"overlap": 0.0, "blending": "none"}),
    ("Overlap of 25 %, blended by Hann (default)", {}),
)
DPI, PANEL_INCHES = 80, 4.6


def main() -> int:
    """Map the part in both ways and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("image")
    parser.add_argument("--column", type=int, default=0, help="left column of the part")
    parser.add_argument("--row", type=int, default=0, help="upper row of the part")
    parser.add_argument("--side", type=int, default=320, help="side of the part in pixels")
    options = parser.parse_args()
    part = Window(options.column, options.row, options.side, options.side)
    figure = Figure(figsize=(PANEL_INCHES * 3, PANEL_INCHES + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    with open_raster(options.image) as dataset:
        draw_panel(axes[0], "Image", np.moveaxis(dataset.read([1, 2, 3], window=part), 0, -1))
        grid = Grid.of(dataset)
    for axis, (title, way) in zip(axes[1:], WAYS, strict=True):
        probability, borders = map_part(options, grid, part, way)
        draw_panel(axis, title, probability)
        if way:
            axis.set_xticks(borders[1] - 0.5)
            axis.set_yticks(borders[0] - 0.5)
    figure.savefig(IMAGES / "blending.png", dpi=DPI)
    return 0


def draw_panel(axis: Axes, title: str, pixels: NDArray[np.generic]) -> None:
    """Draw an image (H, W, 3), or probabilities (H, W) from blue to yellow."""
    axis.imshow(pixels, cmap="viridis", vmin=0, vmax=1 if pixels.ndim == 2 else None, interpolation="nearest")
    axis.set_title(title)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.tick_params(labelbottom=False, labelleft=False, length=7, width=1.5)


def map_part(
    options: argparse.Namespace, grid: Grid, part: Window, way: dict[str, object]
) -> tuple[NDArray[np.float32], list[NDArray[np.int64]]]:
    """Return the probability of the last class (H, W), and the rows and columns of the part where windows meet."""
    left, top = grid.transform @ (part.col_off, part.row_off)
    right, bottom = grid.transform @ (part.col_off + part.width, part.row_off + part.height)
    with tempfile.TemporaryDirectory() as folder:
        request = PredictSegmentation(
            input=options.image, model=options.model, extent=f"{left},{right},{bottom},{top}",
            output=f"{folder}/map.tif", probabilities=f"{folder}/p.tif", pixel_size="image", **way,
        )  # fmt: skip
        predict_segmentation(request, ConsoleReport())
        with open_raster(f"{folder}/p.tif") as dataset:
            probability = dataset.read(dataset.count)
    return probability, [meet(grid.height, part.row_off, options), meet(grid.width, part.col_off, options)]


def meet(length: int, first: int, options: argparse.Namespace) -> NDArray[np.int64]:
    """Return where windows side by side meet, counted from the first pixel of the part."""
    starts = np.array(Cover.of(length, read_card(options.model).tile_size, 0.0).starts[1:]) - first
    return starts[(starts > 0) & (starts < options.side)]


if __name__ == "__main__":
    sys.exit(main())

"""From nothing to a map: draw a scene, learn its western part, map the east, compare with the truth.

Every step is the real algorithm, run by the real qgis_process. Leaves a QGIS project and a picture in build/demo.
"""

import os
import shutil
import sys
from pathlib import Path

from chain import ROOT, Chain, measure
from demo_map import write_map

OUT = ROOT / "build" / "demo"
SIZE_PX = 1024
SEED = 3  # a scene with every class on both sides of the cut
PIXEL_M = 0.5
TRAIN_SHARE = 0.625
EPOCHS = int(os.environ.get("EPOCHS") or 30)


def main() -> int:
    """Run the chain, print the figures, draw the map."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    chain = Chain()
    scene, labels = OUT / "scene.tif", OUT / "labels.shp"
    chain.run("demoscene", SIZE=SIZE_PX, SEED=SEED, OUTPUT=scene, LABELS=labels)
    west, east = cut(chain, scene)
    model = train(chain, west, labels)
    predicted, polygons, truth = OUT / "predicted.tif", OUT / "polygons.gpkg", OUT / "east_truth.tif"
    chain.run("predictsegmentation", INPUT=east, MODEL=model, OUTPUT=predicted, POLYGONS=polygons)
    chain.run("rasterizelabels", LABELS=labels, FIELD="class", LIKE=east, OUTPUT=truth)
    figures = measure([truth], [predicted])
    chain.print_times()
    print_figures(figures)
    project, picture = write_map(OUT, f"Mean IoU {figures['mean_iou']:.2f} on ground that was never trained on")
    print(f"\nQGIS project: {project}\nPicture:      {picture}\nModel:        {model}")
    return 0


def cut(chain: Chain, scene: Path) -> tuple[Path, Path]:
    """Clip the western part for training and the eastern part for testing; return both."""
    left, right, bottom, top, crs = extent_of(scene)
    middle = left + round(SIZE_PX * TRAIN_SHARE) * PIXEL_M
    west, east = OUT / "west.tif", OUT / "east.tif"
    chain.run("clipraster", INPUT=scene, EXTENT=f"{left},{middle},{bottom},{top} [{crs}]", OUTPUT=west)
    chain.run("clipraster", INPUT=scene, EXTENT=f"{middle},{right},{bottom},{top} [{crs}]", OUTPUT=east)
    return west, east


def extent_of(scene: Path) -> tuple[float, float, float, float, str]:
    """Return left, right, bottom, top and the CRS of a raster."""
    from qgis.core import QgsRasterLayer

    layer = QgsRasterLayer(str(scene))
    extent = layer.extent()
    return extent.xMinimum(), extent.xMaximum(), extent.yMinimum(), extent.yMaximum(), layer.crs().authid()


def train(chain: Chain, west: Path, labels: Path) -> Path:
    """Rasterize the labels, make tiles and train; return the model."""
    label_raster, dataset, model = OUT / "west_labels.tif", OUT / "dataset", OUT / "landcover.safetensors"
    chain.run("rasterizelabels", LABELS=labels, FIELD="class", LIKE=west, OUTPUT=label_raster)
    chain.run("maketiles", IMAGES=west, LABELS=label_raster, TILE_SIZE=128, OVERLAP=25, OUTPUT=dataset)
    chain.run(
        "trainsegmentation", DATASET=dataset, EPOCHS=EPOCHS, BATCH_SIZE=8, MODEL=model, REPORT=OUT / "report.html",
    )  # fmt: skip
    return model


def print_figures(figures: dict) -> None:
    """Print the IoU of each class on the eastern part, and the mean."""
    print("\nIoU on the eastern part, never trained on")
    for entry in figures["classes"]:
        print(f"  {entry['name']:22} {entry['iou']:7.3f}   ({100 * entry['share']:.1f} % of the ground)")
    print(f"  {'mean':22} {figures['mean_iou']:7.3f}")


if __name__ == "__main__":
    sys.exit(main())

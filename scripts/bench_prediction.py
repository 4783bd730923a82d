"""The prediction part of the bench: the whole beside the network alone, number formats, and memory.

A U-Net learns for a minute first, since one with random weights gives all classes nearly the same probability, and any
rounding another one.
"""

import statistics
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
import torch
from bench_datasets import CLASSES, draw_labels
from bench_imagery import ENGINE, Figures, draw_scene, peak_mb
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.events import Report
from geoseg.geoseg_plugin.contract.stages.prediction import PredictSegmentation, PredictSegmentationResult
from geoseg.geoseg_plugin.engine.prediction.predict import predict_segmentation
from geoseg.models.card import Band, Card
from geoseg.models.catalog import build_network
from geoseg.models.exchange import write_onnx
from geoseg.models.file import load_network, save_model
from numpy.typing import NDArray

SIDE, WINDOW, OVERLAP = 4096, 512, 25.0
SMALL, HUGE = 4000, 40_000
REPEATS = 3
NETWORKS = (("unet", "resnet18"), ("deeplabv3plus", "mobilenet_v2"))
MOST_OTHERS = {"onnx": 0.01, "chosen": 0.1}  # %
TRAINED = "unet"
LEARNT_SIDE, EPOCHS = 2048, 8
COLOURS = np.array([(20, 90, 20), (180, 160, 150), (10, 30, 90), (60, 60, 60), (150, 120, 40)], dtype=np.uint8)
TORCH, ONNX = "model.safetensors", "model.onnx"
WAYS = {
    "torch": (TORCH, {"backend": "torch", "precision": "float32"}),
    "onnx": (ONNX, {}),
    "chosen": (TORCH, {}),
}
VIRTUAL = """<VRTDataset rasterXSize="{side}" rasterYSize="{side}">
<SRS>EPSG:32645</SRS><GeoTransform>300000, 0.5, 0, 3000000, 0, -0.5</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"/><VRTRasterBand dataType="Byte" band="2"/>
<VRTRasterBand dataType="Byte" band="3"/></VRTDataset>"""


class Run(NamedTuple):
    """One prediction: seconds in all and inside the network, and what it gave back."""

    wall_s: float
    network_s: float
    result: PredictSegmentationResult


def measure_prediction(figures: Figures, folder: Path, report: Report) -> None:
    """Wall time beside the time inside the network, of a trained network and a light one, with both runtimes."""
    scene, _ = draw_classes(folder / "scene-to-map.tif", SIDE)
    for architecture, encoder in NETWORKS:
        models = folder / architecture
        models.mkdir()
        write_models(models, architecture, encoder)
        if architecture == TRAINED:
            teach_classes(models)
        runs = {name: median_run(scene, models / model, models / f"{name}.tif", report, **given)
                for name, (model, given) in WAYS.items()}  # fmt: skip
        for name in ("torch", "onnx"):
            figures.add(f"predict {architecture} {name}", runs[name].wall_s, runs[name].network_s)
        compare_ways(figures, models, runs)
    polygons = {"polygons": str(folder / "areas.gpkg")}
    run = median_run(scene, folder / "unet" / ONNX, folder / "map.tif", report, **polygons)
    figures.add("predict unet onnx with polygons", run.wall_s, run.network_s)


def compare_ways(figures: Figures, models: Path, runs: dict[str, Run]) -> None:
    """What is chosen by itself beside onnxruntime: seconds, and pixels (%) with other classes than torch in float32."""
    chosen = runs["chosen"].result
    name = f"predict {models.name}"
    figures.add(f"{name} {chosen.backend} {chosen.precision}", runs["chosen"].wall_s, runs["onnx"].wall_s)
    pixels = {way: read_classes(models / f"{way}.tif") for way in WAYS}
    for way, most in MOST_OTHERS.items():
        figures.add(f"{name} % others {way}", 100 * float(np.mean(pixels["torch"] != pixels[way])), most)


def teach_classes(models: Path) -> None:
    """Have the models in a folder tell the classes of a scene apart.

    Another process trains them, as training changes what becomes of freed memory, and prediction is without that.
    """
    scene, labels = draw_classes(models / "to-learn.tif", LEARNT_SIDE)
    command = [
        *ENGINE, "train-segmentation", "--images", scene, "--labels", labels, "--tile-size", 256, "--overlap", 0,
        "--epochs", EPOCHS, "--weights", models / TORCH, "--model", models / "taught.safetensors",
        "--device", "cpu",
    ]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    (models / "taught.safetensors").replace(models / TORCH)
    network, card = load_network(str(models / TORCH), torch.device("cpu"))
    write_onnx(network, card, models / ONNX, any_size=True)


def draw_classes(path: Path, side: int) -> tuple[str, str]:
    """Write a scene of areas of the five classes, which differ in colour, and their labels."""
    scene = draw_scene(path, (0, 0), side)
    labels = draw_labels(path.with_suffix(".labels.tif"), scene)
    with rasterio.open(labels) as drawn, rasterio.open(scene, "r+") as dataset:
        for _, window in dataset.block_windows():
            colours = np.moveaxis(COLOURS[drawn.read(1, window=window)], -1, 0)
            dataset.write(colours + dataset.read(window=window) // 4, window=window)
    return scene, labels


def read_classes(path: Path) -> NDArray[np.uint8]:
    """Return the class values (H, W) of a map."""
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def measure_prediction_memory(figures: Figures, folder: Path) -> None:
    """Peaks (MB) of a scene of 1.6 Gpixel beside one of 16 Mpixel, and of a U-Net in onnxruntime."""
    models = folder / "memory"
    models.mkdir()
    save_pixelwise(models / "pixelwise.onnx")
    write_models(models, *NETWORKS[0])
    peaks = {}
    for side in (SMALL, HUGE):
        scene = models / f"{side}.vrt"
        scene.write_text(VIRTUAL.format(side=side), encoding="utf-8")
        peaks[side] = peak_of(scene, models / "pixelwise.onnx")
    figures.add(f"predict MB {HUGE} / {SMALL}", peaks[HUGE], peaks[SMALL])
    figures.add("predict MB unet onnx / 1200 MB", peak_of(models / f"{SMALL}.vrt", models / ONNX), 1200)


def median_run(scene: str, model: Path, output: Path, report: Report, **options: str) -> Run:
    """Predict some times; return the run whose ratio of the times is the median one."""
    runs = []
    for _ in range(REPEATS):
        request = PredictSegmentation(
            input=scene, model=str(model), output=str(output), tile_size=WINDOW, overlap=OVERLAP, device="cpu",
            **options,
        )  # fmt: skip
        result = predict_segmentation(request, report)
        runs.append(Run(report.metrics["wall_s"], report.metrics["network_s"], result))
    middle = statistics.median_low(run.wall_s / run.network_s for run in runs)
    return next(run for run in runs if run.wall_s / run.network_s == middle)


def peak_of(scene: Path, model: Path) -> float:
    """Return the peak of a prediction in a process of its own, in MB."""
    output = scene.with_suffix(".out.tif")
    command = [*ENGINE, "predict-segmentation", "--input", scene, "--model", model, "--output", output]
    peak = peak_mb([str(part) for part in (*command, "--device", "cpu")])
    output.unlink()
    return peak


def card_of(architecture: str, encoder: str) -> Card:
    """Return the card of a model for scenes of the bench."""
    bands = tuple(Band(name, 127.0, 60.0) for name in ("red", "green", "blue"))
    return Card(architecture, encoder, bands, "uint8", CLASSES, 255, WINDOW, (0.5, 0.5), "EPSG:32645")


def write_models(folder: Path, architecture: str, encoder: str) -> None:
    """Write a network with random weights for both runtimes."""
    torch.manual_seed(0)
    card = card_of(architecture, encoder)
    network = build_network(architecture, encoder, len(card.bands), len(CLASSES)).eval()
    save_model(folder / TORCH, network.state_dict(), card)
    write_onnx(network, card, folder / ONNX, any_size=True)


def save_pixelwise(path: Path) -> None:
    """Write a network that costs next to nothing."""
    torch.manual_seed(0)
    network = torch.nn.Conv2d(3, 2, 1).eval()
    classes = ClassTable.named({0: "background", 1: "building"})
    bands = tuple(Band(name, 127.0, 60.0) for name in ("red", "green", "blue"))
    card = Card("unet", "resnet18", bands, "uint8", classes, 255, WINDOW, (0.5, 0.5), "EPSG:32645")
    write_onnx(network, card, path, any_size=True)

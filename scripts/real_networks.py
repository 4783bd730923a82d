"""Networks compared on real imagery, each trained for the same time: buildings of Banepa, rows A and B -> row C.

Needs GEOSEG_DATA. The learning rate has come down when the time is up. Every step is the real algorithm, run by the
real qgis_process. What it finds goes into build/networks: networks.md and networks.json, which keep the rows of earlier
runs of other networks.

Environment variables: NETWORKS (names of architectures; those of CONTENDERS), BUDGET (minutes of training for each, 15)
or EPOCHS in place of it, and TILE_SIZE, OVERLAP, BATCH_SIZE and SEED as for real.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from chain import ENGINE_PYTHON, ROOT, Chain, measure
from real import MANY, ROWS, building_of, draw_truth, make_dataset, real_data, scenes_of, setting

OUT = ROOT / "build" / "networks"
# Architectures and their encoders; any other can be named too, and has its usual encoder.
CONTENDERS = {
    "unet": "resnet18", "deeplabv3plus": "mobilenet_v2", "lw-refinenet": "mobilenet_v2", "cloudxnet": "auto",
    "gscnn": "resnet18", "satellite-unet": "auto",
}  # fmt: skip
BUDGET_MINUTES = 15
COUNT = """
import json, sys, torch
from geoseg.models.file import load_network
network, card = load_network(sys.argv[1], torch.device("cpu"))
counted = sum(one.numel() for one in network.parameters() if one.requires_grad)
print(json.dumps({"encoder": card.encoder, "parameters": counted}))
"""
# Heading and form of each figure.
COLUMNS = {
    "network": ("network", ""), "encoder": ("encoder", ""), "iou": ("IoU", ".3f"), "f1": ("F1", ".3f"),
    "boundary_f1": ("boundary F1", ".3f"), "parameters": ("parameters", ","), "mpixel_per_s": ("Mpixel/s", ".2f"),
    "epochs": ("epochs", ""), "minutes": ("minutes", ".1f"), "device": ("device", ""),
}  # fmt: skip


def main() -> int:
    """Train and measure each network, and write the table; return the exit code."""
    data = real_data()
    names = re.findall(r"[^\s,]+", os.environ.get("NETWORKS", "")) or list(CONTENDERS)
    shutil.rmtree(OUT / "dataset", ignore_errors=True)
    OUT.mkdir(parents=True, exist_ok=True)
    chain = Chain()
    dataset, truth = make_dataset(chain, data, OUT), draw_truth(chain, data, OUT)
    failed = []
    for name in names:
        try:
            trained = train(chain, dataset, name, CONTENDERS.get(name, "auto"))
            mapped = predict(chain, scenes_of(data, ROWS["test"]), OUT / f"{name}.safetensors")
        except SystemExit as stopped:  # the others may still be compared
            failed.append(f"{name}: {stopped}")
            continue
        building = building_of(measure(truth, mapped.pop("maps"))["classes"])
        figures = {key: building[key] for key in ("iou", "f1", "boundary_f1", "share")}
        keep({"network": name, **count(OUT / f"{name}.safetensors"), **figures, **mapped, **trained})
    if (OUT / "networks.md").is_file():
        print(f"\n{(OUT / 'networks.md').read_text(encoding='utf-8')}")
    print("\n".join(failed))
    return 1 if failed else 0


def train(chain: Chain, dataset: Path, architecture: str, encoder: str) -> dict[str, Any]:
    """Train for the budget of time, or EPOCHS; return what it took."""
    budget, epochs = setting("BUDGET", BUDGET_MINUTES), setting("EPOCHS", 0)
    length = {"EPOCHS": epochs} if epochs else {"EPOCHS": MANY, "TIME_BUDGET": budget}
    started = time.monotonic()
    results = chain.run(
        "trainsegmentation", DATASET=dataset, ARCHITECTURE=architecture, ENCODER=encoder, WEIGHTS="none",
        BATCH_SIZE=setting("BATCH_SIZE", 8), SEED=setting("SEED", 42), MODEL=OUT / f"{architecture}.safetensors",
        REPORT=OUT / f"{architecture}.html", **length,
    )  # fmt: skip
    minutes = (time.monotonic() - started) / 60
    return {"epochs": int(float(results["EPOCH_COUNT"])), "minutes": minutes}


def predict(chain: Chain, scenes: list[Path], model: Path) -> dict[str, Any]:
    """Map the scenes; return the maps, the megapixels per second and the device."""
    maps, seconds_per_pixel, device = [], [], ""
    for scene in scenes:
        maps.append(OUT / f"{scene.stem}_{model.stem}.tif")
        results = chain.run("predictsegmentation", INPUT=scene, MODEL=model, DECISION="most probable", OUTPUT=maps[-1])
        seconds_per_pixel.append(1 / float(results["PIXELS_PER_SECOND"]))
        device = results["DEVICE"]
    # The scenes are equally large.
    return {"maps": maps, "mpixel_per_s": len(scenes) / sum(seconds_per_pixel) / 1e6, "device": device}


def count(model: Path) -> dict[str, Any]:
    """Return the encoder of a model and the number of its trainable parameters."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "src")}
    command = [str(ENGINE_PYTHON), "-c", COUNT, str(model)]
    counted: dict[str, Any] = json.loads(subprocess.check_output(command, text=True, env=variables))
    return counted


def keep(row: dict[str, Any]) -> None:
    """Put a row among those of earlier runs, in place of one of the same network, and write the table."""
    path = OUT / "networks.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    rows = [*(one for one in rows if one["network"] != row["network"]), row]
    rows.sort(key=lambda one: -one["iou"])
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (OUT / "networks.md").write_text(table(rows), encoding="utf-8")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table in markdown, with what it shows."""
    share = rows[0]["share"]
    lines = [
        f"Buildings on row {ROWS['test']} of Banepa, never trained on; to call everything a building has an IoU of "
        f"{share:.3f} and an F1 of {2 * share / (1 + share):.3f}. Borders may lie 2 pixels away. Minutes are those of "
        "the training, megapixels per second those of the prediction.\n",
        f"| {' | '.join(heading for heading, _ in COLUMNS.values())} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(format(row[name], form) for name, (_, form) in COLUMNS.items())} |" for row in rows),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())

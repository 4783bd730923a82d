"""Training on real imagery of six kinds, each beside the trivial answer, and all by the real qgis_process.

Needs GEOSEG_DATA. What it finds goes into build/training: training.md and training.json, which keep the rows of earlier
runs of other cases.

Environment variables: CASES (names of those below), BUDGET (minutes of training for each, 5), SEED.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain import ENGINE_PYTHON, ROOT, Chain
from real import MANY, setting

OUT = ROOT / "build" / "training"
METRICS = """
import json, sys
from geoseg.models.file import read_card
print(json.dumps(read_card(sys.argv[1]).metrics))
"""
COLUMNS = {
    "case": ("case", ""), "iou": ("mean IoU", ".3f"), "trivial_iou": ("trivial", ".3f"), "each": ("IoU (trivial)", ""),
    "epochs": ("epochs", ""), "best_epoch": ("best", ""), "minutes": ("minutes", ".1f"),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One kind of imagery.

    Attributes:
        data: The folder of its data.
        prepare: Makes its dataset, in a folder; takes the chain, the data and that folder.
        options: Of the training.
    """

    data: str
    prepare: Callable[[Chain, Path, Path], None]
    options: dict[str, Any]


def cut_buildings(chain: Chain, data: Path, dataset: Path) -> None:
    """Buildings of six scenes."""
    scenes = [scene for row in "AB" for scene in sorted((data / "scenes").glob(f"banepa_{row}*.tif"))]
    chain.run("maketiles", IMAGES=scenes, LABELS=data / "shp" / "buildings_wgs84.shp", OVERLAP=50, OUTPUT=dataset)


def cut_roofs(chain: Chain, data: Path, dataset: Path) -> None:
    """Materials of roofs: misspelt names are mended, and roofs without one are ignored."""
    scenes = [scene for row in "AB" for scene in sorted((data / "scenes").glob(f"banepa_{row}*.tif"))]
    labels = []
    for scene in scenes:
        labels.append(dataset.with_name(f"{scene.stem}_roofs.tif"))
        chain.run(
            "rasterizelabels", LABELS=data / "buildings.gpkg", FIELD="roof_mat", LIKE=scene, OUTPUT=labels[-1],
            CLASSES="1 concrete = concrete, concerte; 2 metal = tin, metal; 3 tiles = clay_tiles",
        )  # fmt: skip
    chain.run("maketiles", IMAGES=scenes, LABELS=labels, OVERLAP=50, OUTPUT=dataset)


def cut_small(image: str, labels: str) -> Callable[[Chain, Path, Path], None]:
    """Return what cuts one image with a label raster into small tiles."""

    def cut(chain: Chain, data: Path, dataset: Path) -> None:
        chain.run("maketiles", IMAGES=data / image, LABELS=data / labels, TILE_SIZE=64, OVERLAP=50, OUTPUT=dataset)

    return cut


def cut_sparse(image: str, labels: str, field: str, tile: int, block: int) -> Callable[[Chain, Path, Path], None]:
    """Return what cuts one image of which a few polygons are known, with tiles and blocks of so many pixels a side."""

    def cut(chain: Chain, data: Path, dataset: Path) -> None:
        known = dataset.with_name("labels.tif")
        chain.run(
            "rasterizelabels", LABELS=data / labels, FIELD=field, LIKE=data / image, BACKGROUND="ignore", OUTPUT=known
        )
        chain.run(
            "maketiles", IMAGES=data / image, LABELS=known, TILE_SIZE=tile, OVERLAP=50, MIN_LABELLED=1,
            BLOCK_SIZE=block, OUTPUT=dataset,
        )  # fmt: skip

    return cut


CASES = {
    "buildings": Case("banepa_buildings", cut_buildings, {}),
    "roofs": Case("banepa_buildings", cut_roofs, {"CLASS_WEIGHTS": "median frequency"}),
    "water": Case("sen1floods11_spain", cut_small("S1_VV_VH.tif", "water_label.tif"), {}),
    "clouds": Case("landsat8_cloud", cut_small("l8_9bands_uint16.tif", "cloud_label.tif"), {"LOSS": "f2"}),
    "map": Case(
        "historical_map", cut_sparse("map_compress.tif", "train.gpkg", "Type", 64, 96), {"SAMPLING": "class-balanced"}
    ),
    "land": Case(
        "s2_aberystwyth",
        cut_sparse("s2_10bands_uint16.tif", "training_polygons.gpkg", "class", 32, 32),
        {"SAMPLING": "class-balanced"},
    ),
}


def main() -> int:
    """Prepare and train each case, and write the table; return the exit code."""
    folder = Path(os.environ.get("GEOSEG_DATA", ""))
    if not (folder / "banepa_buildings").is_dir():
        sys.exit("This needs real imagery: set GEOSEG_DATA to the folder that holds banepa_buildings.")
    names = re.findall(r"[^\s,]+", os.environ.get("CASES", "")) or list(CASES)
    OUT.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in names:
        try:
            keep({"case": name, **train(name, CASES[name], folder)})
        except SystemExit as stopped:  # the others may still be tried
            failed.append(f"{name}: {stopped}")
    print(f"\n{(OUT / 'training.md').read_text(encoding='utf-8')}")
    print("\n".join(failed))
    return 1 if failed else 0


def train(name: str, case: Case, data: Path) -> dict[str, Any]:
    """Train one case within the budget; return its figures."""
    folder, chain = OUT / name, Chain()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    case.prepare(chain, data / case.data, folder / "dataset")
    started = time.monotonic()
    results = chain.run(
        "trainsegmentation", DATASET=folder / "dataset", EPOCHS=MANY, TIME_BUDGET=setting("BUDGET", 5),
        SEED=setting("SEED", 42), MODEL=folder / "model.safetensors", REPORT=folder / "report.html", **case.options,
    )  # fmt: skip
    minutes = (time.monotonic() - started) / 60
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "src")}
    command = [str(ENGINE_PYTHON), "-c", METRICS, str(folder / "model.safetensors")]
    metrics = json.loads(subprocess.check_output(command, text=True, env=variables))
    each = ", ".join(
        f"{one} not in validation" if found["iou"] is None else f"{one} {found['iou']:.2f} ({found['share']:.2f})"
        for one, found in metrics["classes"].items()
    )
    return {
        "iou": metrics["iou"], "trivial_iou": metrics["trivial_iou"], "each": each,
        "best_epoch": metrics["best_epoch"], "epochs": int(float(results["EPOCH_COUNT"])), "minutes": minutes,
    }  # fmt: skip


def keep(row: dict[str, Any]) -> None:
    """Put a row among those of earlier runs, in place of one of the same case, and write the table."""
    path = OUT / "training.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    rows = [*(one for one in rows if one["case"] != row["case"]), row]
    rows.sort(key=lambda one: list(CASES).index(one["case"]))
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (OUT / "training.md").write_text(table(rows), encoding="utf-8")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table in markdown, with what it shows."""
    lines = [
        "Validation tiles, on blocks of ground without training tiles. Trivial is the mean IoU of calling all pixels "
        "the commonest class; for a class it is its share, the IoU of calling all pixels that class.\n",
        f"| {' | '.join(heading for heading, _ in COLUMNS.values())} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(format(row[name], form) for name, (_, form) in COLUMNS.items())} |" for row in rows),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())

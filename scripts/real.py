"""The whole chain on real imagery: buildings of Banepa (Nepal), learnt on rows A and B, measured on row C.

Needs GEOSEG_DATA. EPOCHS, TILE_SIZE, OVERLAP, BATCH_SIZE and SEED may be set as environment variables.
"""

import os
import shutil
import sys
from pathlib import Path

from chain import ROOT, Chain, measure

OUT = ROOT / "build" / "real"
ROWS = {"train": "AB", "test": "C"}
BUILDING = 1


def main() -> int:
    """Train, predict, measure; return the exit code."""
    data = Path(os.environ.get("GEOSEG_DATA", "")) / "banepa_buildings"
    if not (data / "scenes").is_dir():
        sys.exit("make real needs real imagery: set GEOSEG_DATA to the folder that holds banepa_buildings.")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    buildings = data / "shp" / "buildings_wgs84.shp"
    chain = Chain()
    model = train(chain, scenes_of(data, ROWS["train"]), buildings)
    truth, predicted = predict(chain, scenes_of(data, ROWS["test"]), buildings, model)
    report(measure(truth, predicted)["classes"])
    chain.print_times()
    return 0


def scenes_of(data: Path, rows: str) -> list[Path]:
    """Return the scenes of the rows."""
    return [scene for row in rows for scene in sorted((data / "scenes").glob(f"banepa_{row}*.tif"))]


def train(chain: Chain, scenes: list[Path], buildings: Path) -> Path:
    """Make the dataset and train; return the model."""
    dataset, model = OUT / "dataset", OUT / "buildings.safetensors"
    chain.run(
        "maketiles", IMAGES=scenes, LABELS=buildings, TILE_SIZE=setting("TILE_SIZE", 256),
        OVERLAP=setting("OVERLAP", 50), VALIDATION=15, OUTPUT=dataset,
    )  # fmt: skip
    chain.run(
        "trainsegmentation", DATASET=dataset, ARCHITECTURE="unet", ENCODER="resnet18", WEIGHTS="none",
        EPOCHS=setting("EPOCHS", 36), BATCH_SIZE=setting("BATCH_SIZE", 8), SEED=setting("SEED", 42), MODEL=model,
        REPORT=OUT / "report.html",
    )  # fmt: skip
    return model


def predict(chain: Chain, scenes: list[Path], buildings: Path, model: Path) -> tuple[list[Path], list[Path]]:
    """Map each scene and rasterize its truth; return the paths of both."""
    truth, predicted = [], []
    for scene in scenes:
        predicted.append(OUT / f"{scene.stem}_predicted.tif")
        chain.run(
            "predictsegmentation", INPUT=scene, MODEL=model, OUTPUT=predicted[-1],
            POLYGONS=OUT / f"{scene.stem}_buildings.gpkg",
        )  # fmt: skip
        truth.append(OUT / f"{scene.stem}_truth.tif")
        chain.run("rasterizelabels", LABELS=buildings, LIKE=scene, OUTPUT=truth[-1])
    return truth, predicted


def setting(name: str, default: int) -> int:
    """Return a number that the environment may set."""
    return int(os.environ.get(name) or default)


def report(classes: list[dict]) -> None:
    """Print how well buildings were found on scenes that were never trained on."""
    building = next(entry for entry in classes if entry["value"] == BUILDING)
    share = building["share"]
    print(f"\nBuildings on row {ROWS['test']}, never trained on")
    print(f"  {'':28} {'IoU':>6} {'F1':>6}")
    print(f"  {'GeoSeg':28} {building['iou']:6.3f} {building['f1']:6.3f}")
    print(f"  {'everything is building':28} {share:6.3f} {2 * share / (1 + share):6.3f}")


if __name__ == "__main__":
    sys.exit(main())

"""The whole chain on real imagery: buildings of Banepa (Nepal), learnt on rows A and B, measured on row C.

Needs GEOSEG_DATA. Tiles and training have their defaults, but a budget of time. BUDGET (minutes of training,
15), or EPOCHS in place of it, TILE_SIZE, OVERLAP and SEED may be set as environment variables, and in OPTIONS whatever
else of the training, such as OPTIONS="SCALE=30 PATIENCE=10".
"""

import os
import shutil
import sys
from pathlib import Path

from chain import ROOT, Chain, measure, measure_seams

OUT = ROOT / "build" / "real"
ROWS = {"train": "AB", "test": "C"}
BUILDING = 1
OVERLAPS = (0, 25)  # in percent: windows side by side, and the default
WINDOW = 512  # pixels a side, where seams are measured
MANY = 10_000  # epochs that no budget lets come to their end


def main() -> int:
    """Train, predict, measure; return the exit code."""
    data = real_data()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    chain = Chain()
    dataset = make_dataset(chain, data, OUT)
    model = train(chain, dataset)
    truth = draw_truth(chain, data, OUT)
    predicted = predict(chain, scenes_of(data, ROWS["test"]), model)
    seams = {overlap: seams_of(chain, scenes_of(data, ROWS["test"]), model, overlap) for overlap in OVERLAPS}
    report(measure(truth, predicted)["classes"])
    report_seams(seams)
    chain.print_times()
    return 0


def real_data() -> Path:
    """Return the folder of the real imagery, or leave with what to do."""
    data = Path(os.environ.get("GEOSEG_DATA", "")) / "banepa_buildings"
    if not (data / "scenes").is_dir():
        sys.exit("This needs real imagery: set GEOSEG_DATA to the folder that holds banepa_buildings.")
    return data


def scenes_of(data: Path, rows: str) -> list[Path]:
    """Return the scenes of the rows."""
    return [scene for row in rows for scene in sorted((data / "scenes").glob(f"banepa_{row}*.tif"))]


def buildings_of(data: Path) -> Path:
    """Return the layer of the buildings."""
    return data / "shp" / "buildings_wgs84.shp"


def make_dataset(chain: Chain, data: Path, out: Path) -> Path:
    """Cut the scenes to learn from into tiles; return the dataset in the folder `out`."""
    dataset = out / "dataset"
    options = {name: os.environ[name] for name in ("TILE_SIZE", "OVERLAP") if os.environ.get(name)}
    chain.run("maketiles", IMAGES=scenes_of(data, ROWS["train"]), LABELS=buildings_of(data), OUTPUT=dataset, **options)
    return dataset


def draw_truth(chain: Chain, data: Path, out: Path) -> list[Path]:
    """Rasterize the buildings of the scenes to measure on; return the rasters in the folder `out`."""
    drawn = []
    for scene in scenes_of(data, ROWS["test"]):
        drawn.append(out / f"{scene.stem}_truth.tif")
        chain.run("rasterizelabels", LABELS=buildings_of(data), LIKE=scene, OUTPUT=drawn[-1])
    return drawn


def train(chain: Chain, dataset: Path) -> Path:
    """Train; return the model."""
    model = OUT / "buildings.safetensors"
    options = dict(option.split("=", 1) for option in os.environ.get("OPTIONS", "").split())
    epochs = setting("EPOCHS", 0)
    length = {"EPOCHS": epochs} if epochs else {"EPOCHS": MANY, "TIME_BUDGET": setting("BUDGET", 15)}
    chain.run(
        "trainsegmentation", DATASET=dataset, SEED=setting("SEED", 42), MODEL=model, REPORT=OUT / "report.html",
        **length, **options,
    )  # fmt: skip
    return model


def predict(chain: Chain, scenes: list[Path], model: Path) -> list[Path]:
    """Map each scene; return the maps."""
    predicted = []
    for scene in scenes:
        predicted.append(OUT / f"{scene.stem}_predicted.tif")
        chain.run(
            "predictsegmentation", INPUT=scene, MODEL=model, OUTPUT=predicted[-1],
            POLYGONS=OUT / f"{scene.stem}_buildings.gpkg",
        )  # fmt: skip
    return predicted


def seams_of(chain: Chain, scenes: list[Path], model: Path, overlap: int) -> float:
    """Map each scene with windows that share so much; return how strong the seams between them are."""
    probabilities = []
    for scene in scenes:
        probabilities.append(OUT / f"{scene.stem}_probabilities_{overlap}.tif")
        chain.run(
            "predictsegmentation", INPUT=scene, MODEL=model, TILE_SIZE=WINDOW, OVERLAP=overlap,
            PROBABILITIES=probabilities[-1], OUTPUT=OUT / f"{scene.stem}_predicted_{overlap}.tif",
        )  # fmt: skip
    return measure_seams(probabilities, WINDOW, overlap)


def setting(name: str, default: int) -> int:
    """Return a number that the environment may set."""
    return int(os.environ.get(name) or default)


def building_of(classes: list[dict]) -> dict:
    """Return the figures of the class building."""
    return next(entry for entry in classes if entry["value"] == BUILDING)


def report(classes: list[dict]) -> None:
    """Print how well buildings were found on scenes that were never trained on."""
    building = building_of(classes)
    share = building["share"]
    print(f"\nBuildings on row {ROWS['test']}, never trained on")
    print(f"  {'':28} {'IoU':>6} {'F1':>6}")
    print(f"  {'GeoSeg':28} {building['iou']:6.3f} {building['f1']:6.3f}")
    print(f"  {'everything is building':28} {share:6.3f} {2 * share / (1 + share):6.3f}")


def report_seams(seams: dict[int, float]) -> None:
    """Print how strong the seams between windows are, for each overlap."""
    print("\nMean jump of probability across borders of windows / elsewhere")
    for overlap, ratio in seams.items():
        print(f"  {f'overlap {overlap} %':28} {ratio:6.3f}")


if __name__ == "__main__":
    sys.exit(main())

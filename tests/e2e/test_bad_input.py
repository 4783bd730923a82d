"""Bad input through qgis_process: exit code 1, a message that says which value and what to do, and nothing written."""

import pytest

CASES = {
    "a text file as image": (
        "clipraster", {"INPUT": "{folder}/not.tif", "EXTENT": "0,1,0,1", "OUTPUT": "{out}.tif"}, "not.tif",
    ),
    "a file that is not there": (
        "clipraster", {"INPUT": "{folder}/none.tif", "EXTENT": "0,1,0,1", "OUTPUT": "{out}.tif"}, "none.tif",
    ),
    "an extent far away": (
        "clipraster", {"INPUT": "{east}", "EXTENT": "0,1,0,1 [EPSG:4326]", "OUTPUT": "{out}.tif"}, "east.tif",
    ),
    "two ways to clip": (
        "clipraster", {"INPUT": "{east}", "EXTENT": "0,1,0,1", "LIKE": "{east}", "OUTPUT": "{out}.tif"}, "EXTENT",
    ),
    "a field that is not there": (
        "rasterizelabels", {"LABELS": "{labels}", "FIELD": "nothing", "LIKE": "{east}", "OUTPUT": "{out}.tif"},
        "nothing",
    ),
    "a tile size out of range": (
        "maketiles", {"IMAGES": "{east}", "LABELS": "{labels}", "TILE_SIZE": 20, "OUTPUT": "{out}"}, "TILE_SIZE",
    ),
    "labels on another grid": (
        "maketiles", {"IMAGES": "{east}", "LABELS": "{west_labels}", "TILE_SIZE": 64, "OUTPUT": "{out}"}, "grid",
    ),
    "a class that the table does not know": (
        "rasterizelabels",
        {"LABELS": "{labels}", "FIELD": "class", "CLASSES": "1 water", "LIKE": "{east}", "OUTPUT": "{out}.tif"},
        "field",
    ),
    "a class table that cannot be read": (
        "rasterizelabels",
        {"LABELS": "{labels}", "FIELD": "class", "CLASSES": "water", "LIKE": "{east}", "OUTPUT": "{out}.tif"},
        "'water' in CLASSES cannot be read",
    ),
    "a layout without what it takes": (
        "maketiles", {"IMAGES": "{east}", "LABELS": "{labels}", "LAYOUT": "coverage layer", "OUTPUT": "{out}"},
        "COVERAGE is missing",
    ),
    "images given in two ways": (
        "maketiles", {"IMAGES": "{east}", "IMAGE_FOLDER": "{folder}", "LABELS": "{labels}", "OUTPUT": "{out}"},
        "IMAGES and IMAGE_FOLDER",
    ),
    "statistics of no dataset": (
        "tilestatistics", {"DATASET": "{folder}", "TILES": "{out}.gpkg"}, "dataset.json",
    ),
    "a split that leaves no training": (
        "splitdataset", {"DATASET": "{dataset}", "VALIDATION": 60, "TEST": 40, "OUTPUT": "{out}"},
        "leave nothing for training",
    ),
    "a split into the dataset itself": (
        "splitdataset", {"DATASET": "{dataset}", "OUTPUT": "{dataset}"}, "overwrite",
    ),
    "a check of a folder that holds no tiles": (
        "checkdataset", {"DATASET": "{folder}", "REPORT": "{out}.html"}, "images",
    ),
    "a folder without a dataset": (
        "trainsegmentation", {"DATASET": "{folder}", "MODEL": "{out}.safetensors"}, "dataset.json",
    ),
    "an architecture that is not known": (
        "trainsegmentation", {"DATASET": "{dataset}", "ARCHITECTURE": "net", "MODEL": "{out}.safetensors"}, "net",
    ),
    "a model file that is none": (
        "predictsegmentation", {"INPUT": "{east}", "MODEL": "{folder}/not.safetensors", "OUTPUT": "{out}.tif"},
        "not.safetensors",
    ),
    "an image with too few bands": (
        "predictsegmentation", {"INPUT": "{west_labels}", "MODEL": "{model}", "OUTPUT": "{out}.tif"}, "band",
    ),
    "a parameter that is not known": (
        "predictsegmentation", {"INPUT": "{east}", "MODEL": "{model}", "OVERLAPS": 3, "OUTPUT": "{out}.tif"},
        "OVERLAPS",
    ),
    "an output in the place of the input": (
        "predictsegmentation", {"INPUT": "{east}", "MODEL": "{model}", "OUTPUT": "{east}"}, "east.tif",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gives_a_message_and_exit_code_1(qgis_process, chain, tmp_path, case):
    algorithm, parameters, expected = CASES[case]
    for name in ("not.tif", "not.safetensors"):
        (tmp_path / name).write_text("this is neither", encoding="utf-8")
    places = {
        "folder": tmp_path,
        "out": tmp_path / "out",
        "east": chain.folder / "east.tif",
        "labels": chain.folder / "labels.shp",
        "west_labels": chain.folder / "west_labels.tif",
        "dataset": chain.folder / "dataset",
        "model": chain.folder / "model.safetensors",
    }
    given = {name: str(value).format(**places) for name, value in parameters.items()}
    before = sorted(tmp_path.iterdir())
    done = qgis_process.run(f"geoseg:{algorithm}", given)
    assert done.returncode == 1, done.stdout
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.iterdir()) == before

"""The check as a whole: page, table, layer and figures, all of them or none."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.contract.stages.dataset_check import CheckDataset
from geoseg.geoseg_plugin.engine.datasets.checking.check_dataset import check_dataset
from geoseg.tests.engine.planting import Plot
from geoseg.tests.engine.rasters import write_raster

NASTY = '<script>alert("x")</script>'


def _request(folder, out, **options):
    return CheckDataset(
        dataset=str(folder), report=str(out / "r.html"), findings=str(out / "f.csv"), tiles=str(out / "t.gpkg"),
        **options,
    )  # fmt: skip


@pytest.fixture
def faulty(tmp_path):
    """A folder without dataset.json: a strange label, a label elsewhere, copies, and a broken file."""
    plot = Plot(tmp_path / NASTY.replace("/", "_"))
    plot.labels["t02"][0, :5] = 3
    plot.label_options["t05"] = {"crs": "EPSG:32646"}
    plot.images["t09"] = plot.images["t08"]
    pairs = plot.write()
    pairs.pairs[7].image.write_bytes(b"")
    return plot.folder


def test_all_results_tell_the_same(faulty, tmp_path, recorder):
    result = check_dataset(_request(faulty, tmp_path / "out", class_values="0, 1"), recorder)
    assert (result.error_count, result.warning_count) == (3, 1)
    assert recorder.notes[0] == "Tiles looked at: 24; 3 errors, 1 warning."
    assert [text.startswith("Found an error: ") for text in recorder.warnings] == [True, True, True, False]
    with Path(result.findings).open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["severity"], row["kind"], row["where"]) for row in rows] == [
        ("error", "unreadable", "t07"), ("error", "labels_strange", "t02"), ("error", "grids_differ", "t05"),
        ("warning", "copies", "t08, t09"),
    ]  # fmt: skip
    assert all(row["what_to_do"] and row["finding"] for row in rows)
    meta, _, geometries, columns = pyogrio.raw.read(result.tiles)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert dict(zip(table["tile"], table["severity"], strict=True)) == {
        "t02": "error", "t05": "error", "t07": "error", "t08": "warning", "t09": "warning",
    }  # fmt: skip
    assert meta["crs"] == "EPSG:32645"
    assert [geometry is None for geometry in geometries] == [False, False, True, False, False]
    assert "severity" in Path(result.tiles).with_suffix(".qml").read_text()
    assert list(json.loads(result.class_weights)) == ["0", "1"]


def test_the_page_needs_no_other_file_and_escapes_names(faulty, tmp_path, recorder):
    result = check_dataset(_request(faulty, tmp_path / "out", class_values="0, 1"), recorder)
    text = Path(result.report).read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert re.findall(r'(?:src|href)="(?!data:)', text) == []
    plain = re.sub(r"data:image/png;base64,[^\"]*", "", text)
    assert "http" not in plain
    assert "3 errors, 1 warning" in plain
    assert plain.count('class="panel"') == 4
    assert "t07.tif" in plain
    assert "Band 1: band 1" in plain


def test_a_clean_dataset_says_so(blobs, tmp_path, recorder):
    result = check_dataset(_request(blobs, tmp_path), recorder)
    assert recorder.warnings == []
    assert recorder.notes == ["Tiles looked at: 32; no findings."]
    text = Path(result.report).read_text(encoding="utf-8")
    assert "Nothing was found." in text
    assert "validation" in text
    assert len(pyogrio.raw.read(result.tiles)[2]) == 0
    assert recorder.fractions == sorted(recorder.fractions)


def test_nothing_in_the_folder_is_changed(blobs, tmp_path, recorder):
    before = {path: path.stat().st_mtime_ns for path in Path(blobs).rglob("*")}
    check_dataset(_request(blobs, tmp_path), recorder)
    assert {path: path.stat().st_mtime_ns for path in Path(blobs).rglob("*")} == before


def test_the_report_alone_is_enough(blobs, tmp_path, recorder):
    result = check_dataset(CheckDataset(dataset=blobs, report=str(tmp_path / "r.html")), recorder)
    assert (result.findings, result.tiles) == (None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize("after", [3, 30])
def test_cancelling_leaves_nothing(after, faulty, tmp_path, make_recorder):
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        check_dataset(_request(faulty, out), make_recorder(lambda self: len(self.fractions) >= min(after, 25)))
    assert not out.exists() or list(out.iterdir()) == []


def test_a_folder_that_is_neither_is_refused(tmp_path, recorder):
    with pytest.raises(InputError, match="no folder images"):
        check_dataset(_request(tmp_path, tmp_path / "out"), recorder)


def test_masks_without_crs_are_no_mistake(tmp_path, recorder):
    random = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in range(8):
        image = random.integers(1, 250, (3, 40, 40)).astype(np.uint8)
        write_raster(tmp_path / "images" / f"{number}.tif", image)
        write_raster(tmp_path / "labels" / f"{number}.tif", image[:1] // 200, crs=None)
    result = check_dataset(_request(tmp_path, tmp_path / "out"), recorder)
    assert (result.error_count, result.warning_count) == (0, 0)


def test_original_tiles_without_their_sidecars_have_lost_their_crs(data, tmp_path, recorder):
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    files = sorted((data / "banepa_buildings" / "tiles_epsg4326").glob("*.tif"))
    for number, path in enumerate(files):
        shutil.copy(path, tmp_path / "images")
        if number == 0:
            shutil.copy(f"{path}.aux.xml", tmp_path / "images")
        label = (np.indices((512, 512)).sum(axis=0) % 7 < 2).astype(np.uint8)
        write_raster(tmp_path / "labels" / path.name, label[None], crs=None, transform=Affine.identity())
    check_dataset(_request(tmp_path, tmp_path / "out", class_values="0, 1"), recorder)
    assert len(recorder.warnings) == 1
    assert re.search("No CRS in 8 of 9 images .* where EPSG:4326 is expected", recorder.warnings[0])
    geometries = pyogrio.raw.read(tmp_path / "out" / "t.gpkg")[2]
    assert len(geometries) >= 8
    assert all(geometry is not None for geometry in geometries)

"""A run that ended early goes on, and ends in the same files as one that was left alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import shapely
from geoseg.geoseg_plugin.contract.errors import Cancelled, OutputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine import unfinished
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.tiling import resuming
from geoseg.geoseg_plugin.engine.datasets.tiling.tile_files import TileFiles
from geoseg.geoseg_plugin.engine.datasets.tiling.tiles import make_tiles

SIDE = 320


@pytest.fixture
def ask(make_raster, tmp_path):
    """Returns requests for tiles of one scene with gaps and rare labels."""
    random = np.random.default_rng(3)
    scene = random.integers(1, 250, (2, SIDE, SIDE)).astype(np.int16)
    scene[:, 100:170, 30:90] = -1
    label = (random.random((1, SIDE, SIDE)) > 0.999).astype(np.uint8)
    image, labels = make_raster("scene.tif", scene, nodata=-1), make_raster("label.tif", label)

    def request(**options):
        defaults = {"tile_size": 32, "overlap": 0, "min_labelled": 0.05, "resume": True}
        return MakeTiles(images=(image,), labels=(labels,), output=str(tmp_path / "tiles"), **{**defaults, **options})

    return request


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def whole(request, report, tmp_path):
    """Run a request without interruption and return the files, with the folder out of the way again."""
    make_tiles(request, report)
    files = contents(request.output)
    shutil.rmtree(request.output)
    return files


def stop_early(request, make_recorder, most=0.5):
    with pytest.raises(Cancelled):
        make_tiles(request, make_recorder(lambda recorder: recorder.fractions[-1:] > [most]))


def test_a_run_that_goes_on_ends_as_one_that_was_left_alone(ask, recorder, make_recorder, tmp_path, monkeypatch):
    expected = whole(ask(), recorder, tmp_path)
    stop_early(ask(), make_recorder)
    left = contents(ask().output)
    assert resuming.MARKER in left
    assert "dataset.json" not in left
    assert 10 < len(left) < len(expected)
    written, write = [], TileFiles.write
    monkeypatch.setattr(TileFiles, "write", lambda self, name, *rest: written.append(name) or write(self, name, *rest))
    make_tiles(ask(workers=3), recorder)
    assert contents(ask().output) == expected
    kept = {name.removeprefix("labels/").removesuffix(".tif") for name in left if name.startswith("labels/")}
    assert len(kept) > 3
    assert not kept & set(written)
    assert any(f"{len(kept)} tiles of an earlier run" in text for text in recorder.notes)


def test_without_resume_the_dataset_is_the_same(ask, recorder, tmp_path):
    assert whole(ask(), recorder, tmp_path) == whole(ask(resume=False), recorder, tmp_path)


def test_damaged_and_half_written_tiles_are_cut_anew(ask, recorder, make_recorder, tmp_path):
    expected = whole(ask(), recorder, tmp_path)
    stop_early(ask(), make_recorder)
    folder = Path(ask().output)
    images = sorted((folder / "images").glob("*.tif"))
    images[0].write_bytes(images[0].read_bytes()[:500])
    images[1].write_bytes(b"no tile")
    (folder / "labels" / images[2].name).unlink()
    with rasterio.open(images[3]) as dataset:
        profile = {**dataset.profile, "dtype": "uint8", "nodata": None}
    with rasterio.open(images[3], "w", **profile) as dataset:
        dataset.write(np.ones((2, 32, 32), np.uint8))
    (folder / "images" / "x.tif.part").write_bytes(b"half")
    (folder / "tiles.gpkg").write_bytes(b"half")
    make_tiles(ask(), recorder)
    assert contents(folder) == expected


@pytest.mark.parametrize("layout", ["random", "stride"])
def test_every_layout_goes_on(ask, recorder, make_recorder, tmp_path, layout):
    options = {"layout": layout, "count": 60, "edges": "reflect", "stride": 30, "compression": "deflate"}
    expected = whole(ask(**options), recorder, tmp_path)
    stop_early(ask(**options), make_recorder)
    make_tiles(ask(**options), recorder)
    assert contents(ask().output) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tile_size": 64}, "another TILE_SIZE: 32, now 64"), ({"seed": 1}, "another SEED: 42, now 1")],
)
def test_another_request_touches_nothing(ask, make_recorder, recorder, change, message):
    stop_early(ask(), make_recorder)
    before = contents(ask().output)
    with pytest.raises(OutputError, match=message):
        make_tiles(ask(**change), recorder)
    assert contents(ask().output) == before


def test_a_changed_source_touches_nothing(ask, make_recorder, recorder):
    stop_early(ask(), make_recorder)
    before = contents(ask().output)
    os.utime(ask().images[0], ns=(1, 1))
    with pytest.raises(OutputError, match=r"since which .*scene\.tif has changed"):
        make_tiles(ask(), recorder)
    assert contents(ask().output) == before


def test_another_version_touches_nothing(ask, make_recorder, recorder, monkeypatch):
    stop_early(ask(), make_recorder)
    monkeypatch.setattr(unfinished, "version", lambda: "99")
    with pytest.raises(OutputError, match="and this is another version"):
        make_tiles(ask(), recorder)


def test_a_damaged_marker_is_told(ask, make_recorder, recorder):
    stop_early(ask(), make_recorder)
    (Path(ask().output) / resuming.MARKER).write_text("{}")
    with pytest.raises(OutputError, match="it is damaged"):
        make_tiles(ask(), recorder)


def test_other_folders_and_complete_datasets_are_left_alone(ask, recorder, tmp_path):
    Path(ask().output).mkdir()
    (tmp_path / "tiles" / "precious.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        make_tiles(ask(), recorder)
    (tmp_path / "tiles" / "precious.txt").unlink()
    make_tiles(ask(), recorder)
    before = contents(ask().output)
    assert resuming.MARKER not in before
    with pytest.raises(OutputError, match="not empty"):
        make_tiles(ask(), recorder)
    assert contents(ask().output) == before


def test_a_killed_run_goes_on(ask, recorder, tmp_path):
    # The root of the repository is the package geoseg; the command line registers it.
    request = ask(tile_size=32, overlap=75, min_labelled=0, validation=0)
    expected = whole(request, recorder, tmp_path)
    program = Path(__file__).resolve().parents[2] / "geoseg_plugin"
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"stage": "maketiles", "parameters": {
        **resuming.lasting_request(request)["parameters"], "resume": True}}))  # fmt: skip
    with subprocess.Popen([sys.executable, program, "run", job], stderr=subprocess.DEVNULL) as process:
        labels, deadline = tmp_path / "tiles" / "labels", time.monotonic() + 20
        while time.monotonic() < deadline and (not labels.exists() or len(list(labels.iterdir())) < 60):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "tiles" / resuming.MARKER).exists()
    assert 60 <= len(list(labels.iterdir())) < len(expected) // 2
    make_tiles(request, recorder)
    assert contents(request.output) == expected


def test_the_request_in_dataset_json_makes_the_dataset_again(ask, recorder, tmp_path):
    result = make_tiles(ask(resume=False), recorder)
    before = contents(result.output)
    other = str(tmp_path / "again")
    program = Path(__file__).resolve().parents[2] / "geoseg_plugin"
    job = Path(result.output) / "dataset.json"
    subprocess.run([sys.executable, program, "run", job, "--output", other], check=True, capture_output=True)
    after = contents(other)
    differing = {name for name in before if before[name] != after[name]}
    assert set(before) == set(after)
    assert differing == {"dataset.json"}
    assert open_dataset(other).made["request"]["parameters"]["output"] == other


def test_all_files_of_a_source_are_watched(ask, make_layer, make_raster, tmp_path):
    image, layer = (
        Path(make_raster("in.tif", np.ones((1, 8, 8), np.uint8))),
        make_layer("l.gpkg", [shapely.Point(1, 1)]),
    )
    inner, outer = tmp_path / "inner.vrt", tmp_path / "outer.vrt"
    for made, source in ((inner, image), (outer, inner)):
        rasterio.shutil.copy(source, made, driver="VRT")
        # As GDAL names sources of virtual rasters that it builds.
        made.write_text(re.sub(r"(<SourceFilename[^>]*>)[^<]*", rf"\g<1>{source.name}", made.read_text()))
    (tmp_path / "l.gpkg-wal").write_bytes(b"")
    folder = tmp_path / "l.gdb"
    folder.mkdir()
    (folder / "a0001.gdbtable").write_bytes(b"")
    watched = resuming._state(ask(), (str(outer), layer, f"{folder}|layername=a"))["sources"]
    names = {str(Path(path).relative_to(tmp_path)) for path in watched}
    assert names == {"in.tif", "inner.vrt", "outer.vrt", "l.gpkg", "l.gpkg-wal", "l.gdb", "l.gdb/a0001.gdbtable"}

"""Many scenes through the real qgis_process: what is finished stays, whatever happens, and a later run goes on."""

import os
import signal
import time

import pytest
from geoseg.tests.e2e.test_faults import workers_of
from osgeo import gdal

COUNT = 5


@pytest.fixture
def scenes(chain, tmp_path):
    """Scenes that take some seconds in all."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for number in range(COUNT):
        window = [0, 20 * number, 128, 128]
        gdal.Translate(str(folder / f"s{number}.tif"), str(chain.folder / "east.tif"), srcWin=window)
    return folder


def finished_in(maps):
    return sorted(path.name for path in maps.glob("*_classes.tif"))


def test_a_killed_engine_leaves_what_is_finished_and_the_next_goes_on(qgis_process, chain, scenes, tmp_path):
    maps = tmp_path / "maps"
    parameters = {
        "FOLDER": scenes, "MODEL": chain.folder / "model.safetensors", "TILE_SIZE": 64, "OVERLAP": 75, "OUTPUT": maps,
    }  # fmt: skip
    with (tmp_path / "log.txt").open("w") as log:
        run = qgis_process.start("geoseg:predictscenes", parameters, log)
        try:
            deadline = time.monotonic() + 60
            while not (finished_in(maps) and list(maps.glob(".geoseg-*"))) and run.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for worker in workers_of(run.pid):
                os.kill(worker, signal.SIGKILL)
            assert run.wait(30) == 1
        finally:
            run.kill()
            run.wait()
    said = (tmp_path / "log.txt").read_text()
    assert "The engine died" in said and "Run it again to go on: finished scenes are skipped." in said
    finished = finished_in(maps)
    assert 0 < len(finished) < COUNT
    assert not list(maps.glob(".geoseg-*"))
    assert all(gdal.Open(str(maps / name)).ReadAsArray().shape == (128, 128) for name in finished)
    done = qgis_process.results("geoseg:predictscenes", parameters)
    assert (done["COUNT"], done["SKIPPED"]) == (COUNT - len(finished), len(finished))
    assert len(finished_in(maps)) == COUNT


def test_a_broken_scene_is_named_in_the_end(qgis_process, chain, scenes, tmp_path):
    (scenes / "s1.tif").write_text("no raster")
    parameters = {"FOLDER": scenes, "MODEL": chain.folder / "model.safetensors", "OUTPUT": tmp_path / "maps"}
    done = qgis_process.run("geoseg:predictscenes", parameters)
    assert done.returncode == 1
    assert f"1 of {COUNT} scenes could not be mapped. {scenes / 's1.tif'}: " in done.stderr
    assert f"The other {COUNT - 1} are finished." in done.stderr
    assert "Traceback" not in done.stderr
    assert len(finished_in(tmp_path / "maps")) == COUNT - 1

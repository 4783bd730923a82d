"""Every stage is led to a function, and a full disk is no success."""

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import OutputError
from geoseg.geoseg_plugin.contract.stages import STAGES
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster
from geoseg.geoseg_plugin.engine import run


def test_every_stage_has_a_function():
    """But for the one that makes the engine."""
    assert {*run._FUNCTIONS, "installengine"} == set(STAGES)


def test_a_full_disk_is_named_by_what_is_written(make_raster, tmp_path, recorder, monkeypatch):
    def fill(request, report):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("geoseg.geoseg_plugin.engine.imagery.clip.clip_raster", fill)
    source = make_raster("image.tif", np.ones((1, 4, 4), np.uint8))
    with pytest.raises(OutputError, match=r"no room left on the disk for .*out\.tif"):
        run.run(ClipRaster(input=source, like=source, output=str(tmp_path / "out.tif")), recorder)


@pytest.mark.parametrize("side", [300, 900], ids=["cut off while closing", "cut off while writing"])
def test_a_raster_for_which_the_disk_has_no_room_is_an_error(make_raster, tmp_path, side):
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8)
    source, target = make_raster("noise.tif", pixels), tmp_path / "out" / "clip.tif"
    parameters = {"input": source, "like": source, "output": str(target)}
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"stage": "clipraster", "parameters": parameters}))
    entry = Path(__file__).resolve().parents[2] / "geoseg_plugin"
    done = subprocess.run(
        [sys.executable, str(entry), "run", str(job)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),  # stands for a full disk
    )  # fmt: skip
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(target.parent.iterdir()) == []

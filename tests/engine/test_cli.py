"""The command line says what it gives as JSON, and exits as shells expect."""

import json
import re

import pytest
from geoseg.geoseg_plugin import cli
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES


def test_a_stage_runs_and_prints_its_result(tmp_path, capsys):
    scene, labels = str(tmp_path / "scene.tif"), str(tmp_path / "labels.gpkg")

    code = cli.main(["demo-scene", "--size", "128", "--output", scene, "--labels", labels])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {"output": scene, "labels": labels}


def test_a_job_file_runs(tmp_path, capsys):
    scene, labels = str(tmp_path / "scene.tif"), str(tmp_path / "labels.gpkg")
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"stage": "demoscene", "parameters": {"size": 128, "output": scene, "labels": labels}}))

    assert cli.main(["run", str(job)]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == scene


@pytest.mark.parametrize("text", ["no json", "[]", '{"stage": "none", "parameters": {}}'])
def test_a_wrong_job_exits_with_1(tmp_path, capsys, text):
    job = tmp_path / "job.json"
    job.write_text(text)

    assert cli.main(["run", str(job)]) == 1
    assert capsys.readouterr().err.strip().startswith("Error: ")


def test_a_failure_exits_with_1_and_says_what_to_do(tmp_path, capsys):
    arguments = ["clip-raster", "--input", str(tmp_path / "none.tif"), "--extent", "0,1,0,1"]

    assert cli.main([*arguments, "--output", str(tmp_path / "out.tif")]) == 1
    said = capsys.readouterr().err
    assert "none.tif cannot be opened" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_every_parameter_is_an_option(stage, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([stage.command(), "--help"])

    options = set(re.findall(r"^\s+(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert left.value.code == 0
    assert {field.option for field in fields_of(stage)} == options


def test_describe_is_json(capsys):
    assert cli.main(["describe", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert [stage["id"] for stage in described] == list(STAGES)

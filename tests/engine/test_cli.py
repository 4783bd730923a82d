"""The command line says what it gives as JSON, and exits as shells expect."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from geoseg.geoseg_plugin import cli
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.networks import ENCODERS, NETWORKS, millions
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


ODD_FILES = (
    "odd_raster/derived/zero_bytes.tif", "odd_raster/derived/truncated_60pct.tif",
    "odd_raster/derived/text_named_tif.tif", "odd_raster/derived/vrt_missing_source.vrt",
    "odd_vector/derived/broken_json.geojson", "odd_vector/derived/empty_layer.gpkg", "odd_vector/derived/truncated.shp",
)  # fmt: skip


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_broken_file_exits_with_1_and_is_named(data, tmp_path, capfd, name):
    odd, output = str(data / name), str(tmp_path / "out.tif")
    image = str(data / "odd_raster" / "derived" / "base_rgb_uint8.tif")
    given = ["--input", image, "--mask", odd] if "vector" in name else ["--input", odd, "--like", odd]

    assert cli.main(["clip-raster", *given, "--output", output]) == 1
    said = capfd.readouterr().err
    assert Path(name).name in said
    assert "Error: " in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_our_own_exits_with_1_in_our_words(tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise KeyError("colour")

    monkeypatch.setattr(cli, "_perform", fail)
    arguments = ["demo-scene", "--output", str(tmp_path / "s.tif"), "--labels", str(tmp_path / "l.gpkg")]
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err.endswith(
        "Error: GeoSeg has met a fault of its own (KeyError: 'colour'). Please report it with the log.\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_and_leaves_nothing(tmp_path, number):
    entry = Path(__file__).resolve().parents[2] / "geoseg_plugin"
    arguments = ["demo-scene", "--size", "2500", "--output", tmp_path / "s.tif", "--labels", tmp_path / "l.gpkg"]
    with subprocess.Popen([sys.executable, entry, *arguments], stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob(".geoseg-*")) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == cli.EXIT_CANCELLED
    assert "Cancelled" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_every_parameter_is_an_option(stage, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([stage.command(), "--help"])

    options = set(re.findall(r"^\s+(--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert left.value.code == 0
    assert {field.option for field in fields_of(stage)} == options


def test_help_says_what_is_to_know_of_single_choices(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train-segmentation", "--help"])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for network in NETWORKS:
        assert f"{network.name} {network.line}" in lines
    for name, size in ENCODERS.items():
        assert any(line.startswith(f"{name} {millions(size)}") for line in lines)


def test_describe_is_json(capsys):
    assert cli.main(["describe", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert [stage["id"] for stage in described] == list(STAGES)


def test_a_job_goes_to_another_place(tmp_path, capsys):
    job = tmp_path / "job.json"
    parameters = {"output": str(tmp_path / "one.tif"), "size": 128, "labels": str(tmp_path / "l.gpkg")}
    job.write_text(json.dumps({"made": {"request": {"stage": "demoscene", "parameters": parameters}}}))
    assert cli.main(["run", str(job), "--output", str(tmp_path / "other.tif")]) == 0
    assert json.loads(capsys.readouterr().out)["output"] == str(tmp_path / "other.tif")
    assert not (tmp_path / "one.tif").exists()


def test_a_job_without_output_refuses_one(tmp_path, capsys):
    job = tmp_path / "job.json"
    job.write_text(json.dumps({"stage": "checkengine", "parameters": {}}))
    assert cli.main(["run", str(job), "--output", "x.tif"]) == 1
    assert "checkengine has no parameter OUTPUT" in capsys.readouterr().err

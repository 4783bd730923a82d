"""One declaration, four faces: fields of the stage, parameters in QGIS, options of the command line, the reference."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference():
    """docs/reference.md: its sections by the command of the stage."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    return dict(re.findall(r'<a id="([a-z-]+)"></a>\n\n(.*?)(?=\n<a id=|\Z)', text, re.DOTALL))


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_parameters_are_the_same_everywhere(provider, reference, stage):
    fields = fields_of(stage)
    algorithm = provider.algorithm(stage.id())
    assert [one.name() for one in algorithm.parameterDefinitions()] == [field.parameter for field in fields]
    command = [sys.executable, str(ROOT / "geoseg_plugin"), stage.command(), "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^  (--[a-z][a-z-]*)", usage, re.MULTILINE)
    assert options == [field.option for field in fields]
    table = re.findall(r"^\| `([A-Z_]+)` \| `(--[a-z-]+)` \|", reference[stage.command()], re.MULTILINE)
    assert table == [(field.parameter, field.option) for field in fields]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_results_are_the_same_everywhere(provider, reference, stage):
    names = {field.parameter for field in fields_of(stage.result)}
    algorithm = provider.algorithm(stage.id())
    assert {one.name() for one in algorithm.outputDefinitions()} == names
    assert set(re.findall(r"^\| `([A-Z_]+)` \| (?!`)", reference[stage.command()], re.MULTILINE)) == names


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_defaults_and_limits_are_the_same_in_qgis(provider, stage):
    for field in fields_of(stage):
        parameter = provider.algorithm(stage.id()).parameterDefinition(field.parameter)
        if field.kind.value in ("number", "choice", "flag", "text"):
            assert parameter.defaultValue() == field.default
        if field.kind.value == "number" and field.minimum is not None:
            assert parameter.minimum() == field.minimum
        if field.kind.value == "number" and field.maximum is not None:
            assert parameter.maximum() == field.maximum


def test_the_reference_is_up_to_date():
    described = subprocess.run(
        [sys.executable, str(ROOT / "geoseg_plugin"), "describe", "--json"], capture_output=True, text=True, check=True
    ).stdout
    assert {stage["id"] for stage in json.loads(described)} == set(STAGES)
    written = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "make_reference.py")], input=described, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    assert written == (ROOT / "docs" / "reference.md").read_text(encoding="utf-8"), "run `make reference`"

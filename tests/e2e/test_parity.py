"""One declaration, four faces: fields of the stage, parameters in QGIS, options of the command line, the reference."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from geoseg.geoseg_plugin.contract.fields import OUTPUT_KINDS, Kind, fields_of
from geoseg.geoseg_plugin.contract.stages import STAGES
from qgis.core import QgsProcessingParameterDefinition as Definition
from qgis.core import QgsProcessingParameterNumber

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference():
    """docs/reference.md: its sections by the command of the stage."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    return dict(re.findall(r'<a id="([a-z-]+)"></a>\n\n(.*?)(?=\n<a id=|\Z)', text, re.DOTALL))


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_stage_is_the_same_everywhere(provider, reference, stage):
    fields, results = fields_of(stage), {field.parameter for field in fields_of(stage.result)}
    algorithm = provider.algorithm(stage.id())
    parameters = algorithm.parameterDefinitions()
    assert [one.name() for one in parameters] == [field.parameter for field in fields]
    for parameter, field in zip(parameters, fields, strict=True):
        compare(parameter, field)
    assert {one.name() for one in algorithm.outputDefinitions()} == results

    command = [sys.executable, str(ROOT / "geoseg_plugin"), stage.command(), "--help"]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^  (--[a-z][a-z-]*)", usage, re.MULTILINE)
    assert options == [field.option for field in fields]

    section = reference[stage.command()]
    table = re.findall(r"^\| `([A-Z_]+)` \| `(--[a-z-]+)` \|", section, re.MULTILINE)
    assert table == [(field.parameter, field.option) for field in fields]
    assert set(re.findall(r"^\| `([A-Z_]+)` \| (?!`)", section, re.MULTILINE)) == results


def compare(parameter, field):
    """Compare one parameter of an algorithm with its field."""
    assert field.help in parameter.help()
    assert field.label in parameter.description()
    assert bool(parameter.flags() & Definition.Flag.FlagOptional) == field.optional
    assert bool(parameter.flags() & Definition.Flag.FlagAdvanced) == field.advanced
    assert field.kind in OUTPUT_KINDS or parameter.defaultValue() == field.default
    if field.kind is Kind.NUMBER:
        assert (parameter.dataType() == QgsProcessingParameterNumber.Type.Integer) == field.integer
        assert field.minimum is None or parameter.minimum() == field.minimum
        assert field.maximum is None or parameter.maximum() == field.maximum
    if field.kind is Kind.CHOICE:
        assert parameter.options() == list(field.choices)
        assert parameter.usesStaticStrings()


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

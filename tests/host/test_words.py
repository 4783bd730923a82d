"""The help page that Processing shows: what a stage says of itself, and of single choices."""

import re

import pytest
from geoseg.algorithms.words import help_html
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.networks import AUTO, ENCODERS, NETWORKS, millions
from geoseg.geoseg_plugin.contract.stages import STAGES
from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
from qgis.PyQt.QtGui import QTextDocument


@pytest.fixture(scope="module")
def sections():
    """The help of TrainSegmentation as the panel shows it: lines of text by heading."""
    document = QTextDocument()
    document.setHtml(help_html(TrainSegmentation))
    headings = re.findall("<h3>(.*?)</h3>", help_html(TrainSegmentation))
    found, heading = {}, ""
    for line in document.toPlainText().splitlines():
        if line in headings:
            heading = line
        found.setdefault(heading, []).append(line)
    return found


def test_every_network_is_listed_with_its_size_and_one_line_of_advice(sections):
    listed = sections["Architecture (ARCHITECTURE)"][1:]
    assert listed == [f"{network.name}: {network.line}" for network in NETWORKS]
    for line in listed:
        assert re.search(r", \d+\.\d million parameters( with \S+)?: .{10,80}\.$", line), line
        assert ", 0.0 million" not in line


def test_every_encoder_is_listed_with_its_size(sections):
    first, *listed = sections["Encoder (ENCODER)"][1:]
    note = "that of a model in WEIGHTS, or that which WEIGHTS auto or imagenet takes; else the usual one."
    assert first == f"{AUTO}: {note}"
    assert listed == [f"{name}: {millions(size)}" for name, size in ENCODERS.items()]
    assert all(size > 100_000 for size in ENCODERS.values())


def test_long_lists_come_after_what_all_parameters_are_for(sections):
    headings = list(sections)
    assert headings[1:3] == ["Parameters", "Results"]
    assert "Architecture (ARCHITECTURE): The network. See below." in sections["Parameters"]
    assert len(sections["Parameters"]) == 1 + len(fields_of(TrainSegmentation))


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_help_is_well_formed(stage):
    html = help_html(stage)
    for tag in ("p", "ul", "li", "h3", "b", "div"):
        assert len(re.findall(rf"<{tag}[ >]", html)) == html.count(f"</{tag}>")

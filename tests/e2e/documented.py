"""The commands that a page of docs/ shows, as they can be run."""

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def read_page(page):
    """Return the text of a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def commands_of(page):
    """Return the commands of a page, one line each."""
    blocks = re.findall(r"```\n(.*?)```", read_page(page), re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", "").splitlines()]


def values_of(words):
    """Return the parameters in NAME=value, each a list of texts."""
    parameters = {}
    for word in words:
        name, text = word.split("=", 1)
        parameters.setdefault(name, []).append(text)
    return parameters


def run_shown(qgis_process, command, **shortened):
    """Run a command in the current folder, some parameters with other values.

    Returns its parameters, each a list of texts, and what it said.
    """
    _, run, algorithm, dashes, *words = shlex.split(command)
    assert (run, dashes) == ("run", "--")
    parameters = {**values_of(words), **shortened}
    done = qgis_process.run(algorithm, parameters)
    assert done.returncode == 0, done.stderr
    return parameters, done.stdout

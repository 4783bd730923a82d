"""The words of the stages in the user's language, and the help page made of them."""

from __future__ import annotations

from html import escape
from typing import Iterable, Type

from qgis.PyQt.QtCore import QCoreApplication

from ..geoseg_plugin.contract.fields import Field, fields_of
from ..geoseg_plugin.contract.stages.stage import Stage

_CONTEXT = "GeoSeg"


def translate(text: str) -> str:
    """Return a text of the contract in the user's language, as far as it has been translated."""
    return str(QCoreApplication.translate(_CONTEXT, text))


def help_html(stage: Type[Stage]) -> str:
    """Return what a stage does, what it asks for and what it gives back, in the HTML that Processing shows."""
    paragraphs = [translate(" ".join(part.split())) for part in stage.help_text().split("\n\n")]
    text = "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
    asked = fields_of(stage)
    choices = "".join(_choices(field) for field in asked if field.noted_choices)
    return text + _list("Parameters", asked) + _list("Results", fields_of(stage.result)) + choices


def _list(title: str, fields: Iterable[Field]) -> str:
    lines = "".join(_line(field) for field in fields)
    return f"<h3>{_words(title)}</h3><ul>{lines}</ul>" if lines else ""


def _line(field: Field) -> str:
    below = f" {_words('See below.')}" if field.noted_choices else ""
    return f"<li><b>{_words(field.label)}</b> ({field.parameter}): {_words(field.help)}{below}</li>"


def _choices(field: Field) -> str:
    # Not a list: its indents would take half of the narrow panel.
    lines = "".join(
        f'<div style="margin-bottom: 4px"><b>{escape(choice, quote=False)}</b>: {_words(note)}</div>'
        for choice, note in field.noted_choices
    )
    return f"<h3>{_words(field.label)} ({field.parameter})</h3>{lines}"


def _words(text: str) -> str:
    return escape(translate(text), quote=False)

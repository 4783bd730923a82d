"""Reports for people: one page of HTML that needs no other file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).resolve().parents[2] / "resources" / "report"


def write_page(path: Path, template: str, values: dict[str, Any]) -> None:
    """Fill in a template of resources/report and write the page; all texts are escaped."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    environment.filters["figure"] = _figure
    path.write_text(environment.get_template(template).render(**values), encoding="utf-8")


def data_uri(png: bytes) -> Markup:
    """Return a picture as the source of an <img>."""
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))  # noqa: S704 # nosec B704


def _figure(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"

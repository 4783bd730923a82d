"""How stages ask for many rasters: by a list, or by a folder and a pattern."""

from __future__ import annotations

from typing import Any, Sequence

from ..errors import RequestError
from ..fields import Kind, ask


def ask_folder(help: str) -> Any:
    """Declare a folder that stands for the list INPUTS."""
    return ask(Kind.FOLDER, "Folder", help, optional=True)


def ask_pattern() -> Any:
    """Declare which files of FOLDER are meant."""
    return ask(
        Kind.TEXT, "Pattern", "Which files of FOLDER to take, with * and ?; **/*.tif looks into subfolders too. "
        "Capitals do not matter, and hidden files are passed over.",
        default="*.tif",
    )  # fmt: skip


def check_list_or_folder(inputs: Sequence[str], folder: str | None) -> None:
    """Raise RequestError unless one of INPUTS and FOLDER was given."""
    if bool(inputs) == bool(folder):
        given = "both were" if folder else "neither was"
        raise RequestError(f"INPUTS or FOLDER is needed, but {given} given.", "Give one of them.")

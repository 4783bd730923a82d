"""How unfinished results are named, so that the host can remove what a killed worker left behind."""

from __future__ import annotations


def staging_name(name: str, process_id: int) -> str:
    """Return the name of the folder, beside the final place, in which a process builds the result called `name`."""
    return f".geoseg-{name}-{process_id}"


def unfinished_name(name: str) -> str:
    """Return the name of the folder, beside the final place, that keeps finished parts of the result called `name`.

    With RESUME it outlives its process; else it is a staging folder under this name.
    """
    return f"{name}.unfinished"

"""Finding the rasters that a mosaic is made of."""

from __future__ import annotations

from ....contract.errors import RequestError
from ....contract.stages.imagery import MosaicRasters
from ....contract.stages.stage import place_of
from ..patterns import find_rasters


def find_paths(request: MosaicRasters) -> tuple[str, ...]:
    """Return the rasters that are asked for: INPUTS, or what PATTERN finds in FOLDER, by name.

    Files that are no rasters are left out by `read_sources`.

    Raises:
        RequestError: FOLDER or PATTERN is wrong, or OUTPUT is one of the files.
    """
    if not request.folder:
        return request.inputs
    paths = find_rasters(request.folder, request.pattern)
    if place_of(request.output) in {place_of(path) for path in paths}:
        raise RequestError(
            f"OUTPUT would overwrite one of the rasters of FOLDER ({request.output}).", "Choose another file to write."
        )
    return paths

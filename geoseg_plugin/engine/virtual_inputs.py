"""What virtual rasters among the inputs show must not be overwritten by a result."""

from __future__ import annotations

from ..contract.errors import RequestError
from ..contract.fields import VRT_SUFFIX
from ..contract.stages.stage import Stage, place_of
from .raster import open_raster


def check_virtual_inputs(request: Stage) -> None:
    """Refuse a request that would overwrite a file that one of its virtual rasters shows.

    Raises:
        RequestError: It would.
        InputError: A virtual raster cannot be opened.
    """
    results = {place_of(path): (parameter, path) for parameter, path in request.paths(written=True)}
    for _, source in request.paths(written=False):
        if not source.lower().endswith(VRT_SUFFIX):
            continue
        with open_raster(source) as dataset:
            shown = [place for place in map(place_of, dataset.files) if place in results]
        if shown:
            parameter, path = results[shown[0]]
            raise RequestError(
                f"{parameter} would overwrite {path}, which {source} shows.", "Choose another file to write."
            )

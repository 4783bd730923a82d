"""Rasters on other machines, which GDAL reads in pieces over HTTP."""

from __future__ import annotations

import os

_ADDRESSES = ("http://", "https://", "ftp://", "s3://", "gs://", "az://")
_NETWORKS = ("/vsicurl", "/vsis3/", "/vsigs/", "/vsiaz/", "/vsiadls/", "/vsioss/", "/vsiswift/")
# A server that is silent ends the reading, one that is slow or overloaded does not.
_PATIENCE = {
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "100",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
}
# Files beside the raster (masks, statistics) are asked for by name: few servers list folders, and those do it slowly.
_NO_LISTING = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"}


def is_remote(path: str) -> bool:
    """Tell whether a path leads to another machine, also into an archive there."""
    return path.startswith(_ADDRESSES) or any(network in path for network in _NETWORKS)


def reading_options(path: str) -> dict[str, str]:
    """Return GDAL's options for reading a raster; those that are set in the environment are left as they are.

    Args:
        path: The raster. A virtual one may show others that lie elsewhere.
    """
    options = {**_PATIENCE, **(_NO_LISTING if is_remote(path) else {})}
    return {name: value for name, value in options.items() if name not in os.environ}

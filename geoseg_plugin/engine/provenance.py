"""Where a file comes from: the tags that every written raster carries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ..contract.stages import to_json
from ..contract.stages.stage import Stage
from .class_raster import REQUEST_TAG
from .run import version

VERSION_TAG = "GEOSEG_VERSION"
MODEL_TAG = "GEOSEG_MODEL_SHA256"  # of the model, and after a space of each further one


def request_tags(request: Stage) -> dict[str, str]:
    """Return the tags that tell by which request and which GeoSeg a raster was made."""
    return {REQUEST_TAG: json.dumps(to_json(request), ensure_ascii=False), VERSION_TAG: version()}


def digest_models(paths: Sequence[str]) -> str:
    """Return what MODEL_TAG says of the models that a map is made with, the first and further ones."""
    return " ".join(map(digest_file, paths))


def digest_file(path: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal; it is read once as long as it does not change."""
    facts = Path(path).stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: str, _size: int, _changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

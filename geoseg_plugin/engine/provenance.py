"""Where a file comes from: the tags that every written raster carries."""

from __future__ import annotations

import json

from ..contract.stages import to_json
from ..contract.stages.stage import Stage
from .class_raster import REQUEST_TAG
from .run import version

VERSION_TAG = "GEOSEG_VERSION"


def request_tags(request: Stage) -> dict[str, str]:
    """Return the tags that tell by which request and which GeoSeg a raster was made."""
    return {REQUEST_TAG: json.dumps(to_json(request), ensure_ascii=False), VERSION_TAG: version()}

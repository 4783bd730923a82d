"""Layers as tables."""

import json

from osgeo import ogr


def read_table(path):
    """Return the features of a layer as dictionaries."""
    source = ogr.Open(str(path))
    return [json.loads(feature.ExportToJson())["properties"] for feature in source.GetLayer()]

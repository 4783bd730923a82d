"""Tags: those of all domains, whatever they are called, but none that tell where pixels lie."""

import numpy as np
import rasterio
from geoseg.geoseg_plugin.engine.imagery.tags import read_domains, write_tags


def test_tags_may_have_any_name(make_raster):
    path = make_raster("in.tif", np.ones((1, 9, 9), np.uint8))
    with rasterio.open(path, "r+") as dataset:
        write_tags(dataset, 0, {"bidx": "5", "ns": "x", "self": "me", "a b": "c"}, {"IMAGERY": {"C": "1"}})
        write_tags(dataset, 1, {"P": "VV"}, {})
    with rasterio.open(path) as dataset:
        assert {key: text for key, text in dataset.tags().items() if key != "AREA_OR_POINT"} == {
            "a b": "c",
            "self": "me",
        }
        assert (dataset.tags(ns="IMAGERY"), dataset.tags(1)) == ({"C": "1"}, {"P": "VV"})


def test_domains_that_tell_where_pixels_lie_and_own_ones_are_left_out(make_raster):
    path = make_raster("in.tif", np.ones((1, 9, 9), np.uint8), compress="deflate")
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="RPC", LINE_OFF="1")
        dataset.update_tags(ns="IMAGERY", C="1")
        dataset.update_tags(1, ns="IMAGERY", Q="2")
    with rasterio.open(path) as dataset:
        assert "IMAGE_STRUCTURE" in dataset.tag_namespaces()
        assert read_domains(dataset) == {"IMAGERY": {"C": "1"}}
        assert read_domains(dataset, 1) == {"IMAGERY": {"Q": "2"}}

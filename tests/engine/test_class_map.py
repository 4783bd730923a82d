"""Class rasters of maps."""

import json

import numpy as np
import rasterio
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.tests.engine.handmade import make_card
from geoseg.tests.engine.mapped import draw_probabilities, write_map
from rasterio.enums import ColorInterp


def test_a_cog_keeps_colours_names_and_tags(tmp_path):
    probabilities = draw_probabilities(1100, 600)
    card = make_card()
    write_map(tmp_path / "out", probabilities, card=card, format="COG", decision="fixed", threshold="0.25")
    path = tmp_path / "out" / "classes.tif"
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.colorinterp == (ColorInterp.palette,)
        assert {one.value: dataset.colormap(1)[one.value][:3] for one in card.classes} == {
            one.value: one.rgb for one in card.classes
        }
        assert read_class_table(dataset) == card.classes
        assert json.loads(dataset.tags()["GEOSEG_THRESHOLDS"]) == {"building": 0.25, "water": 0.25}
        assert json.loads(dataset.tags()["GEOSEG_REQUEST"])["parameters"]["threshold"] == "0.25"
        assert dataset.overviews(1) == [2, 4]
    with rasterio.open(path, overview_level=0) as dataset:
        assert set(np.unique(dataset.read(1))) <= {0, 1, 5}
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "classes.qml", "classes.tif", "classes.tif.aux.xml"
    ]  # fmt: skip

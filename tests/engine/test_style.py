"""Style files hold every class with its name and colour. That QGIS reads them is tested on the host side."""

from xml.etree import ElementTree as ET

import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.engine.style import (
    write_category_names,
    write_fold_style,
    write_polygon_style,
    write_raster_style,
    write_severity_style,
    write_share_style,
    write_split_style,
)


def parse(path):
    return ET.parse(path)  # noqa: S314 - our own file


CLASSES = ClassTable.named({0: "background", 2: 'a <"b"> & ç', 7: "roof"})


def test_raster_style(tmp_path):
    path = write_raster_style(tmp_path / "map.tif", CLASSES)
    assert path == tmp_path / "map.qml"
    entries = [(one.get("value"), one.get("label"), one.get("color")) for one in parse(path).iter("paletteEntry")]
    assert entries == [(str(one.value), one.name, one.colour) for one in CLASSES]


def test_share_style(tmp_path):
    path = write_share_style(tmp_path / "map.tif", 3)
    assert path == tmp_path / "map.qml"
    assert [one.get("band") for one in parse(path).iter("rasterrenderer")] == ["3"]
    assert [float(one.get("value")) for one in parse(path).iter("item")] == [0, 0.25, 0.5, 0.75, 1]
    assert len({one.get("color") for one in parse(path).iter("item")}) == 5


def test_category_names_start_at_zero(tmp_path):
    path = write_category_names(tmp_path / "map.tif", CLASSES)
    assert path == tmp_path / "map.tif.aux.xml"
    names = [one.text or "" for one in parse(path).iter("Category")]
    assert names == ["background", "", 'a <"b"> & ç', "", "", "", "", "roof"]
    assert write_category_names(tmp_path / "map.tif", ClassTable.named({300: "sand"})) is None


@pytest.mark.parametrize(("by_name", "values"), [(False, ["0", "2", "7"]), (True, list(CLASSES.names))])
def test_polygon_style(tmp_path, by_name, values):
    root = parse(write_polygon_style(tmp_path / "map.gpkg", CLASSES, "class", by_name=by_name)).getroot()
    assert root.find("renderer-v2").get("attr") == "class"
    assert [one.get("value") for one in root.iter("category")] == values
    assert [one.get("label") for one in root.iter("category")] == list(CLASSES.names)
    assert len(list(root.iter("symbol"))) == 3


def test_severity_style(tmp_path):
    root = parse(write_severity_style(tmp_path / "tiles.gpkg")).getroot()
    assert root.find("renderer-v2").get("attr") == "severity"
    assert [one.get("value") for one in root.iter("category")] == ["error", "warning", "note"]


def test_split_style(tmp_path):
    root = parse(write_split_style(tmp_path / "tiles.gpkg")).getroot()
    assert [one.get("value") for one in root.iter("category")] == ["train", "validation", "test", "unused"]


def test_fold_style(tmp_path):
    root = parse(write_fold_style(tmp_path / "tiles.gpkg", 3)).getroot()
    assert root.find("renderer-v2").get("attr") == "fold"
    assert [one.get("value") for one in root.iter("category")] == ["0", "1", "2", "-1"]
    colours = {one.get("v") for one in root.iter("prop") if one.get("k") == "color"}
    assert len(colours) == 4
    splits = parse(write_split_style(tmp_path / "splits.gpkg")).getroot()
    assert len(colours & {one.get("v") for one in splits.iter("prop") if one.get("k") == "color"}) == 1

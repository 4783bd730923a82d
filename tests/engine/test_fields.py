"""Values are brought into their plain type, or refused with the parameter's name and what to do."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.fields import Extent, Field, Kind, value_in_words


def field(kind, **options):
    return Field(kind, "Label", "Help.", name="tile_size", **options)


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (field(Kind.NUMBER, integer=True), 5.0, 5),
        (field(Kind.NUMBER, integer=True), "7", 7),
        (field(Kind.NUMBER, minimum=0, maximum=1), "0.5", 0.5),
        (field(Kind.FLAG), "false", False),
        (field(Kind.FLAG), "1", True),
        (field(Kind.FLAG), True, True),
        (field(Kind.LAYERS), "one.tif", ("one.tif",)),
        (field(Kind.LAYERS), ["one.tif", "two.tif"], ("one.tif", "two.tif")),
        (field(Kind.LAYERS, optional=True), [], ()),
        (field(Kind.LAYERS, accepts="file", suffixes=(".onnx",)), ["a.ONNX", "b.onnx"], ("a.ONNX", "b.onnx")),
        (field(Kind.TEXT, optional=True), "", None),
        (field(Kind.CHOICE, choices=("a", "b")), "b", "b"),
        (field(Kind.EXTENT), "0,1,2,3 [EPSG:4326]", "0,1,2,3 [EPSG:4326]"),
        (field(Kind.RASTER_OUT), "map.TIFF", "map.TIFF"),
        (field(Kind.VECTOR_OUT), "areas.shp", "areas.shp"),
    ],
)
def test_acceptable_values_become_plain(declared, value, expected):
    cleaned = declared.clean(value)

    assert cleaned == expected
    assert type(cleaned) is type(expected)


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        (field(Kind.NUMBER, integer=True), 5.5, "whole number"),
        (field(Kind.NUMBER), "nan", "number"),
        (field(Kind.NUMBER), "many", "number"),
        (field(Kind.NUMBER, minimum=1, maximum=9), 10, "1 to 9"),
        (field(Kind.NUMBER, minimum=1), 0, "1 or more"),
        (field(Kind.NUMBER, maximum=9), 10, "9 or less"),
        (field(Kind.FLAG), "perhaps", "true or false"),
        (field(Kind.CHOICE, choices=("a", "b")), "c", "a, b"),
        (field(Kind.TEXT), None, "missing"),
        (field(Kind.TEXT), 5, "must be text"),
        (field(Kind.LAYERS), [], "missing"),
        (field(Kind.FILE, suffixes=(".onnx", ".safetensors")), "m.pt", "end in .onnx or .safetensors"),
        (field(Kind.LAYERS, accepts="file", suffixes=(".onnx",)), ["a.onnx", "b.pt"], "'b.pt'; its name must end in"),
        (field(Kind.FILE_OUT, suffixes=(".onnx",)), "m", "end in .onnx"),
        (field(Kind.RASTER_OUT), "map.png", "end in .tif or .tiff"),
        (field(Kind.VECTOR_OUT), "areas.fgb", "end in .gpkg or .shp or .geojson"),
        (field(Kind.RASTER_OUT), "/vsimem/a.tif", "no place on a disk"),
    ],
)
def test_other_values_are_refused_by_name(declared, value, said):
    with pytest.raises(RequestError, match="TILE_SIZE") as caught:
        declared.clean(value)

    assert said in str(caught.value)


def test_an_extent_keeps_its_crs_even_as_wkt():
    wkt = 'LOCAL_CS["somewhere",UNIT["metre",1]]'

    assert Extent.parse("0, 1.5, -2, 3e2") == Extent(0, 1.5, -2, 300)
    assert Extent.parse("0,1,2,3 [EPSG:32633]").crs == "EPSG:32633"
    assert Extent.parse(f"0,1,2,3 [{wkt}]").crs == wkt


@pytest.mark.parametrize("text", ["", "0,1,2", "0,1,a,3", "1,0,2,3", "0,1,3,3", "0,inf,2,3", "0 1 2 3"])
def test_an_unreadable_or_empty_extent_is_refused(text):
    with pytest.raises(RequestError, match="extent"):
        Extent.parse(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true"), (None, "empty"), ("", "empty"), ((), "empty"), (("a.tif", "b.tif"), "a.tif, b.tif"),
        ([], "empty"), (0.2, "0.2"), (1e-05, "1e-05"), (64.0, "64"), (3, "3"), ("unet", "unet"),
    ],
)  # fmt: skip
def test_values_are_written_as_people_write_them(value, words):
    assert value_in_words(value) == words

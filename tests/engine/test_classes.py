"""The class of every feature, by its attribute and a class table."""

import numpy as np
import pytest
import rasterio
import shapely
from geoseg.geoseg_plugin.contract.class_list import parse_class_list
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.labels.classes import IGNORED
from geoseg.geoseg_plugin.engine.labels.layer import LabelRules, read_label_layers
from geoseg.geoseg_plugin.engine.run import run

MATERIALS = "1 concrete #888888 = concerte; 2 tin = metal; 3 clay = clay_tiles"


@pytest.fixture
def squares(make_layer):
    """Writes a layer of squares of 10 x 10 pixels in a row, with an attribute `kind`."""
    return lambda name, kinds: make_layer(
        name, [shapely.box(10 * at, 0, 10 * at + 10, 10) for at in range(len(kinds))], kind=kinds
    )


@pytest.fixture
def burn(tmp_path, recorder, make_raster):
    """Burns layers and returns the label of each square of the first row, and the result."""
    like = make_raster("image.tif", np.ones((3, 10, 60), np.uint8))

    def make(labels, **options):
        request = RasterizeLabels(labels=labels, like=like, output=str(tmp_path / "out.tif"), field="kind", **options)
        result = run(request, recorder)
        with rasterio.open(result.output) as dataset:
            return dataset.read(1)[5, 5::10].tolist(), result

    return make


def test_a_table_finds_classes_in_any_case_and_with_blanks_around(burn, squares, recorder):
    layer = squares("l.gpkg", ["Concerte", " concrete ", "METAL", "clay_tiles", "3"])
    label, result = burn(layer, classes=MATERIALS)
    assert label == [1, 1, 2, 3, 3, 0]
    assert result.class_counts == '{"0": 100, "1": 200, "2": 100, "3": 200}'
    assert result.class_count == 4
    assert recorder.warnings == []


def test_numbers_are_found_in_a_table_too(burn, squares):
    assert burn(squares("l.gpkg", np.array([6201, 2360])), classes="1 herbs = 6201; 2 forest = 2360")[0][:2] == [1, 2]
    assert burn(squares("m.gpkg", [2.0, 2.5]), classes="1 low = 2.0; 2 high = 2.5, 2")[0][:2] == [2, 2]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300, 0.1])
def test_odd_numbers_are_no_class(burn, squares, value):
    layer = squares("l.gpkg", [1.0, value])
    assert burn(layer, classes="1 low", unknown="ignore")[0][:2] == [1, 255]
    with pytest.raises(InputError, match="1 features"):
        burn(layer)


def test_a_table_may_come_as_a_file(burn, squares, tmp_path):
    (tmp_path / "classes.csv").write_text("value;name;attribute\n5;house;a\n5;house;b\n", encoding="utf-8")
    assert burn(squares("l.gpkg", ["a", "B"]), class_file=str(tmp_path / "classes.csv"))[0][:2] == [5, 5]
    (tmp_path / "classes.csv").write_text("number\n5\n", encoding="utf-8")
    with pytest.raises(RequestError, match="has the columns number"):
        burn(squares("m.gpkg", ["a"]), class_file=str(tmp_path / "classes.csv"))


@pytest.mark.parametrize(("kinds", "options"), [
    (["a", "b"], {"classes": "1 Background = a; 2 building = b"}),
    (["background", "building"], {}),
])  # fmt: skip
def test_there_is_one_background(burn, squares, kinds, options):
    layer = squares("l.gpkg", kinds)
    with pytest.raises(InputError, match=r"(?i)class 1 of .* is named 'background', but BACKGROUND is 0"):
        burn(layer, **options)
    assert burn(layer, background="1", **options)[0] == [1, 2, 1, 1, 1, 1]


def test_unknown_values_are_listed_with_their_number(burn, squares):
    layer = squares("l.gpkg", ["tin", "straw", "mud", "straw"])
    with pytest.raises(InputError, match=r"3 of 4 features .*: straw \(2\), mud \(1\)\.") as caught:
        burn(layer, classes=MATERIALS)
    assert "UNKNOWN" in caught.value.fix


@pytest.mark.parametrize(("rule", "background", "expected"), [
    ("ignore", "0", 255), ("background", "0", 0), ("background", "9", 9), ("background", "ignore", 255),
])  # fmt: skip
def test_empty_and_unknown_values_follow_their_rules(burn, squares, recorder, rule, background, expected):
    layer = squares("l.gpkg", ["tin", "", "straw"])
    label, _ = burn(layer, classes=MATERIALS, nulls=rule, unknown=rule, background=background)
    assert label[:3] == [2, expected, expected]
    said = "background" if expected in (0, 9) else "ignored"
    assert [text for text in recorder.warnings if "1 of 3 features" in text and f"are {said}" in text]


def test_one_rule_leaves_the_other_alone(burn, squares):
    layer = squares("l.gpkg", ["tin", "", "straw"])
    assert burn(layer, classes=MATERIALS, nulls="background", unknown="ignore")[0][:3] == [2, 0, 255]


def test_what_was_ignored_is_listed(burn, squares, recorder):
    burn(squares("l.gpkg", ["tin", "", "straw", "mud", "straw"]), classes=MATERIALS, unknown="ignore")
    assert any("does not know, straw (2), mud (1): their pixels are ignored." in text for text in recorder.warnings)
    assert any("1 of 5 features on" in text and "'kind': their pixels" in text for text in recorder.warnings)


def test_empty_fields_may_be_an_error(burn, squares):
    with pytest.raises(InputError, match=r"2 of 3 features .* have no value in 'kind'") as caught:
        burn(squares("l.gpkg", ["tin", "", "  "]), nulls="error")
    assert "NULLS" in caught.value.fix
    with pytest.raises(InputError, match="is empty"):
        burn(squares("m.gpkg", ["", ""]))


def test_texts_get_values_over_all_layers_together(burn, squares):
    top, below = squares("top.gpkg", ["road"]), squares("below.gpkg", ["tree", "house"])
    label, _ = burn(top, more_labels=[below])
    assert label[:2] == [2, 1]
    with rasterio.open(burn(top, more_labels=[below])[1].output) as made:
        assert '"tree"' in made.tags()["GEOSEG_CLASSES"]


def test_numbers_in_one_layer_and_texts_in_another_need_a_table(burn, squares):
    texts, numbers = squares("texts.gpkg", ["road"]), squares("numbers.gpkg", [4, 5])
    with pytest.raises(InputError, match="holds numbers in"):
        burn(texts, more_labels=[numbers])
    assert burn(texts, more_labels=[numbers], classes="1 road = 4; 2 path = 5")[0][:2] == [1, 2]


def test_a_field_must_be_in_all_layers(burn, squares, make_layer):
    other = make_layer("other.gpkg", [shapely.box(0, 0, 5, 5)], sort=["a"])
    with pytest.raises(InputError, match=r"other\.gpkg has no field 'kind'"):
        burn(squares("l.gpkg", ["a"]), more_labels=[other])


def test_without_a_field_each_layer_is_a_class(make_layer, recorder):
    paths = [make_layer(name, [shapely.box(0, 0, 5, 5)]) for name in ("houses.gpkg", "roads.gpkg")]
    layer = read_label_layers([*paths, paths[0]], LabelRules(), recorder)
    assert layer.classes.names == ("background", "houses", "roads", "houses 3")
    assert layer.values.tolist() == [1, 2, 3]


def test_dirt_of_real_roofs_is_cleaned_by_a_table(data, recorder):
    source = str(data / "banepa_buildings" / "buildings.gpkg")
    plain = read_label_layers([source], LabelRules("roof_mat"), recorder)
    assert "concerte" in plain.classes.names
    table = parse_class_list("1 concrete = concerte; 2 metal = tin; 3 clay_tiles")
    clean = read_label_layers([source], LabelRules("roof_mat", classes=table), recorder)
    assert clean.classes.names == ("background", "concrete", "metal", "clay_tiles")
    names = dict(zip(plain.classes.values, plain.classes.names, strict=True))
    texts = [names.get(value, "") for value in plain.values]
    for value, meant in ((1, {"concrete", "concerte"}), (2, {"tin", "metal"}), (3, {"clay_tiles"}), (IGNORED, {""})):
        assert (clean.values == value).sum() == sum(text in meant for text in texts) > 0


def test_a_class_of_the_table_without_a_pixel_is_told(burn, squares, recorder):
    _, result = burn(squares("l.gpkg", ["tin"]), classes=MATERIALS)
    assert "No pixel shows concrete, clay." in recorder.warnings
    assert result.class_counts == '{"0": 500, "1": 0, "2": 100, "3": 0}'

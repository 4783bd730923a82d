"""Class tables as people write them."""

import pytest
from geoseg.geoseg_plugin.contract.class_list import parse_class_list, read_class_file
from geoseg.geoseg_plugin.contract.errors import RequestError


def test_value_name_colour_and_what_means_a_class():
    found = parse_class_list(" 2 open water #2B8CBE = Lake, river ;1 building = house,Shed; 0 other;")
    assert found.table.values == (0, 1, 2)
    assert found.table.names == ("other", "building", "open water")
    assert [one.colour for one in found.table][1:] == ["#d7301f", "#2B8CBE"]
    expected = {"lake": 2, "river": 2, "open water": 2, "2": 2, "house": 1, "shed": 1, "building": 1, "1": 1}
    assert found.value_of == {**expected, "other": 0, "0": 0}


def test_an_attribute_goes_before_a_value():
    assert parse_class_list("1 roof = 2; 2 road = 1").value_of == {"roof": 1, "2": 1, "road": 2, "1": 2}


@pytest.mark.parametrize(("text", "said"), [
    ("", "holds no class"), ("building", "cannot be read"), ("x building", "cannot be read"),
    ("1 a = x; 2 b = X", "means both class 1 and class 2"), ("1 a; 2 b = a", "'a' means both"),
    ("1 a; 1 b", "the names 'a' and 'b'"), ("1 a #000000; 1 a #111111", "the colours"), ("70000 a", "not between"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(text, said):
    with pytest.raises(RequestError, match=said) as caught:
        parse_class_list(text)
    assert caught.value.fix


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_says_the_same(tmp_path, delimiter):
    rows = [
        ["Value", "NAME", "color", "attribute"],
        ["1", "building", "#ff0000", "house"],
        ["1", "building", "", "hut"],
    ]
    path = tmp_path / "classes.csv"
    path.write_text("\r\n".join(delimiter.join(row) for row in [*rows, ["", "", "", ""]]), encoding="utf-8-sig")
    assert read_class_file(str(path)) == parse_class_list("1 building #ff0000 = house, hut")


def test_columns_may_be_missing_and_texts_have_any_sign(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text('name,value\n"wood, dense",1\n森林,2\n', encoding="utf-8")
    assert read_class_file(str(path)).value_of == {"wood, dense": 1, "1": 1, "森林": 2, "2": 2}


def test_a_column_without_a_name_says_nothing(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text(",value,name,colour\n0,1,building,#ff0000\n1,2,water,#0000ff\n", encoding="utf-8")
    assert read_class_file(str(path)) == parse_class_list("1 building #ff0000; 2 water #0000ff")
    path.write_text(",value,name\n0,1,building\n1,2,water\n", encoding="utf-8")
    assert read_class_file(str(path)) == parse_class_list("1 building; 2 water")


@pytest.mark.parametrize(("content", "said"), [
    (b"a,b\n1,2\n", "has the columns a, b"), (b"", "has the columns none"), (b"value,name\n", "holds no class"),
    (b"value,name\n1,\n", "no name"), (b"value,name\n1.5,a\n", "the class value '1.5'"),
    ("value,name\n²,a\n".encode(), "the class value '²'"), (b"\xff\xfe\x00", "cannot be"),
])  # fmt: skip
def test_files_that_are_no_class_table(tmp_path, content, said):
    path = tmp_path / "classes.csv"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=said):
        read_class_file(str(path))
    with pytest.raises(RequestError, match="cannot be read"):
        read_class_file(str(tmp_path / "none.csv"))

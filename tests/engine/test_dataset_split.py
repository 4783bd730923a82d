"""What the request to split a dataset refuses."""

import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.dataset_split import SplitDataset


def make(**parameters):
    return SplitDataset(dataset="d", output="o", **parameters)


@pytest.mark.parametrize("parameters", [
    {}, {"method": "scene"}, {"method": "scene", "validation_names": "a"}, {"method": "box", "box": "0,1,0,1"},
    {"method": "box", "boxes": "b.csv"}, {"method": "layer", "layer": "l.gpkg", "layer_field": "set"},
    {"method": "fold", "layer": "l.gpkg", "test_names": "1"},
])  # fmt: skip
def test_what_a_method_uses_is_taken(parameters):
    request = make(**parameters)
    assert {name: getattr(request, name) for name in parameters} == parameters


@pytest.mark.parametrize(("method", "parameter", "said"), [
    ("spatial blocks", "validation_names", "'scene' or 'fold'"), ("random", "test_names", "'scene' or 'fold'"),
    ("scene", "box", "'box'"), ("layer", "boxes", "'box'"), ("box", "layer", "'layer' or 'fold'"),
    ("fold", "layer_field", "'layer'"),
])  # fmt: skip
def test_what_a_method_does_not_use_is_refused(method, parameter, said):
    value = {"box": "0,1,0,1", "boxes": "b.csv"}.get(parameter, "x")
    with pytest.raises(RequestError, match=f"{parameter.upper()} is given, but METHOD is '{method}'") as caught:
        make(method=method, **{parameter: value})
    assert f"Set METHOD to {said}, or leave {parameter.upper()} out." in caught.value.fix


@pytest.mark.parametrize(("parameters", "said"), [
    ({"method": "box"}, "BOX and BOXES are missing"),
    ({"method": "box", "box": "0,1,0,1", "boxes": "b.csv"}, "BOX and BOXES are both given"),
    ({"method": "layer"}, "LAYER is missing"), ({"method": "fold", "layer": "l"}, "TEST_NAMES are missing"),
    ({"validation": 60.0, "test": 40.0}, "leave nothing for training"),
])  # fmt: skip
def test_what_a_method_lacks_is_told(parameters, said):
    with pytest.raises(RequestError, match=said):
        make(**parameters)

"""Derived bands: what formulas mean, where they have data, and what is said of odd values."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.bands import NO_RECIPE
from geoseg.geoseg_plugin.engine.imagery.stacking.derivation import list_derived, warn_of_values

ALL = np.ones((2, 3), bool)


@pytest.fixture
def derive(recorder):
    """Derive bands of named (2, 3) arrays and return them by their names."""

    def run(bands, valid=None, **asked):
        options = {"recipe": NO_RECIPE, "expressions": None, "indices": None, **asked}
        derived = list_derived(list(bands), report=recorder, **options)
        values = dict(enumerate(bands.values()))
        known = {at: (valid or {}).get(name, ALL) & np.isfinite(bands[name]) for at, name in enumerate(bands)}
        found = {}
        for number, band in enumerate(derived, start=len(bands)):
            values[number], known[number] = band.compute(values, known)
            assert values[number].dtype == np.float32
            assert np.array_equal(np.isfinite(values[number]), known[number])
            found[band.name] = values[number]
        warn_of_values(derived, recorder)
        return found

    return run


def test_expressions_use_bands_and_what_was_derived_before(derive):
    a, b = np.arange(6, dtype=np.uint8).reshape(2, 3), np.full((2, 3), 250, np.uint8)
    found = derive({"my band": a, "B-2": b}, expressions="sum = MY_BAND + b_2; half = sum / 2; x = half - sum")
    assert np.array_equal(found["sum"], a.astype(int) + 250)
    assert np.array_equal(found["half"], (a.astype(int) + 250) / 2)
    assert np.array_equal(found["x"], -(a.astype(int) + 250) / 2)


def test_large_whole_numbers_are_exact(derive):
    a = np.array([[2**31 - 1, 2**30, 7]] * 2, np.int32)
    assert np.array_equal(derive({"a": a, "b": a - 3}, expressions="d = a - b")["d"], np.full((2, 3), 3))


def test_there_are_no_data_where_a_band_lacks_them(derive, recorder):
    a = np.array([[1, np.nan, 3], [np.inf, 5, 6]], np.float32)
    valid = ALL.copy()
    valid[1, 2] = False
    found = derive({"a": a, "b": np.ones((2, 3)), "c": a}, {"b": valid}, expressions="s = a + b; t = s * 2; u = b")
    assert np.isnan(found["s"]).tolist() == [[False, True, False], [True, False, True]]
    assert np.isnan(found["t"]).tolist() == np.isnan(found["s"]).tolist()
    assert np.isnan(found["u"]).tolist() == [[False] * 3, [False, False, True]]
    assert recorder.warnings == []


def test_values_that_do_not_exist_are_counted_once(derive, recorder):
    a = np.array([[0, 1, 2], [0, -1, 4]], np.int16)
    found = derive({"a": a}, expressions="l = ln(a); r = 1 / a; twice = l * 2; fine = a * 2; big = a * 1e30 * 1e30")
    assert np.isnan(found["l"]).sum() == 3
    assert recorder.warnings == [
        "Values that do not exist, such as the logarithm of 0, became nodata: l 3 pixels, r 2 pixels, big 4 pixels."
    ]


def test_decibels_in_place_of_linear_units_are_noticed(derive, recorder):
    bands = {"VV": np.full((2, 3), -12.5), "VH": np.full((2, 3), -20.5)}
    derive(bands, recipe="Sentinel-1 3 bands dB")
    assert any("decibels already" in text and "VH_dB, VV_dB, mean_dB" in text for text in recorder.warnings)
    recorder.warnings.clear()
    derive(bands, recipe="Sentinel-1 6 bands")
    assert any("decibels already" in text and "VH, VV, mean" in text for text in recorder.warnings)
    recorder.warnings.clear()
    derive({"VV": np.full((2, 3), 0.1), "VH": np.full((2, 3), 0.02)}, recipe="Sentinel-1 3 bands dB")
    assert recorder.warnings == []


def test_reflectances_of_another_scale_are_noticed(derive, recorder):
    stored = {"blue": np.full((2, 3), 400), "red": np.full((2, 3), 500), "nir": np.full((2, 3), 3000)}
    derive(stored, indices="NDVI, DVI")
    assert recorder.warnings == []
    wrong = derive(stored, indices="EVI, SAVI")
    assert len(recorder.warnings) == 1
    assert "EVI, SAVI expects reflectances from 0 to 1" in recorder.warnings[0]
    recorder.warnings.clear()
    right = derive(stored, indices="EVI", expressions="N = nir / 10000; R = red / 10000; B = blue / 10000")
    assert recorder.warnings == []
    assert right["EVI"][0, 0] == pytest.approx(2.5 * 0.25 / (0.3 + 6 * 0.05 - 7.5 * 0.04 + 1))
    assert abs(wrong["EVI"][0, 0] - right["EVI"][0, 0]) > 0.1
    derive({name: band / 10000 for name, band in stored.items()}, indices="EVI")
    assert recorder.warnings == []
    derive({"green": stored["red"], **stored}, indices="slump_SI")
    assert recorder.warnings == []
    derive({name: band / 10000 for name, band in {"green": stored["red"], **stored}.items()}, indices="slump_SI")
    assert "expects reflectances times 10000" in recorder.warnings[0]


def test_a_recipe_may_pass_bands_on(derive):
    one = {"VV": np.full((2, 3), 2.0), "s1_vh": np.ones((2, 3))}
    found = derive(one, recipe="Sentinel-1 3 bands", expressions="r = VH / VV; m = mean + 1")
    assert list(found) == ["VH", "VV", "mean", "r", "m"]
    assert (found["r"] == 0.5).all()
    assert (found["m"] == 2.5).all()


@pytest.mark.parametrize(("asked", "message"), [
    ({"expressions": "x = red + gren"}, "band x uses gren, but the bands are: red, nir"),
    ({"expressions": "x = y; y = red"}, "uses y"),
    ({"expressions": "red = red / 2"}, "already is a band named red"),
    ({"expressions": "NDVI = red", "indices": "NDVI"}, "already is a band named NDVI"),
    ({"indices": "NDVI, ndvi"}, "already is a band named NDVI"),
    ({"indices": "EVI"}, r"index EVI needs B \(Blue\), but the bands are: red, nir.*NAMES"),
    ({"indices": "NDVI; EVI"}, "NDVI; EVI is not known"),
])  # fmt: skip
def test_what_cannot_be_had_is_refused(derive, asked, message):
    with pytest.raises(RequestError, match=message):
        derive({"red": np.ones((2, 3)), "nir": np.ones((2, 3))}, **asked)

"""Recipes, value by value against formulas written another way."""

import math

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import RequestError
from geoseg.geoseg_plugin.contract.stages.bands import NO_RECIPE, RECIPES
from geoseg.geoseg_plugin.engine.imagery.stacking.derivation import list_derived
from geoseg.geoseg_plugin.engine.imagery.stacking.recipes import list_recipe

RANDOM = np.random.default_rng(7)
VV, VH = RANDOM.gamma(2, 0.05, (2, 6, 7)).astype(np.float32)
OPTICAL = {name: RANDOM.integers(200, 6000, (6, 7)).astype(np.int16) for name in (
    "CoastalBlue", "Blue", "Green", "Yellow", "Red", "RedEdge", "NIR1", "NIR2",
)}  # fmt: skip


def compute(recipe, bands, recorder):
    derived = list_derived(list(bands), recipe=recipe, expressions=None, indices=None, report=recorder)
    values = dict(enumerate(bands.values()))
    valid = {at: np.ones((6, 7), bool) for at in values}
    found = {}
    for number, band in enumerate(derived, start=len(bands)):
        values[number], valid[number] = band.compute(values, valid)
        found[band.name] = values[number]
    return found


def decibels(x):
    return 10 * math.log10(x)


@pytest.mark.parametrize(("recipe", "truths"), [
    ("Sentinel-1 3 bands", {"VH": lambda v, h: h, "VV": lambda v, h: v, "mean": lambda v, h: (v + h) / 2}),
    ("Sentinel-1 3 bands dB", {
        "VH_dB": lambda v, h: decibels(h), "VV_dB": lambda v, h: decibels(v),
        "mean_dB": lambda v, h: decibels((v + h) / 2),
    }),
    ("Sentinel-1 5 bands", {
        "VH": lambda v, h: h, "VV": lambda v, h: v, "mean": lambda v, h: (v + h) / 2, "difference": lambda v, h: v - h,
        "amplitude": math.hypot,
    }),
    ("Sentinel-1 5 bands dB", {
        "VH_dB": lambda v, h: decibels(h), "VV_dB": lambda v, h: decibels(v),
        "mean_dB": lambda v, h: decibels((v + h) / 2), "product_dB": lambda v, h: decibels(v) * decibels(h),
        "ratio_dB": lambda v, h: (decibels(v) + 1) / (decibels(h) + 1),
    }),
    ("Sentinel-1 6 bands", {
        "VH": lambda v, h: h, "VV": lambda v, h: v, "mean": lambda v, h: (v + h) / 2, "product": lambda v, h: v * h,
        "ratio": lambda v, h: (v + 0.01) / (h + 0.01), "amplitude": math.hypot,
    }),
    ("Sentinel-1 log of squares", {
        "VH_log": lambda v, h: 2 * math.log(h), "VV_log": lambda v, h: 2 * math.log(v),
        "mean_log": lambda v, h: 2 * math.log((v + h) / 2),
    }),
])  # fmt: skip
def test_sentinel_1_recipes(recorder, recipe, truths):
    found = compute(recipe, {"VV": VV, "VH": VH}, recorder)
    assert list(found) == list(truths)
    for name, truth in truths.items():
        expected = np.vectorize(truth)(VV.astype(float), VH.astype(float))
        np.testing.assert_allclose(found[name], expected, rtol=3e-7, err_msg=name)


def test_slump_indices(recorder):
    found = compute("slump indices", OPTICAL, recorder)
    blue, green, red, edge, nir, nir2 = (
        OPTICAL[name].astype(float) for name in ("Blue", "Green", "Red", "RedEdge", "NIR1", "NIR2")
    )
    product = (10000 - blue) * (10000 - green) * (10000 - red)
    truths = {
        "DVI": nir - red,
        "NDVI": (nir - red) / (nir + red),
        "FDI": nir2 - (edge + blue),
        "SI": np.exp(np.log(product) / 3),
        "DWI": 10000 * (green - nir),
        "NDWI": 10000 * (green - nir) / (green + nir),
        "CS1": 3 * nir / (blue + green + red),
        "CS2": (blue + green + red + nir) / 4,
    }
    assert list(found) == list(truths)
    for name, truth in truths.items():
        np.testing.assert_allclose(found[name], truth, rtol=3e-7, err_msg=name)


def test_slump_indices_of_four_bands_and_bright_pixels(recorder):
    bands = {"Red": OPTICAL["Red"], "Green": OPTICAL["Green"], "Blue": OPTICAL["Blue"] + 10000, "NIR1": OPTICAL["NIR1"]}
    found = compute("slump indices", bands, recorder)
    red, green, blue, nir = (values.astype(float) for values in bands.values())
    np.testing.assert_allclose(found["FDI"], nir - (red + blue), rtol=3e-7)
    np.testing.assert_allclose(found["SI"], -(((blue - 10000) * (10000 - green) * (10000 - red)) ** (1 / 3)), rtol=3e-7)
    assert recorder.notes == ["FDI is computed as N - (R + B), since there are no bands for N2 - (RE1 + B)."]


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe != NO_RECIPE])
def test_bands_that_are_missing_are_named(recorder, recipe):
    with pytest.raises(RequestError, match=rf"{recipe}' needs (VH|N \(Near-Infrared).*the bands are: x, y.*NAMES"):
        list_derived(["x", "y"], recipe=recipe, expressions=None, indices=None, report=recorder)
    assert len(list_recipe(recipe)) >= 3

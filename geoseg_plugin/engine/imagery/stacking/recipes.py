"""Ready lists of derived bands: those of Sentinel-1 scenes, and the indices of the slump system."""

from __future__ import annotations

from collections.abc import Mapping

SLUMP_RECIPE = "slump indices"

_LINEAR = {"VH": "VH", "VV": "VV", "mean": "(VH + VV) * 0.5"}
_DECIBELS = {"VH_dB": "dB(VH)", "VV_dB": "dB(VV)", "mean_dB": "dB((VH + VV) * 0.5)"}
_AMPLITUDE = "sqrt(VH**2 + VV**2)"
_SENTINEL_1 = {
    "Sentinel-1 3 bands": _LINEAR,
    "Sentinel-1 3 bands dB": _DECIBELS,
    "Sentinel-1 5 bands": {**_LINEAR, "difference": "VV - VH", "amplitude": _AMPLITUDE},
    "Sentinel-1 5 bands dB": {
        **_DECIBELS,
        "product_dB": "dB(VV) * dB(VH)",
        "ratio_dB": "(dB(VV) + 1) / (dB(VH) + 1)",
    },
    "Sentinel-1 6 bands": {
        **_LINEAR,
        "product": "VV * VH",
        "ratio": "(VV + 0.01) / (VH + 0.01)",
        "amplitude": _AMPLITUDE,
    },
    "Sentinel-1 log of squares": {
        "VH_log": "ln(VH**2)",
        "VV_log": "ln(VV**2)",
        "mean_log": "ln(((VH + VV) * 0.5)**2)",
    },
}

# For reflectances times 10000. Bands by the letters of the index catalogue; the second way is for 4 bands.
SLUMP_INDICES: Mapping[str, tuple[str, ...]] = {
    "DVI": ("N - R",),
    "NDVI": ("(N - R) / (N + R)",),
    "FDI": ("N2 - (RE1 + B)", "N - (R + B)"),
    "SI": ("cbrt((10000 - B) * (10000 - G) * (10000 - R))",),
    "DWI": ("10000 * (G - N)",),
    "NDWI": ("10000 * (G - N) / (G + N)",),
    "CS1": ("3 * N / (B + G + R)",),
    "CS2": ("(B + G + R + N) / 4",),
}


def list_recipe(recipe: str) -> Mapping[str, tuple[str, ...]]:
    """Return the bands of a recipe by their names: for each the ways to compute it, the preferred one first."""
    if recipe == SLUMP_RECIPE:
        return SLUMP_INDICES
    return {name: (formula,) for name, formula in _SENTINEL_1[recipe].items()}

"""Spectral indices: the catalogue, and the bands its letters mean."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import EngineError, GeosegError, RequestError
from geoseg.geoseg_plugin.engine.imagery.stacking import indices
from geoseg.geoseg_plugin.engine.imagery.stacking.indices import (
    depends_on_scale,
    find_index,
    find_letter,
    read_catalogue,
)

RANDOM = np.random.default_rng(11)
B, G, R, RE1, N, S1, S2 = RANDOM.uniform(0.02, 0.6, (7, 50))
VALUES = {"B": B, "G": G, "R": R, "RE1": RE1, "N": N, "S1": S1, "S2": S2}


@pytest.mark.parametrize(("name", "truth"), [
    ("NDVI", (N - R) / (N + R)),
    ("ndvi", 1 - 2 * R / (N + R)),
    ("NDWI", (G - N) / (G + N)),
    ("MNDWI", (G - S1) / (G + S1)),
    ("EVI", 2.5 * (N - R) / (N + 6 * R - 7.5 * B + 1)),
    ("SAVI", 2 * (N - R) / (N + R + 1)),
    ("BAI", 1 / ((0.1 - R) ** 2 + (0.06 - N) ** 2)),
    ("CIG", N / G - 1),
    ("CIRE", N / RE1 - 1),
    ("GNDVI", (N - G) / (N + G)),
    ("SR", N / R),
    ("NDRE", (N - RE1) / (N + RE1)),
    ("CM", S1 / S2),
    ("NBR", (N - S2) / (N + S2)),
    ("slump_DVI", N - R),
    ("slump_CS1", 3 * N / (B + G + R)),
])  # fmt: skip
def test_indices_of_the_catalogue(name, truth):
    index = find_index(name)
    np.testing.assert_allclose(index.formulas[0].evaluate({**VALUES, **index.constants}), truth, rtol=1e-9)


def test_every_index_is_computed_or_refused_with_the_reason():
    refused = {}
    for name in read_catalogue():
        try:
            index = find_index(name)
        except GeosegError as error:
            refused[name] = str(error)
            continue
        values = {part: index.constants.get(part, np.array([0.3])) for part in index.formulas[0].names}
        assert np.shape(index.formulas[0].evaluate(values)) == (1,), name
    assert len(read_catalogue()) > 250
    assert len(refused) < 20
    assert "needs kNN, kNR, which is no band" in refused["kNDVI"]
    assert all("EXPRESSIONS" in text for text in refused.values())


def test_names_are_found_whatever_their_case_if_that_is_clear():
    assert find_index("savi").name == "SAVI"
    assert (find_index("BAI").name, find_index("BaI").name) == ("BAI", "BaI")
    with pytest.raises(RequestError, match=r"bai is not known.*BAI, BaI\?"):
        find_index("bai")
    with pytest.raises(RequestError, match=r"Did you mean .*NDVI"):
        find_index("NVDI")
    with pytest.raises(RequestError, match="readthedocs"):
        find_index("&%$")


@pytest.mark.parametrize(("letter", "names", "found"), [
    ("N", ["blue", "nir"], "nir"),
    ("N", ["N", "nir"], "N"),
    ("N", ["NIR1", "NIR2"], "NIR1"),
    ("N2", ["NIR1", "NIR2"], "NIR2"),
    ("N", ["Near-Infrared (NIR)"], "Near-Infrared (NIR)"),
    ("N", ["near_infrared"], "near_infrared"),
    ("R", ["red", "RedEdge"], "red"),
    ("RE1", ["red", "RedEdge"], "RedEdge"),
    ("RE2", ["rededge075", "Red Edge 1"], "rededge075"),
    ("B", ["Coastal Blue", "Blue"], "Blue"),
    ("A", ["CoastalBlue", "Blue"], "CoastalBlue"),
    ("S1", ["SWIR 1", "swir2"], "SWIR 1"),
    ("S2", ["swir16", "swir22"], "swir22"),
    ("T", ["Thermal"], "Thermal"),
    ("VV", ["s1_vh_a", "s1_vv_a"], "s1_vv_a"),
    ("G", ["g"], None),
    ("G", ["B1", "B2", "B3", "B4", "B8"], None),
    ("G", ["B2", "B3", "B8", "B8A"], "B3"),
    ("N", ["B02", "B08", "B8A"], "B08"),
    ("N2", ["B02", "B08", "B8A"], "B8A"),
    ("S1", ["B11", "B8A"], "B11"),
    ("Y", ["B02", "B8A"], None),
    ("VV", ["VH"], None),
])  # fmt: skip
def test_letters_mean_bands(letter, names, found):
    assert find_letter(letter, names) == found


def test_letters_that_may_mean_several_bands_are_refused():
    with pytest.raises(RequestError, match=r"N \(Near-Infrared \(NIR\)\) may be any of nir, NIR 1"):
        find_letter("N", ["nir", "NIR 1"])


def test_scale_matters_to_some_indices():
    matters = {name for name in ("NDVI", "CIG", "EVI", "SAVI", "BAI", "DVI", "CM", "slump_SI", "slump_NDWI", "VHVVR")
               if depends_on_scale(find_index(name).formulas[0], find_index(name).constants)}  # fmt: skip
    assert matters == {"EVI", "SAVI", "BAI", "slump_SI"}


def test_a_missing_catalogue_is_told(monkeypatch):
    monkeypatch.setattr(indices, "_PACKAGE", "no_such_package")
    with pytest.raises(EngineError, match="no_such_package is not installed"):
        indices._read("bands.json")

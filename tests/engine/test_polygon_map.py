"""Polygons of a map whose parts come in any order."""

import numpy as np
import pyogrio
import pytest
import shapely
from geoseg.tests.engine.mapped import draw_probabilities, write_map


def areas(folder):
    _, _, shapes, (values, names, sizes, confidences) = pyogrio.raw.read(folder / "polygons.gpkg")
    texts = [shape.wkt for shape in shapely.normalize(shapely.from_wkb(shapes))]
    order = np.argsort(texts)
    return sorted(texts), values[order].tolist(), names[order].tolist(), sizes[order].tolist(), confidences[order]


@pytest.mark.parametrize("decision", [{}, {"decision": "fixed", "threshold": "0.4"}])
def test_narrow_parts_give_the_polygons_of_whole_rows(tmp_path, decision):
    probabilities = draw_probabilities(150, 200)
    valid = draw_probabilities(150, 200, seed=2)[0] < 0.6
    write_map(tmp_path / "whole", probabilities, valid, rows=40, polygons=True, **decision)
    write_map(tmp_path / "narrow", probabilities, valid, rows=64, cols=70, whole_rows=False, polygons=True, **decision)
    whole, narrow = areas(tmp_path / "whole"), areas(tmp_path / "narrow")
    assert narrow[:4] == whole[:4]
    np.testing.assert_allclose(narrow[4], whole[4], atol=1e-4)
    files = [sorted(file.name for file in (tmp_path / way).iterdir()) for way in ("whole", "narrow")]
    assert files[0] == files[1]

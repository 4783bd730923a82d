"""Polygons against the raster that they come from."""

import time

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.classes import ClassTable
from geoseg.geoseg_plugin.contract.errors import Cancelled
from geoseg.geoseg_plugin.engine.grid import Grid
from geoseg.geoseg_plugin.engine.prediction.results.polygon_file import PolygonFile
from geoseg.geoseg_plugin.engine.prediction.results.polygons import PolygonWriter
from geoseg.tests.engine.listener import Listener
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio import features
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter

CLASSES = ClassTable.named({0: "background", 1: "building", 5: "water", 7: "road"})
UTM = Affine(0.5, 0, 300_000, 0, -0.5, 3_000_000)


def _draw(path, indices, valid=None, confidence=None, *, strip=32, crs="EPSG:32645", transform=UTM):
    """Write polygons strip by strip and return class values, names, areas, confidences and geometries."""
    height, width = indices.shape
    grid = Grid(CRS.from_user_input(crs) if crs else None, transform, height, width)
    valid = np.ones(indices.shape, bool) if valid is None else valid
    confidence = np.full(indices.shape, 0.75, np.float32) if confidence is None else confidence
    writer = PolygonWriter(PolygonFile(path, grid, CLASSES), CLASSES, width)
    for first in range(0, height, strip):
        part = slice(first, first + strip)
        writer.add(first, indices[part].astype(np.uint8), confidence[part], valid[part])
    writer.close(Listener())
    meta, _, shapes, columns = pyogrio.raw.read(path)
    assert list(meta["fields"]) == ["class", "name", "area_m2", "confidence"]
    return (*columns, shapely.from_wkb(shapes))


def _whole(indices, valid):
    """Return the polygons of the whole raster at once, in pixel coordinates."""
    shapes = features.shapes(indices.astype(np.uint8), (indices > 0) & valid, connectivity=4)
    return [shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in shapes]


def _canonical(geometries):
    return sorted(shape.normalize().wkt for shape in geometries)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 70), st.integers(1, 50)),
    smooth=st.sampled_from([0.0, 1.0, 3.0]),
    strip=st.sampled_from([1, 7, 16, 100]),
)
def test_strips_give_the_polygons_of_the_whole(tmp_path_factory, seed, shape, smooth, strip):
    random = np.random.default_rng(seed)
    indices = gaussian_filter(random.normal(size=(4, *shape)), (0, smooth, smooth)).argmax(axis=0)
    valid = gaussian_filter(random.normal(size=shape), smooth) > -0.3 * (smooth < 2)
    confidence = random.random(shape, dtype=np.float32)
    path = tmp_path_factory.mktemp("polygons") / "areas.gpkg"
    values, names, areas, confidences, geometries = _draw(path, indices, valid, confidence, strip=strip)
    inverse = ~UTM
    in_pixels = shapely.transform(
        geometries, lambda points: np.round(np.stack(inverse @ (points[:, 0], points[:, 1]), axis=1), 6)
    )
    assert _canonical(in_pixels) == _canonical(_whole(indices, valid))
    assert shapely.is_valid(geometries).all()
    mapped = (indices > 0) & valid
    assert areas.sum() == mapped.sum() * 0.25
    np.testing.assert_allclose(shapely.area(geometries), areas)
    table = {value: name for value, name in zip(CLASSES.values, CLASSES.names, strict=True)}
    assert [table[value] for value in values] == list(names)
    if mapped.any():
        np.testing.assert_allclose((confidences * areas).sum() / 0.25, confidence[mapped].sum(), rtol=1e-5)
        burnt = features.rasterize(zip(geometries, values, strict=True), out_shape=shape, transform=UTM)
        np.testing.assert_array_equal(burnt, np.where(mapped, np.array(CLASSES.values)[indices], 0))


def test_one_area_over_many_strips_is_one_polygon_without_spare_vertices(tmp_path):
    indices = np.zeros((100, 40), int)
    indices[5:95, 10] = indices[5:95, 30] = indices[94, 10:31] = 1
    values, _, areas, _, geometries = _draw(tmp_path / "areas.gpkg", indices, strip=8)
    assert len(values) == 1
    assert areas[0] == (90 + 90 + 19) * 0.25
    assert shapely.get_num_coordinates(geometries[0]) == 9


def test_an_area_with_very_many_holes_is_joined_quickly(tmp_path):
    # Joined with its holes, this area took 70 s.
    indices = (np.random.default_rng(0).random((2048, 2048)) > 0.1).astype(int)
    grid = Grid(None, UTM, *indices.shape)
    writer = PolygonWriter(PolygonFile(tmp_path / "areas.gpkg", grid, CLASSES), CLASSES, grid.width)
    for first in range(0, grid.height, 256):
        part = indices[first : first + 256]
        writer.add(first, part, np.ones(part.shape, np.float32), part >= 0)
    started = time.monotonic()
    writer.close(Listener())
    assert time.monotonic() - started < 10
    shapes = pyogrio.raw.read(tmp_path / "areas.gpkg")[2]
    geometries = shapely.from_wkb(shapes)
    largest = geometries[shapely.get_num_coordinates(geometries).argmax()]
    assert shapely.get_num_interior_rings(largest) > 300_000
    assert shapely.area(geometries).sum() * 4 == indices.sum()


def test_cancelling_is_heard_before_the_last_areas_are_closed(tmp_path):
    grid = Grid(None, UTM, 10, 10)
    writer = PolygonWriter(PolygonFile(tmp_path / "areas.gpkg", grid, CLASSES), CLASSES, grid.width)
    writer.add(0, np.ones((10, 10), np.uint8), np.ones((10, 10), np.float32), np.ones((10, 10), bool))
    with pytest.raises(Cancelled):
        writer.close(Listener(lambda listener: True))
    assert not (tmp_path / "areas.gpkg").exists()


def test_confidence_is_the_mean_over_the_area(tmp_path):
    indices = np.zeros((10, 10), int)
    indices[2:4, 2:4] = 1
    confidence = np.zeros((10, 10), np.float32)
    confidence[2:4, 2:4] = [[0.5, 0.6], [0.7, 0.8]]
    _, _, _, confidences, _ = _draw(tmp_path / "areas.gpkg", indices, confidence=confidence, strip=3)
    np.testing.assert_allclose(confidences, [0.65], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
@pytest.mark.parametrize("crs", ["EPSG:32645", "EPSG:4326", None])
def test_formats(tmp_path, suffix, crs):
    indices = np.random.default_rng(0).integers(0, 4, (50, 60))
    transform = Affine(1e-6, 0, 85.5, 0, -1e-6, 27.6) if crs == "EPSG:4326" else UTM
    path = tmp_path / f"Flächen{suffix}"
    values, names, areas, _, geometries = _draw(path, indices, crs=crs, transform=transform)
    assert len(values) == len(_whole(indices, np.ones(indices.shape, bool)))
    assert set(names) == {"building", "water", "road"}
    assert shapely.is_valid(geometries).all()
    assert path.with_suffix(".qml").exists()
    if crs is None:
        assert np.isnan(areas.astype(float)).all()
    found = pyogrio.read_info(path)["crs"]
    assert found == crs if crs or suffix != ".geojson" else found in (None, "EPSG:4326")


def test_area_in_degrees_is_measured_on_the_ellipsoid(tmp_path):
    # One degree by one degree at the equator: 12 308 778 361 m2 on WGS 84 (GeographicLib's Planimeter).
    indices = np.zeros((3, 3), int)
    indices[1, 1] = 1
    _, _, areas, _, _ = _draw(tmp_path / "areas.gpkg", indices, crs="EPSG:4326", transform=Affine(1, 0, 9, 0, -1, 2))
    np.testing.assert_allclose(areas, [12_308_778_361.469], rtol=1e-9)


def test_area_in_feet_becomes_square_metres(tmp_path):
    indices = np.ones((2, 2), int)
    _, _, areas, _, _ = _draw(
        tmp_path / "areas.gpkg", indices, crs="EPSG:2263", transform=Affine(10, 0, 1e6, 0, -10, 2e5)
    )
    np.testing.assert_allclose(areas, [400 * (1200 / 3937) ** 2])


@pytest.mark.parametrize(
    "transform", [UTM @ Affine.rotation(30), Affine(0.5, 0, 3e5, 0, 0.5, 3e6), Affine(0.15, 0, 1e9, 0, -0.15, 1e9)]
)
def test_polygons_are_valid_on_any_grid(tmp_path, transform):
    indices = np.random.default_rng(1).integers(0, 3, (120, 80))
    _, _, areas, _, geometries = _draw(tmp_path / "areas.gpkg", indices, transform=transform, strip=20)
    assert shapely.is_valid(geometries).all()
    np.testing.assert_allclose(areas.sum(), (indices > 0).sum() * abs(transform.determinant))
    np.testing.assert_allclose(shapely.area(geometries).sum(), areas.sum(), rtol=1e-6)


def test_nothing_but_background_gives_an_empty_layer(tmp_path):
    values, *_ = _draw(tmp_path / "areas.gpkg", np.zeros((40, 40), int))
    assert len(values) == 0


def test_more_areas_than_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr("geoseg.geoseg_plugin.engine.prediction.results.polygon_file._BATCH", 100)
    indices = np.indices((60, 60)).sum(axis=0) % 2
    for suffix in (".gpkg", ".shp", ".geojson"):
        values, *_ = _draw(tmp_path / f"areas{suffix}", indices, strip=10)
        assert len(values) == 1800

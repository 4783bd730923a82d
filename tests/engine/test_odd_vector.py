"""Every odd vector layer through the stages: a right result, or an error that names the file and says what to do.

Layers under derived/ belong to odd_raster/derived/base_rgb_uint8.tif, whose true labels are known; most of those under
real/ lie elsewhere, and must say so.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import GeosegError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.contract.stages.imagery import ClipRaster
from geoseg.geoseg_plugin.contract.stages.labels import RasterizeLabels
from geoseg.geoseg_plugin.engine.class_raster import read_class_table
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.run import run

RIGHT = "right"
UNREADABLE = "cannot be opened"
NO_CRS = "has no CRS"
ELSEWHERE = "No feature of"
NOT_AREAS = "holds lines or points"
EMPTY = "has no features"
CHOOSE_LAYER = "2 layers"
TRUE = "the true label"


@dataclass(frozen=True)
class Expected:
    """What becomes of a layer.

    Attributes:
        rasterize: RIGHT or a piece of the error's text; making tiles must say the same.
        mask: The same for clipping to the layer.
        field: Class field to use.
        layer: Layer to use.
        counts: Pixels by class name (background left out), or TRUE for those of base_label.tif.
        warning: A piece of a warning that must come with the right result.
    """

    rasterize: str = RIGHT
    mask: str = ""
    field: str | None = None
    layer: str = ""
    counts: object = None
    warning: str = ""

    @property
    def clip(self):
        return self.mask or self.rasterize


SAME = Expected(counts=TRUE)
BROKEN = Expected(UNREADABLE)

DERIVED = {
    "broken_json.geojson": BROKEN,
    "class_ids_float_null.gpkg": Expected("holds 1.5", RIGHT, field="class_id"),
    "class_ids_over_255.gpkg": Expected(field="class_id"),
    "class_ids_zero_negative.gpkg": Expected("holds -1", RIGHT, field="class_id"),
    "cp1251_attributes.shp": Expected(field="klass"),
    "empty_layer.gpkg": Expected(EMPTY),
    "empty_layer.shp": Expected(EMPTY),
    "invalid_bowtie_null_empty.gpkg": Expected(field="class_id", warning="invalid outlines"),
    "labels_3857.shp": SAME,
    "labels_4326.shp": SAME,
    "lines_only.gpkg": Expected(mask=NOT_AREAS),
    "missing_dbf.shp": SAME,
    "missing_prj.shp": Expected(NO_CRS),
    "missing_shx.shp": BROKEN,
    "mixed_geometry_types.geojson": Expected(mask=NOT_AREAS, field="class_id"),
    "multipart_with_holes.gpkg": Expected(field="class"),
    "no_crs.gpkg": Expected(NO_CRS),
    "no_numeric_class_string_only.gpkg": Expected(field="roof_mat", warning="have no value in 'roof_mat'"),
    "outside_raster_extent.gpkg": Expected(ELSEWHERE),
    "overlapping_classes.gpkg": Expected(field="class_id"),
    "points_only.gpkg": Expected(mask=NOT_AREAS, counts={"points": 1}),
    "polygon_z.gpkg": SAME,
    "sub_pixel_polygons.gpkg": Expected(),
    "truncated.shp": Expected("is cut short"),
    "two_layers.gpkg": Expected(CHOOSE_LAYER),
    "two_layers.gpkg|layername=a_buildings": SAME,
    "wrong_prj_says_4326.shp": Expected("has no place in the CRS of"),
    "ラベル_метки.gpkg": Expected(field="класс_अ"),
}
REAL = {
    "!test.geojson": Expected("exclamation mark"),
    "big5.shp": Expected(NO_CRS, NOT_AREAS),
    "corrupt_too_long.shp": Expected(NO_CRS, NOT_AREAS),
    "data_only_tables.gpkg": Expected(CHOOSE_LAYER),
    "data_only_tables.gpkg|layername=oregon_cities": Expected("has a geometry"),
    "empty_0byte.geojson": BROKEN,
    "latin1.shp": BROKEN,
    "mapshaper_only_shp.shp": BROKEN,
    "mixed_crs.gpkg": Expected(CHOOSE_LAYER),
    "mixed_crs.gpkg|layername=oregon_2269": Expected(ELSEWHERE),
    "orthoseg_empty_layer.gpkg": Expected(EMPTY),
    "spacenet4_atlanta_footprints.geojson": Expected(ELSEWHERE),
}
EXPECTED = {f"derived/{name}": one for name, one in DERIVED.items()} | {f"real/{n}": one for n, one in REAL.items()}


@pytest.fixture
def odd(data):
    return data / "odd_vector"


@pytest.fixture
def image(data):
    return str(data / "odd_raster" / "derived" / "base_rgb_uint8.tif")


def check(expectation, name, action):
    """Do the action and return its result, None where it failed as it should."""
    if expectation == RIGHT:
        return action()
    with pytest.raises(GeosegError) as caught:
        action()
    assert expectation in caught.value.message
    assert name.rsplit("/", 1)[-1].split(".")[0] in caught.value.message
    assert caught.value.fix
    return None


def test_the_table_knows_every_file(odd):
    found = {str(path.relative_to(odd)) for path in odd.rglob("*") if path.suffix in (".shp", ".gpkg", ".geojson")}
    assert found == {name.split("|")[0] for name in EXPECTED}


@pytest.mark.parametrize("name", EXPECTED)
def test_rasterize(name, odd, image, tmp_path, recorder, data):
    expected = EXPECTED[name]
    request = RasterizeLabels(
        labels=str(odd / name), field=expected.field, like=image, output=str(tmp_path / "out.tif")
    )
    result = check(expected.rasterize, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(result.output) as made, rasterio.open(data / "odd_raster/derived/base_label.tif") as truth:
        label, true = made.read(1), truth.read(1)
        table = read_class_table(made)
    counts = {one.name: int((label == one.value).sum()) for one in table if one.name != "background"}
    if expected.counts == TRUE:
        # Shapefiles in degrees keep about a micrometre; a pixel centre right on an edge may still turn.
        assert np.count_nonzero(label != true) <= 3
    elif expected.counts is not None:
        assert counts == expected.counts
    assert expected.warning in " ".join(recorder.warnings)


@pytest.mark.parametrize("name", EXPECTED)
def test_tiles(name, odd, image, tmp_path, recorder):
    expected = EXPECTED[name]
    request = MakeTiles(
        images=[image], labels=[str(odd / name)], field=expected.field, tile_size=128, output=str(tmp_path / "tiles")
    )
    result = check(expected.rasterize, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    assert len(open_dataset(result.output).tiles) == result.tile_count


@pytest.mark.parametrize("name", EXPECTED)
def test_clip(name, odd, image, tmp_path, recorder):
    request = ClipRaster(input=image, mask=str(odd / name), output=str(tmp_path / "out.tif"))
    result = check(EXPECTED[name].clip, name, lambda: run(request, recorder))
    if result is None:
        assert list(tmp_path.iterdir()) == []
        return
    with rasterio.open(result.output) as clipped, rasterio.open(image) as source:
        col, row = (round(one) for one in ~source.transform @ (clipped.transform.c, clipped.transform.f))
        there = source.read()[:, row : row + clipped.height, col : col + clipped.width]
        assert np.array_equal(clipped.read(), there)

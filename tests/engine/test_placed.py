"""Where the tiles of a dataset lie."""

import numpy as np
import pyogrio
import pytest
import shapely
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.placed import place_tiles


@pytest.fixture
def rewrite(make_dataset):
    """Makes a dataset of three tiles with other footprints, scenes and offsets."""

    def run(polygons, scenes="abb", crs=None, **offsets):
        tile = ("train", np.ones((1, 32, 32), np.uint8), np.zeros((32, 32), np.uint8))
        folder = make_dataset([tile] * 3)
        names = np.array([f"tile_{number:03d}" for number in range(3)], dtype=object)
        columns = {
            "tile": names, "scene": np.array(list(scenes), dtype=object),
            "split": np.array(["train"] * 3, dtype=object), **{key: np.array(one) for key, one in offsets.items()},
        }  # fmt: skip
        pyogrio.raw.write(
            f"{folder}/tiles.gpkg", shapely.to_wkb(np.array(polygons, dtype=object)), list(columns.values()),
            list(columns), layer="tiles", driver="GPKG", geometry_type="Polygon", crs=crs,
        )  # fmt: skip
        return place_tiles(open_dataset(folder))

    return run


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_scenes_without_georeference_are_planes_of_their_own(rewrite):
    at_offsets = [shapely.box(0, 0, 32, 32), shapely.box(0, 0, 32, 32), shapely.box(32, 0, 64, 32)]
    placed = rewrite(at_offsets, row=[0, 0, 0], col=[0, 0, 32])
    assert placed.crs is None
    assert placed.planes[0] != placed.planes[1] == placed.planes[2]


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")
def test_scenes_at_other_places_than_their_offsets_share_a_plane(rewrite):
    polygons = [shapely.box(left, 100, left + 32, 132) for left in (100, 100, 132)]
    assert rewrite(polygons, row=[0, 0, 0], col=[0, 0, 32]).planes.tolist() == [0, 0, 0]


def test_georeferenced_tiles_lie_in_one_plane_and_may_lack_offsets(rewrite):
    placed = rewrite([shapely.box(0, 0, 32, 32)] * 3, crs="EPSG:32633")
    assert placed.planes.tolist() == [0, 0, 0]
    assert placed.rows.tolist() == [-1, -1, -1]
    assert placed.scenes.tolist() == ["a", "b", "b"]


def test_a_tile_without_footprint_is_named(rewrite):
    with pytest.raises(InputError, match="Tile tile_001 has no footprint"):
        rewrite([shapely.box(0, 0, 32, 32), None, shapely.box(0, 0, 32, 32)], crs="EPSG:32633")


def test_a_layer_that_changed_since_is_refused(make_dataset):
    tile = ("train", np.ones((1, 32, 32), np.uint8), np.zeros((32, 32), np.uint8))
    folder = make_dataset([tile] * 3)
    dataset = open_dataset(folder)
    meta, _, wkb, columns = pyogrio.raw.read(f"{folder}/tiles.gpkg")
    pyogrio.raw.write(
        f"{folder}/tiles.gpkg", wkb[::-1], [column[::-1] for column in columns], meta["fields"], layer="tiles",
        driver="GPKG", geometry_type="Polygon", crs=meta["crs"],
    )  # fmt: skip
    with pytest.raises(InputError, match="was changed while it was read"):
        place_tiles(dataset)


def test_a_layer_that_lacks_a_field_has_no_table(rewrite):
    placed = rewrite([shapely.box(0, 0, 32, 32)] * 3, crs="EPSG:32633")
    with pytest.raises(InputError, match="lacks the field"):
        placed.table()

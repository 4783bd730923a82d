"""Splits by names of scenes and numbers of folds."""

import numpy as np
import pyogrio
import pytest
import shapely
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.stages.dataset_split import SplitDataset
from geoseg.geoseg_plugin.contract.stages.tile_statistics import TileStatistics
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.datasets.splitting.split_dataset import split_dataset
from geoseg.geoseg_plugin.engine.datasets.statistics.tile_statistics import measure_tiles
from geoseg.tests.engine.apart import SETS, check_apart


def test_scenes_are_named_and_take_those_on_the_same_ground_along(cut_scenes, split_anew, recorder):
    source = cut_scenes([("roof_2012", 0), ("roof_2017", 0), ("field", 5000), ("wood", 9000)])
    dataset, _, _, _ = split_anew(source, method="scene", validation_names="2012", test_names="wood")
    scenes = {name: {tile.scene for tile in dataset.split(name)} for name in (*SETS, "unused")}
    assert scenes == {"train": {"field"}, "validation": {"roof_2012", "roof_2017"}, "test": {"wood"}, "unused": set()}
    assert "Scenes named for validation: roof_2012." in recorder.notes
    assert any("roof_2017" in text for text in recorder.notes)


def test_a_scene_of_the_very_name_is_meant_before_those_that_hold_it(cut_scenes, split_anew):
    dataset, _, _, _ = split_anew(cut_scenes([("t1", 0), ("t10", 5000)]), method="scene", validation_names="t1")
    assert {tile.scene for tile in dataset.split("validation")} == {"t1"}


def test_names_that_cannot_be_are_refused(cut_scenes, split_anew):
    source = cut_scenes([("a2012", 0), ("a2017", 0), ("b", 5000)])
    with pytest.raises(RequestError, match=r"'c'.*a2012, a2017, b"):
        split_anew(source, method="scene", validation_names="c")
    with pytest.raises(RequestError, match="named for validation and for test"):
        split_anew(source, method="scene", validation_names="a2012", test_names="a2017")
    with pytest.raises(InputError, match="No train tile is left"):
        split_anew(source, method="scene", validation_names="a, b")


def test_folds_become_sets(cut_scenes, split_anew, tmp_path, recorder):
    source = cut_scenes(overlap=25)
    folds = str(tmp_path / "folds.gpkg")
    measure_tiles(TileStatistics(dataset=source, folds="spatial blocks", fold_count=4, tiles=folds), recorder)
    own = pyogrio.raw.read(folds, columns=["fold"])[3][0]
    _, _, fields, polygons = split_anew(source, method="fold", layer=folds, validation_names="2", test_names="0")
    check_apart(fields["split"], polygons)
    assert np.array_equal(fields["split"] == "test", own == 0)
    assert set(own[fields["split"] == "validation"]) == {2}
    assert set(own[fields["split"] == "train"]) == {1, 3}
    with pytest.raises(RequestError, match=r"no fold '7'.*0, 1, 2, 3"):
        split_anew(source, "b", method="fold", layer=folds, validation_names="7")
    with pytest.raises(RequestError, match="named twice"):
        split_anew(source, "b", method="fold", layer=folds, validation_names="1", test_names="1")


@pytest.mark.parametrize("kind", [float, object])
def test_tiles_without_a_fold_are_unused(cut_scenes, split_anew, tmp_path, kind):
    source, folds = cut_scenes(), str(tmp_path / "folds.gpkg")
    tiles = np.array([tile.id for tile in open_dataset(source).tiles], dtype=object)
    numbers = (np.arange(64) % 4).astype(kind) if kind is float else (np.arange(64) % 4).astype(str).astype(object)
    numbers[:8] = np.nan if kind is float else None
    pyogrio.raw.write(
        folds, shapely.to_wkb(np.repeat(shapely.box(0, 0, 1, 1), 64)), [tiles, numbers], ["tile", "fold"],
        geometry_type="Polygon", crs="EPSG:32633",
    )  # fmt: skip
    _, _, fields, _ = split_anew(source, method="fold", layer=folds, test_names="1")
    assert (fields["split"][:8] == "unused").all()
    assert np.array_equal(fields["split"][8:] == "test", np.arange(8, 64) % 4 == 1)


def test_folds_that_are_no_numbers_are_refused(cut_scenes, split_anew, make_layer, tmp_path):
    layer = make_layer("folds.gpkg", [shapely.box(0, 0, 1, 1)], tile=["x"], fold=["one"])
    with pytest.raises(InputError, match="'one' is no fold"):
        split_anew(cut_scenes(), method="fold", layer=layer, test_names="1")


def test_folds_of_another_dataset_are_refused(cut_scenes, split_anew, blobs, tmp_path, recorder):
    folds = str(tmp_path / "folds.gpkg")
    measure_tiles(TileStatistics(dataset=blobs, folds="random", fold_count=4, tiles=folds), recorder)
    with pytest.raises(InputError, match="64 of 64 tiles have no fold"):
        split_anew(cut_scenes(), method="fold", layer=folds, validation_names="0")


def test_a_folder_in_use_is_refused_and_nothing_is_left(cut_scenes, split_anew, tmp_path, make_recorder):
    source = cut_scenes()
    with pytest.raises(OutputError, match="already exists"):
        split_anew(source, "labels")
    request = SplitDataset(dataset=source, output=str(tmp_path / "anew"))
    with pytest.raises(Cancelled):
        split_dataset(request, make_recorder(lambda one: "Linking tiles" in one.texts))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "labels", "source"]

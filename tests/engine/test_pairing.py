"""Label rasters given one by one: by grid, then by name."""

import numpy as np
import pytest
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.pairing import match_rasters
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes

PIXELS = np.ones((1, 8, 8), np.uint8)
FAR = Affine(0.5, 0, 510_000, 0, -0.5, 5_000_000)


def place_of(name):
    if name.endswith("lost.tif"):
        return {"crs": None, "transform": Affine.identity()}
    return {"transform": FAR} if name.endswith("far.tif") else {}


@pytest.fixture
def match(make_raster, recorder, tmp_path):
    """Returns the name of the label of every image; those whose name ends in 'far' lie elsewhere, in 'lost' nowhere."""
    (tmp_path / "labels").mkdir()

    def run(images, labels, **options):
        paths = [
            tuple(make_raster(name, PIXELS, **place_of(name)) for name in names)
            for names in (images, [f"labels/{label}" for label in labels])
        ]
        request = MakeTiles(images=paths[0], labels=paths[1], output=str(tmp_path / "out"), **options)
        matched = match_rasters(request, find_scenes(request, recorder), recorder)
        return {name: path.rsplit("/", 1)[-1] for name, path in matched.items()}

    return run


def test_several_dates_share_the_label_of_their_grid(match):
    assert match(["s_2012.tif", "s_2017.tif", "far.tif"], ["truth.tif", "other_far.tif"]) == {
        "s_2012": "truth.tif",
        "s_2017": "truth.tif",
        "far": "other_far.tif",
    }


def test_of_several_on_the_grid_the_name_decides(match, recorder):
    images = ["s_2012.tif", "s_2017.tif"]
    assert match(images, images[::-1]) == {"s_2012": "s_2012.tif", "s_2017": "s_2017.tif"}
    assert recorder.notes == []
    assert match(images, ["water_2017.tif", "water_2012.tif"]) == {
        "s_2012": "water_2012.tif",
        "s_2017": "water_2017.tif",
    }
    assert "whose name is closest" in recorder.notes[0]


def test_names_may_differ_in_a_part(match):
    assert match(["a_3b_1.tif", "a_3b_2.tif"], ["a_vh_1.tif", "a_vh_2.tif", "a_3b.tif"], pairing="_3b_, _vh_") == {
        "a_3b_1": "a_vh_1.tif",
        "a_3b_2": "a_vh_2.tif",
    }


def test_equally_close_names_and_other_grids_are_refused(match, recorder):
    with pytest.raises(InputError, match="2 label rasters have the grid"):
        match(["a.tif"], ["b.tif", "c.tif"])
    with pytest.raises(InputError, match="No label raster has the grid"):
        match(["a.tif"], ["far.tif"])
    match(["a.tif"], ["b.tif", "far.tif"])
    assert "1 label rasters belong to no image" in recorder.warnings[-1]


def test_images_that_do_not_say_where_they_lie_share_no_label(match):
    assert match(["a_lost.tif"], ["m_lost.tif"]) == {"a_lost": "m_lost.tif"}
    images = ["a_lost.tif", "b_lost.tif"]
    assert match(images, ["mask_b_lost.tif", "mask_a_lost.tif"]) == {
        "a_lost": "mask_a_lost.tif",
        "b_lost": "mask_b_lost.tif",
    }
    for labels in (["mask_a_lost.tif"], ["mask_a_lost.tif", "x.tif"]):
        with pytest.raises(InputError, match=r"mask_a_lost\.tif would be the label raster of 2 images .*b_lost\.tif"):
            match(images, labels)


def test_images_of_folders_that_do_not_say_where_they_lie_share_no_label(make_raster, recorder, tmp_path):
    for folder in ("images/x", "images/y", "labels/z"):
        (tmp_path / folder).mkdir(parents=True)
        make_raster(f"{folder}/a.tif", PIXELS, crs=None, transform=Affine.identity())
    request = MakeTiles(
        image_folder=str(tmp_path / "images"), label_folder=str(tmp_path / "labels"), output=str(tmp_path / "out")
    )
    with pytest.raises(InputError, match="of 2 images that do not say where they lie"):
        match_rasters(request, find_scenes(request, recorder), recorder)


def test_labels_of_a_folder_must_have_the_grid_of_their_image(make_raster, recorder, tmp_path):
    for folder, options in (("images", {}), ("labels", {"transform": FAR})):
        (tmp_path / folder).mkdir()
        make_raster(f"{folder}/a.tif", PIXELS, **options)
    request = MakeTiles(
        image_folder=str(tmp_path / "images"), label_folder=str(tmp_path / "labels"), output=str(tmp_path / "out")
    )
    with pytest.raises(InputError, match=r"No label raster has the grid of .*images/a\.tif"):
        match_rasters(request, find_scenes(request, recorder), recorder)

"""Images and label rasters of folders, by their names."""

import pytest
from geoseg.geoseg_plugin.contract.errors import InputError, RequestError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.folders import find_images, pair_labels


@pytest.fixture
def ask(tmp_path):
    """Makes empty files and a request for their folders."""

    def make(*files, **options):
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        paths = {"image_folder": "images", "label_folder": "labels", "output": "out"}
        return MakeTiles(**{name: str(tmp_path / path) for name, path in paths.items()} | options)

    return make


@pytest.fixture
def pair(ask, recorder, tmp_path):
    """Returns which label every image takes, relative to the folder."""

    def run(*files, **options):
        request = ask(*files, **options)
        images = find_images(request)
        short = [
            [path.removeprefix(f"{tmp_path}/") for path in some]
            for some in (images, pair_labels(request, images, recorder))
        ]
        return dict(zip(*short, strict=True))

    return run


def test_folders_are_searched_through_and_hidden_ones_passed_over(ask, tmp_path):
    files = (
        "images/b.tif",
        "images/x/a.TIF",
        "images/.cache/a.tif",
        "images/note.txt",
        "images/x/.a.tif",
        "images/a.tiff",
    )
    found = find_images(ask(*files))
    assert found == tuple(str(tmp_path / name) for name in ("images/b.tif", "images/x/a.TIF"))


def test_patterns_choose_images_whatever_their_capitals(ask, tmp_path):
    files = ("images/s_3b_1.TIF", "images/s_vh_1.tif", "images/S_3B_2.tif")
    found = find_images(ask(*files, pattern="*_3b_*.tif"))
    assert found == tuple(sorted(str(tmp_path / name) for name in (files[0], files[2])))


def test_labels_and_results_within_the_folder_are_no_images(ask, tmp_path):
    options = {"image_folder": str(tmp_path), "output": str(tmp_path / "tiles")}
    request = ask("images/a.tif", "labels/a.tif", "tiles/images/a_0_0.tif", **options)
    assert find_images(request) == (str(tmp_path / "images/a.tif"),)


def test_pairs_have_the_same_relative_path_whatever_their_suffix(pair, recorder):
    pairs = pair("images/x/a.tif", "images/y/a.tif", "labels/x/a.png", "labels/y/a.TIF", "labels/y/a.tif.aux.xml")
    assert pairs == {"images/x/a.tif": "labels/x/a.png", "images/y/a.tif": "labels/y/a.TIF"}
    assert recorder.warnings == []


def test_pairs_else_have_the_same_name(pair):
    assert pair("images/x/a.b.tif", "labels/z/a.b.tif", "labels/z/a.tif") == {"images/x/a.b.tif": "labels/z/a.b.tif"}


def test_the_label_in_the_place_of_one_image_is_that_of_no_other(pair):
    with pytest.raises(InputError, match=r"1 of 2 images have no label raster.*images/x/a\.tif"):
        pair("images/x/a.tif", "images/y/a.tif", "labels/y/a.tif")
    assert pair("images/x/a.tif", "images/y/a.tif", "labels/y/a.tif", "labels/z/a.tif") == {
        "images/x/a.tif": "labels/z/a.tif",
        "images/y/a.tif": "labels/y/a.tif",
    }


@pytest.mark.parametrize("pairing", ["_3b_, _vh_", "_3b_,_vh_"])
def test_names_may_differ_in_a_part(pair, pairing):
    pairs = pair("images/s_3b_1.tif", "images/t_3b_1.tif", "labels/t_vh_1.tif", "labels/s_vh_1.tif", pairing=pairing)
    assert pairs == {"images/s_3b_1.tif": "labels/s_vh_1.tif", "images/t_3b_1.tif": "labels/t_vh_1.tif"}


@pytest.mark.parametrize(
    ("image", "label", "pairing"), [("a_1", "a 2", "_1,  2"), ("a 1", "a2", " 1, 2"), ("a_1", "a ", "a_1,a ")]
)
def test_blanks_in_parts_of_names_count(pair, image, label, pairing):
    assert pair(f"images/{image}.tif", f"labels/{label}.tif", pairing=pairing) == {
        f"images/{image}.tif": f"labels/{label}.tif"
    }


def test_images_and_labels_may_lie_side_by_side(pair, tmp_path):
    options = {"image_folder": str(tmp_path), "label_folder": str(tmp_path), "pattern": "*_img.tif"}
    assert pair("a_img.tif", "a.tif", "b_img.tif", "b.tif", pairing="_img,", **options) == {
        "a_img.tif": "a.tif",
        "b_img.tif": "b.tif",
    }


def test_an_image_is_not_its_own_label(pair, tmp_path):
    with pytest.raises(InputError, match="1 of 1 images have no label raster"):
        pair("a.tif", image_folder=str(tmp_path), label_folder=str(tmp_path))


def test_images_without_labels_are_all_named(pair):
    with pytest.raises(InputError, match=r"2 of 3 images have no label raster.*a\.tif.*c\.tif"):
        pair("images/a.tif", "images/b.tif", "images/c.tif", "labels/b.tif")


def test_an_image_without_label_says_what_was_looked_for(pair):
    with pytest.raises(InputError, match=r"named c_vh, s_vh; there are s_vb\.tif\."):
        pair("images/s_3b.tif", "images/c_3b.tif", "labels/s_vb.tif", pairing="_3b,_vh")


def test_several_labels_of_one_image_are_refused(pair):
    with pytest.raises(InputError, match=r"2 label rasters may belong to .*a\.tif"):
        pair("images/a.tif", "labels/x/a.tif", "labels/y/a.tif")
    with pytest.raises(InputError, match="2 label rasters may belong"):
        pair("images/b.tif", "labels/b.tif", "labels/b.png")


def test_labels_without_an_image_are_warned_of(pair, recorder):
    pair("images/a.tif", "labels/a.tif", "labels/b.tif")
    assert "1 label rasters belong to no image" in recorder.warnings[0]
    assert "b.tif" in recorder.warnings[0]


def test_folders_that_are_not_there_or_hold_nothing_are_refused(ask, recorder, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_images(ask())
    with pytest.raises(InputError, match=r"fits '\*\.tif'"):
        find_images(ask("images/a.png"))
    with pytest.raises(InputError, match="does not exist"):
        pair_labels(ask(), [str(tmp_path / "images/a.tif")], recorder)


@pytest.mark.parametrize("pairing", ["_3b_", ", _vh_", "a,b,c", "x/,y"])
def test_pairings_that_are_not_two_parts_are_refused(ask, recorder, pairing):
    request = ask("images/a.tif", "labels/a.tif", pairing=pairing)
    with pytest.raises(RequestError, match="PAIRING is"):
        pair_labels(request, find_images(request), recorder)

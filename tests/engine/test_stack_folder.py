"""Stacks of a whole folder: partners are found, results are named after them, all or nothing is written."""

import json
import shutil

import numpy as np
import pytest
import rasterio
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError, OutputError, RequestError
from geoseg.geoseg_plugin.contract.fields import fields_of
from geoseg.geoseg_plugin.contract.stages.bands import StackBands, StackFolder
from geoseg.geoseg_plugin.engine.imagery.stacking.stack_folder import find_groups, stack_folder

RECIPE = "Sentinel-1 3 bands"


@pytest.fixture
def scenes(make_raster, tmp_path):
    """A folder with the scenes a and b, and c in a subfolder, each as VH and VV; and what does not belong to them."""
    folder = tmp_path / "scenes"
    (folder / "iraq").mkdir(parents=True)
    for number, place in enumerate(("s1_{}_a.tif", "s1_{}_b.TIF", "iraq/s1_{}_c.tif")):
        for polarisation, value in (("vh", 1), ("vv", 3)):
            pixels = np.full((1, 30, 40), value + number, np.float32)
            pixels[:, :4] = 0
            make_raster(f"scenes/{place.format(polarisation)}", pixels)
    (folder / "s1_vh_a.tif.aux.xml").write_text("<PAMDataset/>")
    (folder / "s1_vh_a.txt").write_text("notes")
    make_raster("scenes/dem.tif", np.ones((1, 3, 3)))
    (folder / ".geoseg-other-1").mkdir()
    (folder / ".geoseg-other-1" / "s1_vh_x.tif").write_text("unfinished")
    return folder


def request(folder, output, **options):
    return StackFolder(folder=str(folder), output=str(output), **{"recipe": RECIPE, **options})


def written(output):
    return sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())


def test_every_pair_is_stacked(scenes, tmp_path, recorder):
    output = tmp_path / "out"
    result = stack_folder(request(scenes, output), recorder)
    assert (result.output, result.count) == (str(output), 3)
    assert written(output) == ["iraq/s1_3b_c.tif", "s1_3b_a.tif", "s1_3b_b.TIF"]
    for place, number in (("s1_3b_a.tif", 0), ("s1_3b_b.TIF", 1), ("iraq/s1_3b_c.tif", 2)):
        with rasterio.open(output / place) as dataset:
            assert dataset.descriptions == ("VH", "VV", "mean")
            found = dataset.read()
            asked = json.loads(dataset.tags()["GEOSEG_REQUEST"])
        assert np.isnan(found[:, :4]).all()
        assert (found[:, 4:] == np.array([1, 3, 2])[:, None, None] + number).all()
        assert asked["stage"] == "stackbands"
        assert asked["parameters"]["output"] == str(output / place)
        assert [path.rsplit("_", 2)[-2] for path in asked["parameters"]["inputs"]] == ["vh", "vv"]
    assert recorder.fractions == sorted(recorder.fractions)
    assert recorder.fractions[-1] == 1
    assert "Raster 2 of 3: s1_3b_a.tif" in recorder.texts


def test_both_ways_to_stack_ask_alike():
    one, other = ({field.name: field for field in fields_of(stage)} for stage in (StackBands, StackFolder))
    shared = one.keys() & other.keys() - {"output"}
    assert one.keys() - shared == {"inputs", "output"}
    assert [one[name] for name in shared] == [other[name] for name in shared]


def test_results_inside_the_folder_are_no_inputs(scenes, tmp_path, recorder):
    stack_folder(request(scenes, scenes / "out", stacked="_vh_3b_"), recorder)
    assert len(find_groups(request(scenes, scenes / "out"))) == 3
    assert len(written(scenes / "out")) == 3
    with pytest.raises(OutputError, match="not empty"):
        stack_folder(request(scenes, scenes / "out"), recorder)


def test_one_part_alone_takes_single_files(scenes, tmp_path, recorder):
    asked = request(scenes, tmp_path / "out", partners="_vv_", recipe="none", stacked="_db_", expressions="y = dB(VV)")
    assert stack_folder(asked, recorder).count == 3
    with rasterio.open(tmp_path / "out" / "s1_db_a.tif") as dataset:
        assert dataset.descriptions == ("s1_vv_a", "y")


def test_other_formats_become_geotiffs(scenes, tmp_path, recorder):
    for polarisation in ("vh", "vv"):
        source = str(scenes / f"s1_{polarisation}_a.tif")
        rasterio.shutil.copy(source, str(scenes / f"s1_{polarisation}_v.vrt"), driver="VRT")
    assert stack_folder(request(scenes, tmp_path / "out"), recorder).count == 4
    assert (tmp_path / "out" / "s1_3b_v.tif").is_file()


def test_missing_partners_are_named_before_anything_is_written(scenes, tmp_path, recorder):
    (scenes / "iraq" / "s1_vv_c.tif").unlink()
    with pytest.raises(InputError, match=r"Of 3 groups of files 1 files are missing: .*iraq.s1_vv_c\.tif\."):
        stack_folder(request(scenes, tmp_path / "out"), recorder)
    assert not (tmp_path / "out").exists()


def test_a_missing_first_file_is_named_too(scenes, tmp_path, recorder):
    (scenes / "iraq" / "s1_vh_c.tif").unlink()
    with pytest.raises(InputError, match=r"Of 3 groups of files 1 files are missing: .*iraq.s1_vh_c\.tif\."):
        stack_folder(request(scenes, tmp_path / "out"), recorder)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"partners": "_hh_, _hv_"}, InputError, "No raster in .* has '_hh_' in its name"),
    ({"partners": "_VH_, _VV_"}, InputError, "capitals count"),
    ({"partners": ", "}, RequestError, "PARTNERS is ', '"),
    ({"partners": "_vh_, _vh_"}, RequestError, "different parts"),
    ({"partners": "iraq/s1_vh_, s1_vv_"}, RequestError, "not of paths"),
    ({"stacked": "../"}, RequestError, "not of paths"),
    ({"folder": "no_such_folder"}, InputError, "does not exist"),
    ({"recipe": "slump indices"}, RequestError, r"s1_vh_c\.tif: The recipe 'slump indices' needs"),
])  # fmt: skip
def test_what_cannot_be_is_refused(scenes, tmp_path, recorder, options, error, message):
    with pytest.raises(error, match=message):
        stack_folder(request(**{"folder": scenes, "output": tmp_path / "out", **options}), recorder)
    assert not (tmp_path / "out").exists()


def test_two_stacks_of_one_name_are_refused(scenes, tmp_path, recorder):
    for polarisation in ("vh", "vv"):
        shutil.copy(scenes / f"s1_{polarisation}_a.tif", scenes / f"S1_{polarisation}_a.tif")
    with pytest.raises(InputError, match=r"would both be named s1_3b_a\.tif"):
        stack_folder(request(scenes, tmp_path / "out"), recorder)


def test_a_damaged_file_is_named_and_leaves_nothing(scenes, tmp_path, recorder):
    (scenes / "s1_vv_b.TIF").write_bytes(b"no raster")
    with pytest.raises(InputError, match=r"s1_vv_b\.TIF cannot be opened"):
        stack_folder(request(scenes, tmp_path / "out"), recorder)
    assert not (tmp_path / "out").exists()


def test_what_goes_for_many_files_is_said_once(scenes, tmp_path, recorder):
    asked = request(scenes, tmp_path / "out", recipe="none", expressions="y = ln(VH - VH)", partners="_vh_")
    stack_folder(asked, recorder)
    assert len(recorder.warnings) == 1
    assert recorder.warnings[0].startswith(f"{scenes / 'iraq' / 's1_vh_c.tif'}: Values that do not exist")
    assert recorder.warnings[0].endswith(f"goes for {scenes / 's1_vh_a.tif'}, {scenes / 's1_vh_b.TIF'}.")


def test_notes_are_not_repeated(scenes, tmp_path, recorder):
    for file in scenes.rglob("s1_v*_[abc].*[fF]"):
        with rasterio.open(file, "r+") as dataset:
            dataset.scales = (0.5,)
    asked = request(scenes, tmp_path / "out", partners="_vh_", recipe="none", names="VH", expressions="x = VH")
    assert stack_folder(asked, recorder).count == 3
    first = scenes / "iraq" / "s1_vh_c.tif"
    assert recorder.notes == [
        f"Bands are derived from the values of {first} by the scale and offset stated there.",
        f"{first}: 160 pixels that are 0 in all input bands became nodata. Where 0 is a value, switch ZERO_NODATA off.",
    ]


def test_cancelling_leaves_nothing(scenes, make_recorder, tmp_path):
    with pytest.raises(Cancelled):
        stack_folder(request(scenes, tmp_path / "out"), make_recorder(lambda one: one.fractions[-1:] > [0.5]))
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]


def test_real_scenes(data, tmp_path, recorder):
    for name in ("VV", "VH"):
        (tmp_path / "in").mkdir(exist_ok=True)
        shutil.copy(data / "sen1floods11_spain" / f"S1_{name}.tif", tmp_path / "in" / f"spain_{name}_.tif")
    asked = request(tmp_path / "in", tmp_path / "out", partners="_VH_, _VV_", stacked="_3b_")
    assert stack_folder(asked, recorder).count == 1
    with rasterio.open(tmp_path / "out" / "spain_3b_.tif") as dataset:
        found = dataset.read()
    with rasterio.open(data / "sen1floods11_spain" / "S1_VV_VH.tif") as dataset:
        vv, vh = dataset.read().astype(float)
    np.testing.assert_allclose(found, [vh, vv, (vh + vv) / 2], rtol=1e-6)

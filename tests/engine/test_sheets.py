"""All sheets, cut into files or only looked at."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.contract.stages.datasets import MakeTiles
from geoseg.geoseg_plugin.engine.datasets.tiling.layouts import lay_out
from geoseg.geoseg_plugin.engine.datasets.tiling.patches import cut_strips
from geoseg.geoseg_plugin.engine.datasets.tiling.scenes import find_scenes
from geoseg.geoseg_plugin.engine.datasets.tiling.sheets import cut_sheets
from geoseg.geoseg_plugin.engine.datasets.tiling.sources import find_labels
from geoseg.geoseg_plugin.engine.datasets.tiling.strip_memory import StripMemory

IMAGES = np.random.default_rng(0).integers(1, 255, (2, 2, 70, 150)).astype(np.uint8)


@pytest.fixture
def cut(make_raster, recorder):
    """Cuts two scenes, whose labels say where the first band is bright, into tiles of 64 pixels."""

    def run(images=IMAGES, **given):
        paths = [make_raster(f"{name}.tif", image, nodata=0) for name, image in zip("ab", images, strict=True)]
        labels = [make_raster(f"label_{name}.tif", image[:1] // 128) for name, image in zip("ab", images, strict=True)]
        request = MakeTiles(images=paths, labels=labels, tile_size=64, overlap=0, output="nowhere")
        scenes = find_scenes(request, recorder)
        sheets = lay_out(request, scenes, recorder)
        return cut_sheets(request, sheets, find_labels(request, scenes, recorder), recorder, **given)

    return run


def test_without_a_folder_tiles_are_measured_and_nothing_is_written(cut, tmp_path, recorder):
    table = cut().table()
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"a.tif", "b.tif", "label_a.tif", "label_b.tif"}
    places = list(zip(table.scenes, table.rows, table.cols, strict=True))
    assert len(places) == len(set(places)) == 12
    for number, (scene, row, col) in enumerate(places):
        pixels = IMAGES["ab".index(scene)][:, row : row + 64, col : col + 64]
        assert table.valid[number] == 64 * 64
        assert table.mean[number] == pytest.approx(pixels.mean(axis=(1, 2)))
        assert table.counts[number].tolist() == [(pixels[0] < 128).sum(), (pixels[0] >= 128).sum()]
    assert recorder.fractions[-1] == 1
    assert recorder.texts[-1] == "Reading b"


def test_in_a_folder_the_same_tiles_are_files(cut, tmp_path, recorder):
    for kind in ("images", "labels"):
        (tmp_path / "tiles" / kind).mkdir(parents=True)
    table = cut(folder=tmp_path / "tiles").table()
    for kind in ("images", "labels"):
        assert {path.stem for path in (tmp_path / "tiles" / kind).iterdir()} == set(table.ids)
    assert recorder.texts[-1] == "Cutting b"


def test_what_is_read_is_kept_by_the_number_of_the_sheet(cut):
    memory = StripMemory(10**6)
    cut(memory=memory)
    for sheet, image in enumerate(IMAGES):
        place = (3, 20, 60, 100)
        assert np.array_equal(cut_strips(memory.find(sheet, place), place).image, image[:, 3:63, 20:120])
    assert memory.kept_share == 1


def test_where_no_tile_is_left_it_is_said(cut):
    with pytest.raises(InputError, match=r"None of the 12 tiles of .* has both image data and labels"):
        cut(np.zeros_like(IMAGES))

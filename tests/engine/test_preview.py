"""The picture of tiles as they are and as they are varied."""

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.classes import ClassTable, LabelClass
from geoseg.geoseg_plugin.contract.errors import InputError
from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
from geoseg.geoseg_plugin.engine.scaling import Scaling
from geoseg.geoseg_plugin.engine.training.augmentation import preview
from geoseg.geoseg_plugin.engine.training.augmentation.preview import write_preview
from geoseg.geoseg_plugin.engine.training.augmentation.variation import UNCHANGED, Variation
from geoseg.geoseg_plugin.engine.training.tiles import TileStore
from geoseg.models.card import Band
from matplotlib.image import imread

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES = ClassTable.named({0: "background", 7: "$roof_{"})
LAID = Variation(flips=True, quarter_turns=True, brightness=0.2, contrast=0.2)


def half_tile(ignored=0, bands=3):
    """Return a tile whose right half is bright roof, with some columns at the left that are ignored."""
    label = np.zeros((40, 40), dtype=np.uint8)
    label[:, 20:] = 7
    image = np.full((bands, 40, 40), 60, dtype=np.uint8) + 120 * (label == 7).astype(np.uint8)
    image[0, ::2] += 9
    label[:, :ignored] = 255
    return image, label


@pytest.fixture
def draw(make_dataset, tmp_path):
    """Draws the preview of (split, image, label) triples; returns its pictures (row, column, H, W, 3), 0 to 255."""

    def run(tiles, variation, seed=1, classes=CLASSES):
        dataset = open_dataset(make_dataset(tiles, classes=classes))
        scaling = Scaling([Band(one.name, one.mean, one.std) for one in dataset.statistics])
        path = tmp_path / "preview.png"
        write_preview(path, dataset, TileStore(dataset), scaling, variation=variation, seed=seed)
        page = (255 * imread(path)[..., :3]).round().astype(int)
        side, gap, line = preview._SIDE, preview._GAP, preview._LINE
        assert page.shape[1] == 6 * side + 7 * gap
        rows = (len(page) - line) // (side + line + gap)
        return np.array([[
            page[2 * line + row * (side + line + gap) :, gap + column * (side + gap) :][:side, :side]
            for column in range(6)] for row in range(rows)
        ])  # fmt: skip

    return run


def outlined(picture, number):
    """Return where a picture has exactly the colour of a class."""
    return (picture == CLASSES.classes[number].rgb).all(axis=-1)


@pytest.mark.parametrize("bands", [1, 3, 13])
def test_without_augmentation_all_pictures_of_a_row_are_alike(draw, bands):
    rows = draw([("train", *half_tile(bands=bands))] * 2 + [("validation", *half_tile(bands=bands))], UNCHANGED)
    assert rows.shape[:2] == (2, 6)
    assert (rows == rows[:, :1]).all()
    first = rows[0, 0]
    half = len(first) // 2
    # Each half is closed by a line of its own colour; inside, the image shows dark and bright.
    for number, part in ((0, first[:, :half]), (1, first[:, half:])):
        ring = np.ones(part.shape[:2], dtype=bool)
        ring[1:-1, 1:-1] = False
        assert (outlined(part, number) == ring).all()
    assert first[10:-10, 10 : half - 10].mean() < 60
    assert first[10:-10, half + 10 : -10].mean() > 190


def test_outlines_follow_the_image_wherever_it_is_laid(draw):
    pictures = draw([("train", *half_tile())] * 4, LAID).reshape(24, preview._SIDE, preview._SIDE, 3)
    sides = set()
    for picture in pictures:
        roof = outlined(picture, 1)
        rows, cols = np.flatnonzero(roof.any(axis=1)), np.flatnonzero(roof.any(axis=0))
        inside = np.zeros(roof.shape, dtype=bool)
        inside[rows[0] + 5 : rows[-1] - 4, cols[0] + 5 : cols[-1] - 4] = True
        assert 0.4 < inside.mean() < 0.5
        assert picture[inside].mean() > 130
        assert picture[5:-5, 5:-5][~inside[5:-5, 5:-5]].mean() < 90
        sides.add((rows[0] > 9, rows[-1] < 190, cols[0] > 9, cols[-1] < 190))
    assert len(sides) == 4


def test_light_is_not_stretched_away(draw):
    rows = draw([("train", *half_tile())] * 2, Variation(brightness=0.5))
    assert np.ptp(rows.mean(axis=(2, 3, 4)), axis=1).min() > 5


def test_ignored_pixels_are_hatched_and_never_outlined(draw):
    tiles = [("train", *half_tile(ignored=10))]
    first = draw(tiles, UNCHANGED)[0, 0]
    quarter = first[:, : len(first) // 4]
    white, black = ((quarter == grey).all(axis=-1).mean() for grey in (255, 0))
    assert white == pytest.approx(1 / 8, abs=0.01)
    assert black >= white
    assert not outlined(quarter, 0).any()


def test_blends_show_the_outlines_of_both(draw):
    across, down = half_tile(), tuple(np.rot90(pixels, axes=(-2, -1)) for pixels in half_tile())
    rows = draw([("train", *across), ("train", *down)], Variation(mixup=1.0))
    middle = preview._SIDE // 2
    for picture in rows[:, 1:].reshape(10, *rows.shape[2:]):
        lines = outlined(picture, 0) | outlined(picture, 1)
        assert lines[middle - 1 : middle + 1].all()
        assert lines[:, middle - 1 : middle + 1].all()


def test_tiles_with_several_classes_come_first_but_others_do_too(draw):
    empty = np.full((3, 40, 40), 60, dtype=np.uint8), np.zeros((40, 40), dtype=np.uint8)
    empty[0][:, ::2] += 5
    tiles = [("train", *empty)] * 20 + [("train", *half_tile())] * 3 + [("train", *empty)] * 20
    rows = draw(tiles, UNCHANGED)
    assert [bool(outlined(row[0], 1).any()) for row in rows] == [True] * 3 + [False] * 3


def test_the_same_seed_draws_the_same_and_crops_fill_the_picture(draw, tmp_path):
    tiles = [("train", *half_tile())] * 2
    rows = draw(tiles, Variation(rotation=180, crop=16), seed=5)
    (tmp_path / "dataset").rename(tmp_path / "earlier")
    again = draw(tiles, Variation(rotation=180, crop=16), seed=5)
    assert (rows == again).all()
    assert not (rows[0, 1] == rows[0, 2]).all()


def test_a_part_larger_than_the_tiles_is_refused(draw):
    with pytest.raises(InputError, match="CROP is 41"):
        draw([("train", *half_tile())], Variation(crop=41))


def test_a_legend_of_many_classes_stays_within_its_limits(draw):
    many = ClassTable.named({value: f"class number {value} with a long name" for value in range(60)})
    label = np.arange(1600, dtype=np.uint8).reshape(40, 40) % 60
    rows = draw([("train", np.stack([label] * 3), label)], UNCHANGED, classes=many)
    assert rows.shape[:2] == (1, 6)


def test_a_white_class_has_a_frame_in_the_legend(draw, tmp_path):
    white = ClassTable((LabelClass(0, "background", "#ffffff"), LabelClass(7, "roof", "#ffffff")))
    draw([("train", *half_tile())], UNCHANGED, classes=white)
    legend = (255 * imread(tmp_path / "preview.png")[..., :3]).round()[-preview._LINE - preview._GAP :]
    frame = (legend == preview._FRAME).all(axis=-1)
    side = preview._SWATCH
    assert frame.sum() == 2 * (4 * side - 4)
    rows, cols = np.nonzero(frame)
    inside = legend[rows.min() + 1 : rows.min() + side - 1, cols.min() + 1 : cols.min() + side - 1]
    assert (inside == 255).all()

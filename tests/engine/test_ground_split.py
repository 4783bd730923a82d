"""The split by blocks of ground: no shared ground, the wanted shares, the same for the same seed."""

import numpy as np
import pytest
import shapely
from affine import Affine
from geoseg.geoseg_plugin.contract.errors import Cancelled, InputError
from geoseg.geoseg_plugin.engine.datasets.footprints import footprints, outlines_of
from geoseg.geoseg_plugin.engine.datasets.ground import Ground
from geoseg.geoseg_plugin.engine.datasets.splitting.ground_split import split_on_ground
from geoseg.geoseg_plugin.engine.datasets.tile_table import TileTable
from geoseg.geoseg_plugin.engine.datasets.tiling.positions import tile_offsets
from geoseg.geoseg_plugin.engine.grid import Grid
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.windows import Window

UTM = CRS.from_epsg(32633)
ORIGIN = {32633: (500_000, 5_000_000), 32634: (30_000, 5_000_000), 4326: (15.0, 45.15)}
SETS = ("train", "validation", "test")


def make_table(scenes, counts=None):
    """A table of tiles of which nothing is known but their scenes and, maybe, their class counts."""
    number = len(scenes)
    zeros, nothing = np.zeros(number, dtype=np.int64), np.zeros((number, 1))
    return TileTable(
        ids=np.arange(number).astype(str).astype(object), scenes=np.array(scenes, dtype=object),
        splits=np.full(number, "train", dtype=object), rows=zeros, cols=zeros, heights=zeros + 64, widths=zeros + 64,
        valid=zeros + 64 * 64, counts=np.ones((number, 2), dtype=np.int64) if counts is None else counts,
        minimum=nothing, maximum=nothing, mean=nothing, std=nothing,
    )  # fmt: skip


def lay_tiles(scenes, tile, overlap):
    """Tiles of scenes (name, EPSG code, column, row, rotation, height, width) with pixels of about 1 m."""
    names, grids = [], []
    shared = round(tile * overlap / 100)
    for name, code, col, row, turn, height, width in scenes:
        x, y = ORIGIN[code]
        size = 1e-5 if code == 4326 else 1.0
        transform = Affine(size, 0, x + col * size, 0, -size, y - row * size) @ Affine.rotation(turn)
        whole = Grid(CRS.from_epsg(code), transform, height, width)
        for top in tile_offsets(height, tile, shared):
            for left in tile_offsets(width, tile, shared):
                names.append(name)
                grids.append(whole.part(Window(left, top, tile, tile)))
    return names, footprints(grids, UTM)


def lay(polygons, planes, tile, gap=0):
    return Ground.of(outlines_of(polygons), planes, np.full((len(polygons), 2), tile), gap=gap)


def split(scenes, recorder, *, tile=64, overlap=25.0, validation=20.0, test=0.0, counts=None, seed=0, **options):
    names, polygons = lay_tiles(scenes, tile, overlap)
    counts = counts and counts(shapely.get_coordinates(shapely.centroid(polygons)))
    planes = options.pop("planes", np.zeros(len(names), dtype=np.int64))
    shares = {"validation": validation, "test": test}
    table = make_table(names, counts)
    splits = split_on_ground(
        table, lay(polygons, planes, tile, options.get("buffer", 0)), shares=shares, tile_size=tile, seed=seed,
        report=recorder, **options,
    )  # fmt: skip
    return splits, polygons


def square(height, width, name="a", col=0):
    return (name, 32633, col, 0, 0, height, width)


def check_apart(splits, polygons, buffer):
    """Every pair of sets shares no more ground than neighbours do whose edges do not quite fall on each other."""
    for number, one in enumerate(SETS):
        for other in SETS[number + 1 :]:
            if not {one, other} <= set(splits):
                continue
            first, second = (shapely.union_all(polygons[splits == name]) for name in (one, other))
            assert shapely.area(shapely.intersection(shapely.buffer(first, -0.21), second)) == 0
            assert shapely.distance(first, second) >= buffer - 1e-3


scenes_anywhere = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.sampled_from([32633, 32633, 32634, 4326]), st.integers(-300, 300),
        st.integers(-300, 300), st.sampled_from([0, 0, 0, 30]), st.integers(64, 400), st.integers(64, 400),
    ),
    min_size=1, max_size=4, unique_by=lambda scene: scene[0],
)  # fmt: skip


@settings(max_examples=40)
@given(
    scenes=scenes_anywhere, overlap=st.floats(0, 60), validation=st.floats(5, 40), test=st.sampled_from([0, 10, 30]),
    buffer=st.sampled_from([0, 0, 0.5, 20, 90]), seed=st.integers(0, 99), dates=st.booleans(),
    block_size=st.sampled_from([0, 0, 64, 150]),
)  # fmt: skip
def test_no_ground_is_in_two_sets(
    make_recorder, scenes, overlap, validation, test, buffer, seed, dates, block_size
):  # fmt: skip
    if dates:
        scenes = [*scenes, ("later", *scenes[0][1:])]
    try:
        splits, polygons = split(
            scenes, make_recorder(), overlap=overlap, validation=validation, test=test, seed=seed,
            buffer=buffer, block_size=block_size,
        )  # fmt: skip
    except InputError:
        assume(False)
    check_apart(splits, polygons, buffer)
    assert set(splits) >= {"train", "validation"} | ({"test"} if test else set())
    assert set(splits) <= {*SETS, "unused"}


def test_dates_of_one_place_are_split_alike(recorder):
    splits, _ = split([square(512, 512, name) for name in "abc"], recorder, overlap=0.0)
    assert np.array_equal(splits[:64], splits[64:128])
    assert np.array_equal(splits[:64], splits[128:])
    assert "unused" not in splits


def test_scenes_of_different_planes_share_no_ground(recorder):
    scenes = [square(64, 64, str(number)) for number in range(10)]
    splits, _ = split(scenes, recorder, planes=np.arange(10))
    assert sorted(splits) == ["train"] * 8 + ["validation"] * 2


def test_only_tiles_that_share_ground_are_unused(recorder):
    splits, polygons = split([square(600, 600)], recorder)
    held_out = shapely.union_all(polygons[splits == "validation"])
    lost = polygons[splits == "unused"]
    assert len(lost)
    assert (shapely.area(shapely.intersection(lost, held_out)) > 0).all()
    assert any(
        f"{len(lost)} of {len(splits)} tiles share ground with tiles of another set" in text for text in recorder.notes
    )


def test_many_lost_tiles_are_warned_of(recorder):
    splits, _ = split([square(400, 400)], recorder, buffer=100)
    assert (splits == "unused").mean() > 0.3
    assert any("tiles lie closer than 100 pixels" in text for text in recorder.warnings)


def test_without_overlap_nothing_is_lost_and_the_shares_are_met(recorder):
    splits, _ = split([square(640, 640)], recorder, overlap=0.0, test=12.0)
    assert [(splits == name).sum() for name in (*SETS, "unused")] == [68, 20, 12, 0]


def test_the_same_seed_chooses_the_same_and_another_differs(recorder):
    drawn = [split([square(1280, 1280)], recorder, seed=seed, test=10)[0] for seed in (3, 3, 4, 5, 6)]
    assert np.array_equal(drawn[0], drawn[1])
    assert len({tuple(one) for one in drawn}) > 1


def in_corner(places):
    rare = (places[:, 0] < 500_300) & (places[:, 1] > 4_999_700)
    return np.column_stack([np.full(len(places), 4096), np.where(rare, 500, 0)])


def test_a_class_in_one_corner_reaches_all_sets(recorder):
    splits, polygons = split([square(1024, 1024)], recorder, block_size=128, counts=in_corner, test=20)
    rare = in_corner(shapely.get_coordinates(shapely.centroid(polygons)))[:, 1] > 0
    assert {*SETS} <= set(splits[rare])


def test_class_shares_count_only_when_asked(recorder):
    def off(stratify):
        splits, polygons = split(
            [square(1024, 1024)], recorder, overlap=0.0, counts=halves, stratify=stratify, block_size=128
        )
        dark = halves(shapely.get_coordinates(shapely.centroid(polygons)))[:, 1] > 0
        return abs(dark[splits == "validation"].mean() - 0.5)

    def halves(places):
        dark = places[:, 0] > 500_512
        return np.column_stack([~dark, dark]) * 4096

    assert off(True) < 0.05
    assert off(True) <= off(False)


def test_tiles_without_classes_are_split(recorder):
    splits, _ = split([square(640, 640)], recorder, overlap=0.0, counts=lambda places: np.zeros((len(places), 0)))
    assert (splits == "validation").sum() == 20


def test_a_share_of_zero_sets_nothing_aside(recorder):
    splits, _ = split([square(300, 300)], recorder, validation=0)
    assert (splits == "train").all()


@pytest.mark.parametrize(("side", "overlap", "buffer"), [(64, 25, 0), (100, 60, 0), (400, 0, 500)])
def test_what_cannot_be_split_says_what_to_do(recorder, side, overlap, buffer):
    with pytest.raises(InputError, match="lower VALIDATION, or set it to 0") as caught:
        split([square(side, side)], recorder, overlap=overlap, buffer=buffer)
    assert ("500 pixels" in caught.value.message) == ("BUFFER" in caught.value.fix) == (buffer > 0)


def test_cancelling_stops_it(make_recorder):
    with pytest.raises(Cancelled):
        split([square(640, 640)], make_recorder(lambda one: True))


def test_many_tiles_are_split_as_wanted(recorder):
    col, row = (128.0 * axis.ravel() for axis in np.meshgrid(np.arange(200), np.arange(200)))
    splits = split_on_ground(
        make_table(["a"] * 200**2),
        lay(shapely.box(col, row, col + 256, row + 256), np.zeros(200**2, dtype=np.int64), 256),
        shares={"validation": 20, "test": 10}, tile_size=256, seed=0, report=recorder,
    )  # fmt: skip
    shares = [(splits == name).mean() for name in ("validation", "test", "unused")]
    assert shares == pytest.approx([0.2, 0.1, 0], abs=0.015)

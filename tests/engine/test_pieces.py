"""Parts of a map that are there, parts that are not, and shares of these."""

from itertools import pairwise

import pytest
from geoseg.geoseg_plugin.engine.prediction.keeping.pieces import deal, pieces_of
from geoseg.geoseg_plugin.engine.prediction.windows.covering import BLOCK, Cover, Coverage, Region
from rasterio.windows import Window

COVERAGE = Coverage(Cover.of(3000, 128, 0.25), Cover.of(2000, 128, 0.25), "hann")


def region(first, stop, left=0, right=2000):
    return Region(COVERAGE.rows.section(first, stop), COVERAGE.cols.section(left, right))


def spans(pieces, corner=(0, 0)):
    """Return the rows of pieces in the map, and whether they are kept."""
    return [
        (one.row_off, one.row_off + one.height, True)
        if isinstance(one, Window)
        else (one.rows.first - corner[0], one.rows.stop - corner[0], False)
        for one in pieces
    ]


def kept(*rows, left=0, width=2000):
    return [Window(left, first, width, stop - first) for first, stop in rows]


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([], [(0, 3000, False)]),
        ([(0, 512)], [(0, 512, True), (512, 3000, False)]),
        ([(512, 768)], [(0, 512, False), (512, 768, True), (768, 3000, False)]),
        ([(0, 512), (512, 3000)], [(0, 512, True), (512, 3000, True)]),
        ([(0, 512), (256, 768)], [(0, 512, True), (512, 3000, False)]),
        ([(2816, 3072)], [(0, 3000, False)]),
    ],
)
def test_gaps_between_what_is_kept_are_found(rows, wanted):
    pieces = list(pieces_of(region(0, 3000), COVERAGE, (0, 0), kept(*rows)))
    assert spans(pieces) == wanted
    for piece in pieces:
        if isinstance(piece, Region):
            assert piece == region(piece.rows.first, piece.rows.stop)


def test_rows_and_columns_are_those_of_the_map():
    part = region(100, 1400, left=300, right=812)
    found = kept((0, 512), left=0, width=512) + kept((512, 768), left=512, width=512)
    assert spans(pieces_of(part, COVERAGE, (100, 300), found), (100, 300)) == [(0, 512, True), (512, 1300, False)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 40])
def test_shares_are_all_there_is_once_in_whole_blocks(count):
    regions = [region(100, 1400), region(1536, 3000, 512, 2000), region(512, 600, 0, 512)]
    shares = deal(regions, COVERAGE, count)
    assert len(shares) == count
    found = [one for share in shares for one in share]
    for whole in regions:
        own = [one for one in found if one.cols == whole.cols]
        assert own[0].rows.first == whole.rows.first
        assert own[-1].rows.stop == whole.rows.stop
        assert all(one.rows.stop == after.rows.first for one, after in pairwise(own))
        assert all((one.rows.first - whole.rows.first) % BLOCK == 0 for one in own)
    if count <= 3:
        work = [sum(-(-one.rows.length // BLOCK) * len(one.cols.windows) for one in share) for share in shares]
        assert max(work) - min(work) <= 2 * len(COVERAGE.cols.starts)


def test_nothing_is_dealt_out_as_nothing():
    assert deal([], COVERAGE, 2) == [[], []]

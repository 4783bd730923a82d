"""Which parts of a map are there already, and who computes the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rasterio.windows import Window

from ..windows.covering import BLOCK, Coverage, Region


def pieces_of(
    region: Region, coverage: Coverage, corner: tuple[int, int], kept: Sequence[Window]
) -> Iterator[Window | Region]:
    """Yield a region in pieces from top to bottom: windows of strips that are kept, and regions between them.

    Args:
        region: A part of the scene.
        coverage: How windows cover the scene.
        corner: Row and column of the scene at which the map begins.
        kept: Where strips are kept, in rows and columns of the map, from top to bottom.
    """
    row, columns = region.rows.first, (region.cols.first - corner[1], region.cols.stop - corner[1])
    for window in kept:
        first, stop = window.row_off + corner[0], window.row_off + window.height + corner[0]
        if (window.col_off, window.col_off + window.width) != columns or first < row or stop > region.rows.stop:
            continue
        if first > row:
            yield Region(coverage.rows.section(row, first), region.cols)
        yield window
        row = stop
    if row < region.rows.stop:
        yield Region(coverage.rows.section(row, region.rows.stop), region.cols)


def deal(regions: Sequence[Region], coverage: Coverage, count: int) -> list[list[Region]]:
    """Deal regions out in as many shares, of about as much work each; all are cut between rows of blocks.

    Args:
        regions: What is to be computed.
        coverage: How windows cover the scene.
        count: How many shares; some are empty where there are fewer rows of blocks.
    """
    rows_of_blocks = [-(-region.rows.length // BLOCK) for region in regions]
    costs = [len(region.cols.windows) for region in regions]
    total = sum(rows * cost for rows, cost in zip(rows_of_blocks, costs, strict=True))
    shares: list[list[Region]] = [[] for _ in range(count)]
    before = 0
    for region, rows, cost in zip(regions, rows_of_blocks, costs, strict=True):
        owners = ((before + cost * (np.arange(rows) + 0.5)) * count / total).astype(int)
        for owner in np.unique(owners):
            own = np.flatnonzero(owners == owner)
            first = region.rows.first + BLOCK * int(own[0])
            stop = min(region.rows.first + BLOCK * int(own[-1] + 1), region.rows.stop)
            shares[owner].append(Region(coverage.rows.section(first, stop), region.cols))
        before += rows * cost
    return shares

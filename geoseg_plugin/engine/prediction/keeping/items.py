"""What passes the network where parts of a map are kept already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ..maps import region_items
from ..pipeline import Item
from ..scenes.scene import Scene
from ..windows.covering import Coverage, Region
from ..windows.strips import Sink, Strip
from .pieces import pieces_of
from .store import Store


@dataclass(frozen=True)
class KeptItem:
    """A strip that is kept, on its way past the network: see `pipeline.Item`."""

    done: float
    store: Store
    window: Window
    sink: Sink
    pixels: None = None

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Pass the strip on, which is read only now: those that wait take no memory."""
        self.sink.write(self.store.read(self.window))


@dataclass(frozen=True)
class _Both:
    """Passes strips on to the store, which does not change them, and then to another sink."""

    store: Store
    sink: Sink

    def write(self, strip: Strip) -> None:
        self.store.write(strip)
        self.sink.write(strip)


def find_missing(scene: Scene, coverage: Coverage, regions: Sequence[Region], kept: Sequence[Window]) -> list[Region]:
    """Return the parts of some regions of which no strips are kept; see `pieces_of`."""
    pieces = [piece for region in regions for piece in pieces_of(region, coverage, corner_of(scene), kept)]
    return [piece for piece in pieces if isinstance(piece, Region)]


def kept_items(scene: Scene, coverage: Coverage, regions: Sequence[Region], store: Store, sink: Sink) -> Iterator[Item]:
    """Yield what passes the network for some regions: strips that are kept, and windows where there are none.

    Strips that are damaged are computed again; what is computed is kept, too.

    Args:
        scene: The open scene.
        coverage: How windows cover it.
        regions: Parts of it.
        store: What keeps strips.
        sink: Takes all strips, those of one region from top to bottom.
    """
    kept = store.windows()
    missing = sum(one.window_count for one in find_missing(scene, coverage, regions, kept))
    done = share_done(missing, regions)
    rate = (1 - done) / max(1, missing)
    for region in regions:
        for piece in pieces_of(region, coverage, corner_of(scene), kept):
            if isinstance(piece, Region):
                part = piece
            elif store.is_whole(piece):
                yield KeptItem(done, store, piece, sink)
                continue
            else:
                first = piece.row_off + scene.frame.row_off
                part = Region(coverage.rows.section(first, first + piece.height), region.cols)
            end = min(1.0, done + rate * part.window_count)
            yield from region_items(scene, coverage, part, _Both(store, sink), (done, end))
            done = end


def share_done(missing: int, regions: Sequence[Region]) -> float:
    """Return about which share of the windows of some regions is through, where so many are not, 0 to 1."""
    return max(0.0, 1 - missing / max(1, sum(region.window_count for region in regions)))


def corner_of(scene: Scene) -> tuple[int, int]:
    """Return the row and column of the scene at which its map begins."""
    return scene.frame.row_off, scene.frame.col_off

"""Where windows lie on a scene, and in which parts it is worked on."""

from __future__ import annotations

from ....models.catalog import network_side, smallest_tile
from ...contract.events import Report
from ...contract.stages.prediction_parts.windows import GoesByWindows
from .opinions.predictor import Predictor
from .scenes.scene import Scene
from .windows.covering import Cover, Coverage, Region

# Wide rasters are worked on in regions of so many columns, or so many windows where these are large, so that memory
# does not grow with the width either.
_REGION_COLUMNS = 8192
_REGION_WINDOWS = 4


def find_window_size(asked: int, predictor: Predictor, report: Report) -> int:
    """Return the side of the windows in pixels: what is asked for as far as the networks can take it.

    Args:
        asked: The TILE_SIZE; 0 stands for that of the first card.
        predictor: What answers.
        report: Hears where it is another one.
    """
    wanted = asked or predictor.cards[0].tile_size
    rounded = max(network_side(wanted), *(smallest_tile(one.architecture) for one in predictor.cards))
    size = predictor.fixed_size or rounded
    if size != wanted:
        report.note(f"Windows of {size} pixels are used, since the network cannot take {wanted}")
    return size


def place_windows(scene: Scene, size: int, request: GoesByWindows) -> tuple[Coverage, list[Region]]:
    """Return how windows cover a scene, and the regions in which it is to be mapped.

    Windows lie on the whole scene, whatever part of it is mapped, so that a part of a map is as in the whole one.
    Regions make up that part from left to right; their blending takes bounded memory.

    Args:
        scene: What is to be mapped.
        size: Side of the windows in pixels.
        request: How much they overlap, and how they are blended.
    """
    grid, frame, overlap = scene.grid, scene.frame, request.overlap / 100
    rows, cols = (Cover.of(length, size, overlap) for length in (grid.height, grid.width))
    most = max(_REGION_COLUMNS, _REGION_WINDOWS * size)
    mapped_rows = rows.section(frame.row_off, frame.row_off + frame.height)
    mapped_cols = cols.sections(frame.col_off, frame.col_off + frame.width, most)
    return Coverage(rows, cols, request.blending), [Region(mapped_rows, section) for section in mapped_cols]

"""How a virtual mosaic refers to its rasters: by their paths, or by virtual rasters of their own that resample them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET  # nosec B405 - it writes here, and reads nothing

import rasterio.shutil
from rasterio.io import MemoryFile
from rasterio.windows import Window

from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.imagery import FIRST, MosaicRasters
from ...raster import alpha_bands, open_raster
from ..view import view_on_grid
from ..writing import Plan
from .frame import Placed
from .sources import Source

_END = "</VRTDataset>"


@dataclass(frozen=True)
class Reference:
    """How a virtual raster refers to a raster.

    Attributes:
        source: The raster.
        name: Its path, or the XML of a virtual raster that resamples it.
        window: Where it lies in the mosaic.
        size: Width and height of what `name` is, in pixels.
        block: Height and width of its blocks.
        nodatavals: The nodata value of each of its bands.
        has_mask: Whether it has an alpha or a mask band.
        is_relative: Whether the path starts from the folder of the virtual raster.
    """

    source: Source
    name: str
    window: Window
    size: tuple[int, int]
    block: tuple[int, int]
    nodatavals: tuple[float | None, ...]
    has_mask: bool
    is_relative: bool = False


def refer_all(plan: Plan, request: MosaicRasters, placed: Sequence[Placed], report: Report) -> list[Reference]:
    """Return how a virtual mosaic refers to its rasters, the lowest first.

    Args:
        plan: The mosaic.
        request: Says where it is written, and whether the first or the last raster is on top.
        placed: The rasters, in order.
        report: Hears of the progress.

    Raises:
        InputError: A raster cannot be opened any more.
    """
    placed = placed[::-1] if request.method == FIRST else placed
    below, above = [], []
    for number, one in enumerate(placed):
        stop_if_cancelled(report)
        if one.is_direct:
            above.append(_refer_directly(one, request))
        else:
            # Stretched, it lies below all others too, and shows in the hairlines that rounding leaves between them.
            below.append(_refer_resampled(one, plan, request, stretched=True))
            above.append(_refer_resampled(one, plan, request))
        report.progress((number + 1) / len(placed), "Writing the virtual raster")
    return below + above


def _refer_directly(placed: Placed, request: MosaicRasters) -> Reference:
    source, window = placed.source, placed.window
    name, is_relative = _relative(source.path, request.output)
    size, has_mask = (int(window.width), int(window.height)), source.heeds_alpha or source.has_mask
    return Reference(source, name, window, size, source.block, source.nodatavals, has_mask, is_relative=is_relative)


def _refer_resampled(placed: Placed, plan: Plan, request: MosaicRasters, *, stretched: bool = False) -> Reference:
    source, part = placed.source, plan.grid.part(placed.window)
    path = str(Path(source.path).absolute()) if Path(source.path).exists() else source.path
    with open_raster(path) as dataset, view_on_grid(dataset, part, request.resampling, stretched=stretched) as view:
        with MemoryFile(ext=".vrt") as memory:
            rasterio.shutil.copy(view.pixels, memory.name, driver="VRT")
            text = memory.read().decode()
        block, nodatavals, alpha = view.pixels.block_shapes[0], view.pixels.nodatavals, alpha_bands(view.pixels)
    if alpha:
        text = _mask_by_alpha(text, alpha[0])
    return Reference(source, text, placed.window, (part.width, part.height), block, nodatavals, has_mask=bool(alpha))


def _mask_by_alpha(text: str, alpha: int) -> str:
    """Return the XML of a virtual raster with a mask made of its alpha band, which GDAL heeds in few places alone."""
    mask = ET.Element("MaskBand")
    source = ET.SubElement(ET.SubElement(mask, "VRTRasterBand", dataType="Byte"), "SimpleSource")
    ET.SubElement(source, "SourceFilename", relativeToVRT="0").text = text
    ET.SubElement(source, "SourceBand").text = str(alpha)
    return text.rstrip().removesuffix(_END) + ET.tostring(mask, encoding="unicode") + _END


def _relative(path: str, output: str) -> tuple[str, bool]:
    """Return a path as seen from the folder of the output, and whether it can be; on another drive it cannot."""
    file = Path(path)
    if not file.exists():
        return path, False
    folder = Path(output).absolute().parent.resolve()
    try:
        return Path(os.path.relpath(file.parent.resolve() / file.name, folder)).as_posix(), True
    except ValueError:
        return str(file.absolute()), False

"""Mosaics as virtual rasters (.vrt): a small file that points at the rasters.

GDAL draws them one over the other, the last one on top, and tells band by band where data are missing; in written
mosaics that is told of whole pixels where nodata is 0 or values have 8 bits.

Source: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET  # nosec B405 - it writes here, and reads nothing

from rasterio.dtypes import dtype_rev, typename_fwd
from rasterio.enums import ColorInterp

from ....contract.errors import InputError
from ....contract.events import Report
from ....contract.stages.imagery import MosaicRasters
from ...output import whole_file
from ...style import category_names, write_raster_style
from ..tags import Domains
from ..writing import BandNotes, Plan
from .frame import Placed
from .references import Reference, refer_all


def write_virtual(plan: Plan, request: MosaicRasters, placed: Sequence[Placed], report: Report) -> None:
    """Write a mosaic as virtual raster, with paths relative to it where that is possible.

    Rasters on another grid are resampled by virtual rasters of their own, within the same file.

    Args:
        plan: What it says of itself.
        request: Says where to write it, and whether the first or the last raster is on top.
        placed: The rasters, in order.
        report: Hears of the progress.

    Raises:
        InputError: A raster cannot be opened any more, or has transparency that GDAL would not show.
        OutputError: The file cannot be written.
    """
    _tell_limits(plan, placed, report)
    references = refer_all(plan, request, placed, report)
    root = _describe(plan)
    for number, notes in enumerate(plan.bands, start=1):
        element = _describe_band(plan, number, notes)
        element.extend(_refer_band(one, number, plan) for one in references)
        root.append(element)
    if plan.masked:
        mask = ET.SubElement(ET.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
        mask.extend(_refer_mask(one) for one in references)
    with whole_file(request.output, report) as path:
        ET.ElementTree(root).write(path, encoding="utf-8")
        if plan.classes is not None:
            write_raster_style(path, plan.classes)


def _tell_limits(plan: Plan, placed: Sequence[Placed], report: Report) -> None:
    """Refuse or tell what a virtual raster cannot show as a written mosaic does."""
    sources = [one.source for one in placed]
    unheeded = [one.source.path for one in placed if one.is_direct and one.source.has_alpha > one.source.heeds_alpha]
    if unheeded and len(sources) > 1:
        raise InputError(
            f"A virtual raster would not heed the alpha band of {unheeded[0]}: it is not the last of 2 or 4 bands, or "
            "stands beside a nodata value.", "Write a .tif.",
        )  # fmt: skip
    if plan.nodata is None:
        return
    if len(plan.bands) > 1 and len(sources) > 1 and not all(source.by_band for source in sources):
        report.note("Where a band has the nodata value, a virtual raster shows that band of the raster below.")
    if plan.nodata_is_new:
        report.warn(
            f"Pixels with data that have the value {plan.nodata:g} now count as pixels without data. Whether there are "
            "such is not checked for a virtual raster."
        )


def _describe(plan: Plan) -> ET.Element:
    grid = plan.grid
    root = ET.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    if grid.crs is not None:
        ET.SubElement(root, "SRS").text = grid.crs.to_wkt()
    ET.SubElement(root, "GeoTransform").text = ", ".join(repr(value) for value in grid.transform.to_gdal())
    _add_tags(root, plan.tags, plan.domains)
    return root


def _describe_band(plan: Plan, number: int, notes: BandNotes) -> ET.Element:
    band = ET.Element("VRTRasterBand", dataType=_type_name(plan.dtype), band=str(number))
    _add_tags(band, notes.tags, notes.domains)
    colours = plan.colours if number == 1 else None
    meaning = ColorInterp.palette if colours is not None else notes.meaning
    texts = {
        "Description": notes.name, "UnitType": notes.unit,
        "Offset": repr(notes.offset) if notes.offset != 0 else None,
        "Scale": repr(notes.scale) if notes.scale != 1 else None,
        "NoDataValue": _number(plan.nodata) if plan.nodata is not None else None,
        "ColorInterp": meaning.name.capitalize(),
    }  # fmt: skip
    for tag, text in texts.items():
        if text:
            ET.SubElement(band, tag).text = text
    if colours is not None:
        table = ET.SubElement(band, "ColorTable")
        for value in range(max(colours) + 1):
            colour = colours.get(value, (0, 0, 0, 0))
            ET.SubElement(table, "Entry", {f"c{at}": str(part) for at, part in enumerate(colour, start=1)})
    names = category_names(plan.classes) if plan.classes is not None else None
    if names is not None:
        band.append(names)
    return band


def _refer_band(one: Reference, number: int, plan: Plan) -> ET.Element:
    band = one.source.bands_with_alpha(plan.alpha_band)[number - 1]
    dtype = one.source.dtypes[band - 1]
    is_alpha = number == plan.alpha_band
    by_mask = one.has_mask and not is_alpha  # which GDAL would not heed beside nodata
    hidden = None if by_mask else 0.0 if is_alpha else _hidden_value(one, band, plan)
    element = ET.Element("ComplexSource" if by_mask or hidden is not None else "SimpleSource")
    _add_place(element, one, str(band), dtype)
    if by_mask:
        ET.SubElement(element, "UseMaskBand").text = "true"
    elif hidden is not None:
        ET.SubElement(element, "NODATA").text = _number(hidden)
    return element


def _hidden_value(one: Reference, band: int, plan: Plan) -> float | None:
    """Return the value of a band that lets see through to the rasters below."""
    value = one.nodatavals[band - 1]
    return float("nan") if value is None and plan.dtype.startswith("float") else value


def _refer_mask(one: Reference) -> ET.Element:
    element = ET.Element("ComplexSource")
    _add_place(element, one, "mask,1", "uint8")
    ET.SubElement(element, "NODATA").text = "0"
    return element


def _add_place(element: ET.Element, one: Reference, band: str, dtype: str) -> None:
    width, height = (str(side) for side in one.size)
    file = ET.SubElement(element, "SourceFilename", relativeToVRT=str(int(one.is_relative)))
    file.text = one.name
    ET.SubElement(element, "SourceBand").text = band
    ET.SubElement(
        element, "SourceProperties", RasterXSize=width, RasterYSize=height, DataType=_type_name(dtype),
        BlockXSize=str(one.block[1]), BlockYSize=str(one.block[0]),
    )  # fmt: skip
    ET.SubElement(element, "SrcRect", xOff="0", yOff="0", xSize=width, ySize=height)
    left, top = str(int(one.window.col_off)), str(int(one.window.row_off))
    ET.SubElement(element, "DstRect", xOff=left, yOff=top, xSize=width, ySize=height)


def _add_tags(element: ET.Element, tags: Mapping[str, str], domains: Domains) -> None:
    for name, texts in (("", tags), *domains.items()):
        metadata = ET.SubElement(element, "Metadata", {"domain": name} if name else {})
        for key, text in texts.items():
            ET.SubElement(metadata, "MDI", key=key).text = text


def _type_name(dtype: str) -> str:
    return str(typename_fwd[dtype_rev[dtype]])


def _number(value: float) -> str:
    return f"{value:.17g}"

"""The one definition of how results look in QGIS: style files (.qml) and class names that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET  # nosec B405 - it writes here, and reads nothing

from ..contract.classes import ClassTable

STYLE_SUFFIX = ".qml"
SPLIT_COLOURS = {"train": "#0072b2", "validation": "#e69f00", "test": "#009e73", "unused": "#999999"}
SEVERITY_COLOURS = {"error": "#d55e00", "warning": "#e69f00", "note": "#0072b2"}
# None of them is one of a split.
FOLD_COLOURS = ("#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#332288", "#882255", "#44aa99", "#ddcc77")
# Viridis (Smith and van der Walt, matplotlib), which most colour-blind people can read, at 0, 1/4, 1/2, 3/4 and 1.
_SHARE_COLOURS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
_SPLIT_FIELD = "split"
_SEVERITY_FIELD = "severity"
_MOST_CATEGORY_NAMES = 256


def write_raster_style(path: Path, classes: ClassTable) -> Path:
    """Write a paletted style with names and colours beside a class raster and return its path."""
    root = _qgis_element()
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"), "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1",
        nodataColor="",
    )  # fmt: skip
    ET.SubElement(renderer, "rasterTransparency")
    palette = ET.SubElement(renderer, "colorPalette")
    for one in classes:
        ET.SubElement(palette, "paletteEntry", value=str(one.value), color=one.colour, alpha="255", label=one.name)
    return _write_style(root, path)


def write_share_style(path: Path, band: int) -> Path:
    """Write a style with a colour ramp from 0 to 1 for one band beside a raster of shares and return its path."""
    root = _qgis_element()
    renderer = ET.SubElement(
        ET.SubElement(root, "pipe"), "rasterrenderer", type="singlebandpseudocolor", band=str(band), opacity="1",
        alphaBand="-1", nodataColor="", classificationMin="0", classificationMax="1",
    )  # fmt: skip
    ET.SubElement(renderer, "rasterTransparency")
    shader = ET.SubElement(
        ET.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="1", clip="0", minimumValue="0", maximumValue="1",
    )  # fmt: skip
    for number, colour in enumerate(_SHARE_COLOURS):
        value = f"{number / (len(_SHARE_COLOURS) - 1):g}"
        ET.SubElement(shader, "item", value=value, color=colour, alpha="255", label=value)
    return _write_style(root, path)


def write_category_names(path: Path, classes: ClassTable) -> Path | None:
    """Write the class names where GDAL looks for them (.aux.xml beside the raster) and return its path."""
    categories = category_names(classes)
    if categories is None:
        return None
    root = ET.Element("PAMDataset")
    ET.SubElement(root, "PAMRasterBand", band="1").append(categories)
    target = path.with_name(path.name + ".aux.xml")
    ET.ElementTree(root).write(target, encoding="utf-8")
    return target


def category_names(classes: ClassTable) -> ET.Element | None:
    """Return the class names as GDAL states them in the XML of a band.

    GDAL numbers the names from 0 without gaps, so there are none where a class value is 256 or more.
    """
    if not classes.values or max(classes.values) >= _MOST_CATEGORY_NAMES:
        return None
    names = dict(zip(classes.values, classes.names, strict=True))
    categories = ET.Element("CategoryNames")
    for value in range(max(classes.values) + 1):
        ET.SubElement(categories, "Category").text = names.get(value, "")
    return categories


def write_polygon_style(path: Path, classes: ClassTable, field: str, *, by_name: bool = False) -> Path:
    """Write a categorised style beside a polygon layer and return its path.

    Args:
        path: The vector file.
        classes: Names and colours.
        field: The attribute that holds the class value or, with `by_name`, the class name.
        by_name: Whether the attribute holds names.
    """
    categories = [(one.name if by_name else str(one.value), one.name, one.colour) for one in classes]
    return _write_categories(path, field, categories, fill_opacity=0.6)


def write_split_style(path: Path) -> Path:
    """Write the style of tile footprints, coloured by split, beside the layer and return its path."""
    categories = [(split, split, colour) for split, colour in SPLIT_COLOURS.items()]
    return _write_categories(path, _SPLIT_FIELD, categories, fill_opacity=0.25)


def write_severity_style(path: Path) -> Path:
    """Write the style of tiles with findings, coloured by severity, beside the layer and return its path."""
    categories = [(severity, severity, colour) for severity, colour in SEVERITY_COLOURS.items()]
    return _write_categories(path, _SEVERITY_FIELD, categories, fill_opacity=0.25)


def write_fold_style(path: Path, count: int) -> Path:
    """Write the style of tile footprints, coloured by fold (0 to `count` - 1, or -1 for none), and return its path."""
    colours = islice(cycle(FOLD_COLOURS), count)
    categories = [(str(fold), f"fold {fold}", colour) for fold, colour in enumerate(colours)]
    return _write_categories(path, "fold", [*categories, ("-1", "no fold", SPLIT_COLOURS["unused"])], fill_opacity=0.25)


def is_style_of(style: Path, name: str) -> bool:
    """Tell whether GeoSeg wrote a style file for the data file of that name, and nobody saved another since."""
    return _mark(name) in style.read_text(encoding="utf-8", errors="replace")


def _mark(name: str) -> str:
    return f"<!-- GeoSeg: {quote(name).replace('-', '%2D')} -->\n"  # XML allows no "--" in comments


def _write_categories(path: Path, field: str, categories: Iterable[tuple[str, str, str]], fill_opacity: float) -> Path:
    root = _qgis_element()
    renderer = ET.SubElement(root, "renderer-v2", type="categorizedSymbol", attr=field, enableorderby="0")
    listing, symbols = ET.SubElement(renderer, "categories"), ET.SubElement(renderer, "symbols")
    for number, (value, label, colour) in enumerate(categories):
        ET.SubElement(listing, "category", value=value, symbol=str(number), label=label, render="true", type="string")
        _add_fill(symbols, str(number), colour, fill_opacity)
    return _write_style(root, path)


def _add_fill(symbols: ET.Element, name: str, colour: str, opacity: float) -> None:
    rgb = ",".join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))
    properties = {
        "color": f"{rgb},{round(255 * opacity)}",
        "outline_color": f"{rgb},255",
        "outline_width": "0.3",
        "outline_style": "solid",
        "style": "solid",
    }
    symbol = ET.SubElement(symbols, "symbol", type="fill", name=name, alpha="1", clip_to_extent="1")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in properties.items():
        ET.SubElement(options, "Option", type="QString", name=key, value=value)
        ET.SubElement(layer, "prop", k=key, v=value)  # QGIS before 3.26 reads these


def _qgis_element() -> ET.Element:
    return ET.Element("qgis", version="3.22.0", styleCategories="Symbology")


def _write_style(root: ET.Element, path: Path) -> Path:
    target = path.with_suffix(STYLE_SUFFIX)
    ET.indent(root)
    doctype = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    target.write_text(doctype + _mark(path.name) + ET.tostring(root, encoding="unicode"), encoding="utf-8")
    return target

"""Reading and writing vector layers: features as shapely geometries and columns as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError
from pyproj import Transformer
from rasterio.crs import CRS

from ..contract.errors import InputError, OutputError
from ..contract.fields import VECTOR_FORMATS
from .grid import read_crs, same_crs

_WHOLE_SHAPEFILE = "A shapefile needs its .shp, .shx, .dbf and .prj together: copy or download them all again."
_SHP_HEADER_BYTES = 100
_LAYER_OPTIONS = {"GeoJSON": {"COORDINATE_PRECISION": "15"}}
# A later version makes the GDAL of older QGIS warn.
_DATASET_OPTIONS = {"GPKG": {"VERSION": "1.2"}}


@dataclass(frozen=True)
class Features:
    """A vector layer in memory.

    Attributes:
        source: Where it was read from, for messages.
        name: Name of the layer in its file.
        crs: Its CRS, None without.
        geometries: Shapely geometries in two dimensions, None where a feature has none, in the order of the layer.
        columns: The attributes that were asked for, each as long as `geometries`.
    """

    source: str
    name: str
    crs: CRS | None
    geometries: NDArray[Any]
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.geometries)


def read_features(source: str, columns: Sequence[str] = ()) -> Features:
    """Read a layer.

    Args:
        source: path, path|layername=NAME or path|layerid=NUMBER; the layer may be left out where there is only one.
        columns: Names of the attributes wanted.

    Raises:
        InputError: The file cannot be read, has no such layer or attribute, or holds no geometries at all.
    """
    path, layer = _locate(source)
    _check_columns(source, path, layer, columns)
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            meta, _, wkb, read = pyogrio.raw.read(path, layer=layer, columns=list(columns), force_2d=True)
            geometries = shapely.from_wkb(wkb)
    except (DataSourceError, DataLayerError, FieldError, shapely.errors.GEOSException, ValueError) as error:
        raise InputError(f"The layer {source} cannot be read: {_sentence(error)}.", _fix(path)) from error
    for warning in heard:
        if "error" in str(warning.message).lower():
            raise InputError(f"The layer {source} cannot be read: {_sentence(warning.message)}.", _fix(path))
    crs = read_crs(meta["crs"]) if meta["crs"] else None
    return Features(source, layer, crs, geometries, dict(zip(meta["fields"], read, strict=True)))


def is_vector(source: str) -> bool:
    """Tell whether a path is a vector layer rather than a raster, as far as GDAL can open it as one."""
    if "|" in source or Path(source).suffix.lower() in VECTOR_FORMATS:
        return True
    try:
        return len(pyogrio.list_layers(source)) > 0
    except DataSourceError:
        return False


def write_features(
    path: Path,
    geometries: Sequence[Any] | NDArray[Any],
    columns: Mapping[str, NDArray[Any]],
    crs: CRS | None,
    *,
    geometry_type: str,
    layer: str | None = None,
    append: bool = False,
) -> None:
    """Write a layer, or add to one; the suffix of the path chooses the format.

    Args:
        path: The file; its suffix is one of VECTOR_FORMATS.
        geometries: Shapely geometries.
        columns: Attributes by name, each as long as `geometries`.
        crs: CRS of the geometries, None without.
        geometry_type: As OGR names it: Polygon, MultiPolygon, ...
        layer: Name of the layer; by default the name of the file.
        append: Whether the layer is there already, with these columns, and gets more features.

    Raises:
        OutputError: It cannot be written: the disk is full, say.
    """
    driver = VECTOR_FORMATS[path.suffix.lower()]
    options = {"layer": layer} if driver == "GPKG" and layer else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyogrio warns of a missing CRS, which is as it should be here
        warnings.filterwarnings("ignore", "Normalized/laundered", RuntimeWarning)  # shapefiles cut names to 10 letters
        try:
            pyogrio.raw.write(
                path,
                shapely.to_wkb(np.asarray(geometries, dtype=object)),
                list(columns.values()),
                list(columns),
                driver=driver,
                geometry_type=geometry_type,
                crs=crs.to_wkt() if crs else None,
                encoding="UTF-8",
                append=append,
                layer_options=None if append else _LAYER_OPTIONS.get(driver),
                dataset_options=None if append else _DATASET_OPTIONS.get(driver),
                **options,
            )
        except (DataSourceError, DataLayerError, FeatureError) as error:
            raise OutputError(
                f"The layer {path.name} could not be written: {_sentence(error)[:200]}.",
                "Check that the disk has room, or choose another folder.",
            ) from error


def reproject(geometries: NDArray[Any], source: CRS | None, target: CRS | None) -> NDArray[Any]:
    """Return the geometries (x, y; None stays None) in another CRS; unchanged where either is missing or both are one.

    Coordinates that have no place in the target become infinite.
    """
    if source is None or target is None or same_crs(source, target):
        return geometries
    transformer = Transformer.from_crs(source.to_wkt(), target.to_wkt(), always_xy=True)

    def forward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    moved: NDArray[Any] = shapely.transform(geometries, forward)
    return moved


def _locate(source: str) -> tuple[str, str]:
    path, *options = source.split("|")
    _check_file(path)
    chosen = dict(option.partition("=")[::2] for option in options)
    unknown = set(chosen) - {"layername", "layerid"}
    if unknown:
        raise InputError(
            f"The layer {source} has the option {sorted(unknown)[0]}, which is not known.",
            "Save the layer as a GeoPackage and use that.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = [str(name) for name, geometry_type in pyogrio.list_layers(path) if geometry_type is not None]
    except DataSourceError as error:
        raise InputError(f"The layer {path} cannot be opened: {_sentence(error)}.", _fix(path)) from error
    if not names:
        raise InputError(f"{path} holds no layer with geometries.", "Choose a layer of polygons, lines or points.")
    return path, _choose(path, names, chosen)


def _check_file(path: str) -> None:
    """Find what pyogrio would misread: a path that looks like one into an archive, and a shapefile cut short."""
    file = Path(path)
    if "!" in path and file.exists():
        raise InputError(f"The path {path} has an exclamation mark, which cannot be read.", "Rename the file.")
    if file.suffix.lower() != ".shp" or not file.is_file():
        return
    with file.open("rb") as stream:
        header = stream.read(_SHP_HEADER_BYTES)
    stated = 2 * int.from_bytes(header[24:28], "big")  # in 16-bit words (ESRI Shapefile Technical Description, 1998)
    if len(header) < _SHP_HEADER_BYTES or stated > file.stat().st_size:
        raise InputError(
            f"The shapefile {path} is cut short: {file.stat().st_size} bytes of {stated}.", _WHOLE_SHAPEFILE
        )


def _choose(path: str, names: Sequence[str], chosen: Mapping[str, str]) -> str:
    listing = ", ".join(names)
    if "layername" in chosen:
        if chosen["layername"] not in names:
            raise InputError(f"{path} has no layer '{chosen['layername']}'.", f"Its layers are: {listing}.")
        return chosen["layername"]
    if "layerid" in chosen and chosen["layerid"].isdigit() and int(chosen["layerid"]) < len(names):
        return names[int(chosen["layerid"])]
    if len(names) > 1 or "layerid" in chosen:
        raise InputError(
            f"{path} has {len(names)} layers: {listing}.", f"Name one of them: {path}|layername={names[0]}."
        )
    return names[0]


def _check_columns(source: str, path: str, layer: str, columns: Sequence[str]) -> None:
    known = [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]
    for name in columns:
        if name not in known:
            listing = f"Its fields are: {', '.join(known)}." if known else "It has no fields: leave FIELD empty."
            raise InputError(f"The layer {source} has no field '{name}'.", listing)


def _fix(path: str) -> str:
    if path.lower().endswith(".shp"):
        return _WHOLE_SHAPEFILE
    return "Check that the file exists, is complete, and is a vector layer that GDAL reads."


def _sentence(error: object) -> str:
    return str(error).splitlines()[0].split("; It might help")[0].rstrip(".")

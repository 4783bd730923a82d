"""How a stage declares, once, what it asks for and what it gives back."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Optional, Tuple

from .errors import RequestError


class Kind(str, Enum):
    """What a value is. The plain value that crosses between the Pythons stands behind each kind."""

    RASTER = "raster"  # str: anything that GDAL opens (path, /vsi path, subdataset)
    VECTOR = "vector"  # str: path, or path|layername=NAME
    LAYERS = "layers"  # tuple of str: rasters, vectors, both (where `accepts` is "any") or files
    FIELD = "field"  # str: attribute name of the vector named by `parent`
    EXTENT = "extent"  # str: "xmin,xmax,ymin,ymax [CRS]", CRS as AUTHORITY:CODE or WKT
    NUMBER = "number"  # int or float
    CHOICE = "choice"  # str: one of `choices`
    FLAG = "flag"  # bool
    TEXT = "text"  # str
    FILE = "file"  # str: path of an existing file
    FOLDER = "folder"  # str: path of an existing folder
    RASTER_OUT = "raster_out"  # str: path to write
    VECTOR_OUT = "vector_out"  # str: path to write
    FILE_OUT = "file_out"  # str: path to write
    FOLDER_OUT = "folder_out"  # str: path of a folder to make


RASTER_SUFFIXES = (".tif", ".tiff")
VRT_SUFFIX = ".vrt"  # of virtual rasters, which some stages write
VECTOR_FORMATS = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON"}  # suffix: GDAL's driver
_SUFFIXES = {Kind.RASTER_OUT: RASTER_SUFFIXES, Kind.VECTOR_OUT: tuple(VECTOR_FORMATS)}
_NO_DISK = "/vsi"  # begins the names of GDAL's virtual file systems
OUTPUT_KINDS = frozenset({Kind.RASTER_OUT, Kind.VECTOR_OUT, Kind.FILE_OUT, Kind.FOLDER_OUT})
PATH_KINDS = OUTPUT_KINDS | {Kind.RASTER, Kind.VECTOR, Kind.LAYERS, Kind.FILE, Kind.FOLDER}

_EXTENT = re.compile(r"^\s*([^,\[\]]+),([^,\[\]]+),([^,\[\]]+),([^,\[\]]+?)\s*(?:\[(.+)\])?\s*$", re.DOTALL)


@dataclass(frozen=True)
class Extent:
    """A rectangle in map units. `crs` is AUTHORITY:CODE or WKT; empty means the CRS of the raster it is used on."""

    xmin: float
    xmax: float
    ymin: float
    ymax: float
    crs: str = ""

    @classmethod
    def parse(cls, text: str) -> Extent:
        """Read "xmin,xmax,ymin,ymax [CRS]", the form that QGIS uses.

        Raises:
            RequestError: The text has another form, a value is no finite number, or a side is not longer than 0.
        """
        match = _EXTENT.match(text)
        try:
            sides = [float(part) for part in match.groups()[:4]] if match else []
        except ValueError:
            sides = []
        if match is None or not sides or not all(math.isfinite(side) for side in sides):
            raise RequestError(f"The extent '{text}' cannot be read.", "Write it as xmin,xmax,ymin,ymax [EPSG:code].")
        if sides[0] >= sides[1] or sides[2] >= sides[3]:
            raise RequestError(
                f"The extent '{text}' is empty.", "Give xmin < xmax and ymin < ymax, in the order xmin,xmax,ymin,ymax."
            )
        return cls(sides[0], sides[1], sides[2], sides[3], (match.group(5) or "").strip())


@dataclass(frozen=True)
class Field:
    """One declared parameter or result of a stage.

    Attributes:
        kind: What the value is.
        label: Short name shown in dialogs.
        help: One or two sentences for the tooltip, the help page and the command line.
        name: Attribute name in the dataclass; upper-case it is the Processing parameter name.
        optional: Whether it may be left out (the value is then None, or () for LAYERS).
        default: The value used when none is given.
        unit: Unit of a number, for labels.
        minimum: Smallest allowed number, inclusive.
        maximum: Largest allowed number, inclusive.
        integer: Whether a number must be whole.
        choices: Allowed values of a CHOICE.
        notes: What is to know of each of them, empty texts where nothing; () where there is nothing at all.
        parent: Name of the VECTOR field that a FIELD belongs to.
        advanced: Whether dialogs hide it at first.
        accepts: For LAYERS "raster", "vector", "any" or "file".
        suffixes: File suffixes of FILE, FILE_OUT and LAYERS of files, the preferred one first, each with its dot.
    """

    kind: Kind
    label: str
    help: str
    name: str = ""
    optional: bool = False
    default: Any = None
    unit: str = ""
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    integer: bool = False
    choices: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()
    parent: str = ""
    advanced: bool = False
    accepts: str = "raster"
    suffixes: Tuple[str, ...] = ()

    @property
    def parameter(self) -> str:
        """The name in QGIS (TILE_SIZE)."""
        return self.name.upper()

    @property
    def option(self) -> str:
        """The name on the command line (--tile-size)."""
        return "--" + self.name.replace("_", "-")

    @property
    def noted_choices(self) -> Tuple[Tuple[str, str], ...]:
        """The choices of which something is to know, with it."""
        return tuple((self.choices[number], note) for number, note in enumerate(self.notes) if note)

    @property
    def accepted_suffixes(self) -> Tuple[str, ...]:
        """The suffixes of which a path must have one, the preferred one first; none where any will do."""
        return self.suffixes or _SUFFIXES.get(self.kind, ())

    def clean(self, value: Any) -> Any:
        """Return the value in its plain type.

        Raises:
            RequestError: It is missing, of the wrong type, out of range, or not among the choices.
        """
        if value is None or value == "" or (self.kind is Kind.LAYERS and len(value) == 0):
            if not self.optional:
                raise RequestError(f"{self.parameter} ({self.label}) is missing.", "Give a value for it.")
            return () if self.kind is Kind.LAYERS else None
        if self.kind is Kind.LAYERS:
            return self._clean_list(value)
        if self.kind is Kind.NUMBER:
            return self._clean_number(value)
        if self.kind is Kind.FLAG:
            return self._clean_flag(value)
        if not isinstance(value, str):
            raise RequestError(f"{self.parameter} must be text, not {value!r}.")
        if self.kind is Kind.CHOICE and value not in self.choices:
            raise RequestError(
                f"{self.parameter} is '{value}', which is not known.", f"Choose one of: {', '.join(self.choices)}."
            )
        if self.kind is Kind.EXTENT:
            Extent.parse(value)
        self._check_path(value)
        return value

    def _clean_list(self, value: Any) -> Tuple[str, ...]:
        items = (value,) if isinstance(value, str) else tuple(str(item) for item in value)
        for item in items:
            self._check_path(item)
        return items

    def _check_path(self, value: str) -> None:
        suffixes = self.accepted_suffixes
        if suffixes and not value.lower().endswith(suffixes):
            raise RequestError(f"{self.parameter} is '{value}'; its name must end in {' or '.join(suffixes)}.")
        if self.kind in OUTPUT_KINDS and value.startswith(_NO_DISK):
            raise RequestError(f"{self.parameter} is '{value}', which is no place on a disk.", "Give a path of a file.")

    def _clean_number(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise RequestError(f"{self.parameter} must be a number, not {value!r}.") from None
        if not math.isfinite(number) or (self.integer and number != int(number)):
            raise RequestError(f"{self.parameter} must be a {'whole ' * self.integer}number, not {value!r}.")
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise RequestError(f"{self.parameter} is {value}, outside its range {self.range_text()}.")
        return int(number) if self.integer else number

    def _clean_flag(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in ("true", "1", "yes"):
            return True
        if text in ("false", "0", "no"):
            return False
        raise RequestError(f"{self.parameter} must be true or false, not {value!r}.")

    def range_text(self) -> str:
        """Return the allowed range in words, or an empty text where there is none."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"{self.minimum:g} or more"
        return f"{self.maximum:g} or less" if self.maximum is not None else ""


def value_in_words(value: Any) -> str:
    """Return a plain value as people write it: "true", "0.2", "a.tif, b.tif", or "empty" where there is none."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(value_in_words, value)) or "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def ask(kind: Kind, label: str, help: str, *, default: Any = None, **options: Any) -> Any:
    """Declare a parameter of a stage; `options` are attributes of Field. Without default it must be given."""
    declared = Field(kind, label, help, default=default, **options)
    return dataclasses.field(default=default, metadata={"field": declared})


def give(kind: Kind, label: str, help: str) -> Any:
    """Declare a result of a stage. A result that was not asked for is None."""
    return dataclasses.field(default=None, metadata={"field": Field(kind, label, help, optional=True)})


def fields_of(declaration: Any) -> Tuple[Field, ...]:
    """Return the fields of a stage or result class, or instance, in the order of their declaration."""
    return _fields_of_class(declaration if isinstance(declaration, type) else type(declaration))


@lru_cache(maxsize=None)
def _fields_of_class(declaration: Any) -> Tuple[Field, ...]:
    return tuple(
        dataclasses.replace(field.metadata["field"], name=field.name) for field in dataclasses.fields(declaration)
    )

"""The rasters that a mosaic is made of: which they are, what their headers say, and whether they fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from ....contract.errors import InputError, RequestError
from ....contract.events import Report, stop_if_cancelled
from ....contract.fields import RASTER_SUFFIXES
from ....contract.stages.imagery import MosaicRasters
from ....contract.stages.stage import place_of
from ...class_raster import read_class_table
from ...grid import Grid, same_crs
from ...raster import image_bands, open_raster
from ..view import has_mask_band, holds_classes
from ..writing import common_dtype

_BESIDE_RASTERS = (".ovr", ".msk", ".aux.xml")


@dataclass(frozen=True)
class Source:
    """What the header of a raster says.

    Attributes:
        path: Where it lies.
        grid: Its grid.
        dtypes: The data type of each band.
        bands: The numbers of all bands but alpha.
        nodata: Its nodata value.
        has_alpha: Whether a band tells how transparent pixels are.
        has_mask: Whether a mask band tells which pixels have data.
        holds_classes: Whether its values are names rather than amounts.
        block: Height and width of the blocks in which its pixels are stored.
        legend: What its values and bands mean, for comparing: colours, classes and band names.
    """

    path: str
    grid: Grid
    dtypes: tuple[str, ...]
    bands: tuple[int, ...]
    nodata: float | None = None
    has_alpha: bool = False
    has_mask: bool = False
    holds_classes: bool = False
    block: tuple[int, int] = (1, 1)
    legend: tuple[object, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, dataset: DatasetReader, path: str) -> Source:
        """Return what an open raster says."""
        palette = dataset.colormap(1) if ColorInterp.palette in dataset.colorinterp else None
        bands = image_bands(dataset)
        names = tuple(dataset.descriptions[band - 1] for band in bands)
        return cls(
            path, Grid.of(dataset), dataset.dtypes, bands, dataset.nodata, len(bands) < dataset.count,
            has_mask_band(dataset), holds_classes(dataset),
            dataset.block_shapes[0], (palette, read_class_table(dataset), names),
        )  # fmt: skip

    @property
    def may_hide(self) -> bool:
        """Whether the raster can say of pixels that they have no data."""
        return self.nodata is not None or self.has_alpha or self.has_mask

    @property
    def is_partial(self) -> bool:
        """Whether values within the raster may be missing, be they said to be or no finite numbers."""
        return self.may_hide or any("float" in name for name in self.dtypes)


def find_paths(request: MosaicRasters) -> tuple[str, ...]:
    """Return the rasters that are asked for: INPUTS, or what PATTERN finds in FOLDER, by name.

    Files that GDAL keeps beside rasters (overviews, masks, .aux.xml) are passed over, others that are no rasters are
    left out by `read_sources`.

    Raises:
        RequestError: FOLDER or PATTERN is wrong, or OUTPUT is one of the files.
    """
    if not request.folder:
        return request.inputs
    folder = Path(request.folder)
    if not folder.is_dir():
        raise RequestError(f"FOLDER is {folder}, which is no folder.", "Give the folder that holds the rasters.")
    try:
        found = sorted(path for path in folder.glob(request.pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise RequestError(
            f"PATTERN is '{request.pattern}', which cannot be used: {error}.", "Write it like *.tif or **/*.tif."
        ) from error
    paths = tuple(str(path) for path in found if not path.name.lower().endswith(_BESIDE_RASTERS))
    if not paths:
        raise RequestError(f"{folder} has no file like '{request.pattern}'.", "Check FOLDER and PATTERN.")
    if place_of(request.output) in {place_of(path) for path in paths}:
        raise RequestError(
            f"OUTPUT would overwrite one of the rasters of FOLDER ({request.output}).", "Choose another file to write."
        )
    return paths


def read_sources(paths: Sequence[str], report: Report, *, from_folder: bool) -> tuple[Source, ...]:
    """Return what the headers say, one open file at a time.

    Args:
        paths: The rasters.
        report: Hears of the progress, and which files are left out.
        from_folder: Whether a pattern found the files; those that are no rasters, and not named like GeoTIFFs, are then
            left out with a warning.

    Raises:
        InputError: A raster cannot be opened.
    """
    sources, others = [], []
    for number, path in enumerate(paths):
        stop_if_cancelled(report)
        try:
            with open_raster(path) as dataset:
                sources.append(Source.of(dataset, path))
        except InputError:
            if not from_folder or path.lower().endswith(RASTER_SUFFIXES):
                raise
            others.append(path)
        report.progress((number + 1) / len(paths), "Reading headers")
    if others:
        report.warn(f"{len(others)} files are no rasters and are left out: {name_some(others)}.")
    if not sources:
        raise InputError(f"None of {len(paths)} files is a raster ({paths[0]}, ...).", "Check FOLDER and PATTERN.")
    return tuple(sources)


def check_sources(sources: Sequence[Source], report: Report) -> None:
    """Check that rasters fit together, and tell in what they differ.

    Raises:
        InputError: They have other numbers of bands, or only some have a CRS.
    """
    first = sources[0]
    for source in sources:
        if len(source.bands) != len(first.bands):
            raise InputError(
                f"{source.path} has {_count_bands(source)}, but {first.path} has {_count_bands(first)}.",
                "Leave one of them out, or give all the same bands (Stack bands).",
            )
    without = [source.path for source in sources if source.grid.crs is None]
    if without and len(without) < len(sources):
        raise InputError(
            f"{len(without)} of {len(sources)} rasters have no CRS: {name_some(without)}.", "Give them their CRS first."
        )
    if without and len(sources) > 1:
        report.warn("None of the rasters has a CRS: they are taken to lie in the same plane.")
    _tell_differences(sources, report)


def keeps_alpha(sources: Sequence[Source]) -> bool:
    """Tell whether all rasters have an alpha band; where only some have one, a mask stands for it."""
    return all(source.has_alpha for source in sources)


def mosaic_dtype(sources: Sequence[Source]) -> str:
    """Return the smallest data type that holds the pixels of all rasters."""
    return common_dtype([name for names in {source.dtypes for source in sources} for name in names])


def unique_crs(sources: Sequence[Source]) -> list[list[int]]:
    """Return the numbers of the sources in groups of one CRS each."""
    groups: list[list[int]] = []
    for number, source in enumerate(sources):
        for group in groups:
            if same_crs(sources[group[0]].grid.crs, source.grid.crs):
                group.append(number)
                break
        else:
            groups.append([number])
    return groups


def _tell_differences(sources: Sequence[Source], report: Report) -> None:
    first = sources[0]
    dtype = mosaic_dtype(sources)
    if any(set(source.dtypes) != {dtype} for source in sources):
        kinds = sorted({name for source in sources for name in source.dtypes})
        report.note(f"The rasters have the data types {', '.join(kinds)}; the mosaic has {dtype}.")
    if len({source.has_alpha for source in sources}) == 2:
        report.note("Some rasters have an alpha band and others none: a mask takes its place.")
    for at, what in enumerate(("colour tables", "classes", "band names")):
        other = [source.path for source in sources if source.legend[at] != first.legend[at]]
        if other:
            report.warn(
                f"{len(other)} rasters have other {what} than {first.path}, whose are taken: {name_some(other)}."
            )


def _count_bands(source: Source) -> str:
    return f"{len(source.bands)} band{'s' * (len(source.bands) != 1)}{' and alpha' * source.has_alpha}"


def name_some(paths: Sequence[str]) -> str:
    """Return the first few of many paths, for messages."""
    return ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")

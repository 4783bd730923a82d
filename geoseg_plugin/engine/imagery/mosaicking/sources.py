"""The rasters that a mosaic is made of, and what their headers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from ....contract.errors import InputError
from ....contract.events import Report, stop_if_cancelled
from ....contract.fields import RASTER_SUFFIXES
from ...class_raster import read_class_table, read_colours
from ...grid import Grid, same_crs
from ...raster import alpha_bands, image_bands, misses_by_band, open_raster
from ..paths import name_some
from ..tags import Domains, read_domains
from ..view import check_placed, has_mask_band, holds_classes
from ..writing import BandNotes, common_dtype


@dataclass(frozen=True)
class Source:
    """What the header of a raster says.

    Attributes:
        path: Where it lies.
        grid: Its grid.
        dtypes: The data type of each band.
        bands: The numbers of all bands but alpha.
        nodatavals: The nodata value of each band; none where no band has one.
        by_band: Whether each band misses pixels for itself.
        alpha: The number of the band that tells how transparent pixels are.
        heeds_alpha: Whether GDAL heeds that band when it reads others.
        has_mask: Whether a mask band tells which pixels have data.
        holds_classes: Whether its values are names rather than amounts.
        block: Height and width of the blocks in which its pixels are stored.
        legend: What its values and bands mean, for comparing: colours, classes and band names.
        notes: What it says of each band.
        tags: What it says of itself.
        domains: What it says of itself in other domains of tags than the default one.
    """

    path: str
    grid: Grid
    dtypes: tuple[str, ...]
    bands: tuple[int, ...]
    nodatavals: tuple[float | None, ...] = ()
    by_band: bool = False
    alpha: int | None = None
    heeds_alpha: bool = False
    has_mask: bool = False
    holds_classes: bool = False
    block: tuple[int, int] = (1, 1)
    legend: tuple[object, ...] = field(default=(), repr=False)
    notes: tuple[BandNotes, ...] = field(default=(), repr=False)
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    domains: Domains = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, dataset: DatasetReader, path: str) -> Source:
        """Return what an open raster says."""
        bands = image_bands(dataset)
        names = tuple(dataset.descriptions[band - 1] for band in bands)
        return cls(
            path, Grid.of(dataset), dataset.dtypes, bands, dataset.nodatavals, misses_by_band(dataset),
            next(iter(alpha_bands(dataset)), None), MaskFlags.alpha in dataset.mask_flag_enums[bands[0] - 1],
            has_mask_band(dataset), holds_classes(dataset), dataset.block_shapes[0],
            (read_colours(dataset), read_class_table(dataset), names),
            tuple(BandNotes.of(dataset, band) for band in dataset.indexes), dataset.tags(),
            read_domains(dataset),
        )  # fmt: skip

    @property
    def has_alpha(self) -> bool:
        """Whether a band tells how transparent pixels are."""
        return self.alpha is not None

    @property
    def has_nodata(self) -> bool:
        """Whether any band states a nodata value."""
        return any(value is not None for value in self.nodatavals)

    @property
    def may_hide(self) -> bool:
        """Whether the raster can say of pixels that they have no data."""
        return self.has_nodata or self.has_alpha or self.has_mask

    @property
    def is_partial(self) -> bool:
        """Whether values within the raster may be missing, be they said to be or no finite numbers."""
        return self.may_hide or any("float" in name for name in self.dtypes)

    def bands_with_alpha(self, place: int | None) -> tuple[int, ...]:
        """Return the numbers of all bands, with alpha as the band of that number; without it where that is None."""
        if place is None or self.alpha is None:
            return self.bands
        return (*self.bands[: place - 1], self.alpha, *self.bands[place - 1 :])


def read_sources(paths: Sequence[str], report: Report, *, from_folder: bool) -> tuple[Source, ...]:
    """Return what the headers say, one open file at a time.

    Args:
        paths: The rasters.
        report: Hears of the progress, and which files are left out.
        from_folder: Whether a pattern found the files; those that are no rasters, and not named like GeoTIFFs, are then
            left out with a warning.

    Raises:
        InputError: A raster cannot be opened, or has no grid on the ground.
    """
    sources, others = [], []
    for number, path in enumerate(paths):
        stop_if_cancelled(report)
        with ExitStack() as stack:
            try:
                dataset = stack.enter_context(open_raster(path))
            except InputError:
                if not from_folder or path.lower().endswith(RASTER_SUFFIXES):
                    raise
                others.append(path)
            else:
                check_placed(dataset, report)
                sources.append(Source.of(dataset, path))
        report.progress((number + 1) / len(paths), "Reading headers")
    if others:
        report.warn(f"{len(others)} files are no rasters and are left out: {name_some(others)}.")
    if not sources:
        raise InputError(f"None of {len(paths)} files is a raster ({paths[0]}, ...).", "Check FOLDER and PATTERN.")
    return tuple(sources)


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

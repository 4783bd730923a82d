"""The images and labels to check, of a dataset or of any folder with images/ and labels/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ....contract.classes import BACKGROUND_NAME, ClassTable
from ....contract.errors import InputError
from ..dataset import DESCRIPTION, IMAGES, LABELS, MARKER, BandStatistics, Dataset, open_dataset
from ..tile_source import TileSource

_SUFFIXES = (".tif", ".tiff", ".vrt", ".img", ".jp2", ".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class Pair:
    """One tile: its id, the scene and the split it belongs to, None where unknown, and its files."""

    id: str
    scene: str | None
    split: str | None
    image: Path
    label: Path | None


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What is to be checked.

    Attributes:
        folder: Where it lies.
        pairs: All tiles that have what they need.
        classes: The classes that labels may have; None where that is not known.
        labelled: Whether there are labels.
        ignore_value: The value of labels that neither trains nor counts, None where only nodata does.
        bands: Names of the bands, none where not known.
        statistics: What dataset.json says of each band, nothing where not known.
        dtype: Data type of the images, None where not known.
        crs: CRS that dataset.json states, None without.
        tile_size: Side of the tiles in pixels, None where not known.
        alone: Files whose partner is missing.
        source: Gives what would be in the files of a dataset that has none; None where there are files.
    """

    folder: Path
    pairs: tuple[Pair, ...]
    classes: ClassTable | None
    labelled: bool = True
    ignore_value: int | None = None
    bands: tuple[str, ...] = ()
    statistics: tuple[BandStatistics, ...] = ()
    dtype: str | None = None
    crs: str | None = None
    tile_size: int | None = None
    alone: tuple[Path, ...] = ()
    source: TileSource | None = None

    @property
    def has_splits(self) -> bool:
        """Whether tiles are divided into training, validation and so on."""
        return any(pair.split is not None for pair in self.pairs)


def find_pairs(folder: str, class_values: tuple[int, ...]) -> Pairs:
    """Find what is to be checked.

    Args:
        folder: A dataset, or any folder with images/ and labels/.
        class_values: For a folder that is no dataset: the values labels may have; none where that is not known.

    Raises:
        InputError: The dataset is broken, or the folder is neither.
    """
    root = Path(folder)
    if (root / DESCRIPTION).is_file() or (root / MARKER).is_file():
        return pairs_of(open_dataset(folder, whole=False))
    missing = [kind for kind in (IMAGES, LABELS) if not (root / kind).is_dir()]
    if missing:
        raise InputError(
            f"{root} is no GeoSeg dataset, and has no folder {' and no folder '.join(missing)}.",
            "Choose a folder made by 'Make training tiles', or one with images/ and labels/.",
        )
    return _pair_by_name(root, class_values)


def pairs_of(dataset: Dataset) -> Pairs:
    """Return the tiles of a dataset."""
    labelled = len(dataset.classes) > 0
    return Pairs(
        folder=dataset.folder,
        pairs=tuple(
            Pair(tile.id, tile.scene, tile.split, tile.image, tile.label if labelled else None)
            for tile in dataset.tiles
        ),
        classes=dataset.classes,
        labelled=labelled,
        ignore_value=dataset.ignore_value,
        bands=dataset.bands,
        statistics=dataset.statistics,
        dtype=dataset.dtype,
        crs=dataset.crs,
        tile_size=dataset.tile_size,
        source=dataset.source,
    )


def _pair_by_name(root: Path, class_values: tuple[int, ...]) -> Pairs:
    images, labels = _rasters(root / IMAGES), _rasters(root / LABELS)
    both = sorted(images.keys() & labels.keys())
    if not both:
        raise InputError(
            f"{root} holds {len(images)} images and {len(labels)} labels, but no two of the same name.",
            f"Give image and label the same name: {IMAGES}/a.tif and {LABELS}/a.tif.",
        )
    alone = [files[name] for files in (images, labels) for name in sorted(files) if name not in both]
    classes = ClassTable.named({value: class_name(value) for value in class_values}) if class_values else None
    return Pairs(
        folder=root,
        pairs=tuple(Pair(name, None, None, images[name], labels[name]) for name in both),
        classes=classes,
        alone=tuple(alone),
    )


def class_name(value: int) -> str:
    """Return a name for a class of which only the value is known."""
    return BACKGROUND_NAME if value == 0 else f"class {value}"


def _rasters(folder: Path) -> dict[str, Path]:
    """Return the rasters of a folder by their stems; of two with one stem the one whose suffix is named first."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()]
    files.sort(key=lambda path: _SUFFIXES.index(path.suffix.lower()), reverse=True)
    return {path.stem: path for path in files}

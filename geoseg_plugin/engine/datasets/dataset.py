"""A dataset on disk: tiles with labels, their split, and what training must know about them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyogrio

from ...contract.classes import ClassTable
from ...contract.errors import InputError
from ...contract.stages import dataset_files
from ..moments import Moments

if TYPE_CHECKING:
    from .tile_source import TileSource

DESCRIPTION = dataset_files.DESCRIPTION
FOOTPRINTS = dataset_files.FOOTPRINTS
IMAGES = dataset_files.IMAGES
LABELS = dataset_files.LABELS
MARKER = "unfinished.json"  # lies there as long as a run that can go on has not come to its end
FOOTPRINTS_LAYER = "tiles"
FORMAT = dataset_files.FORMAT
FORMAT_VERSION = 1

Split = Literal["train", "validation", "test", "unused"]
TRAIN: Split = "train"
VALIDATION: Split = "validation"
TEST: Split = "test"
UNUSED: Split = "unused"
SPLITS = (TRAIN, VALIDATION, TEST, UNUSED)
MAKE_AGAIN = "Make the dataset again with 'Make training tiles'."


@dataclass(frozen=True)
class BandStatistics:
    """What the pixels of one band are like, over the valid pixels of the training tiles, in pixel units."""

    name: str
    mean: float
    std: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Tile:
    """One tile: its id, the scene it was cut from, its split, and its two GeoTIFFs, of labelled datasets.

    Where the dataset has no files, `image` and `label` are what its pixels are read from.
    """

    id: str
    scene: str
    split: Split
    image: Path
    label: Path


@dataclass(frozen=True, kw_only=True)
class Description:
    """The content of dataset.json.

    Attributes:
        tile_size: Side of the tiles in pixels; single tiles may be smaller.
        dtype: Data type of the image pixels, as numpy names it.
        classes: Class values, names and colours; none where the tiles have no labels.
        ignore_value: Value in the labels that neither trains nor counts.
        crs: CRS of the first scene and of tiles.gpkg (AUTHORITY:CODE or WKT), None without.
        pixel_size: Width and height of a pixel of the first scene, in units of its CRS.
        statistics: One per band.
        made: How it was made (plain values).
    """

    tile_size: int
    dtype: str
    classes: ClassTable
    ignore_value: int
    crs: str | None
    pixel_size: tuple[float, float]
    statistics: tuple[BandStatistics, ...]
    made: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Dataset(Description):
    """Tiles for training.

    Attributes:
        folder: Where it lies; where it has no files, the folder of the first scene.
        tiles: All tiles, in the order of tiles.gpkg.
        fingerprint: SHA-256 over dataset.json and the splits in tiles.gpkg.
        source: Gives what would be in its files where it has none; None where it has them.
    """

    folder: Path
    tiles: tuple[Tile, ...]
    fingerprint: str
    source: TileSource | None = None

    @property
    def name(self) -> str:
        """What it is, in words: its folder, or what its tiles are read from where it has no files."""
        return str(self.folder) if self.source is None else self.source.name

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands in order."""
        return tuple(one.name for one in self.statistics)

    def split(self, name: Split) -> tuple[Tile, ...]:
        """Return the tiles of one split."""
        return tuple(tile for tile in self.tiles if tile.split == name)


def band_statistics(names: Sequence[str], moments: Moments) -> tuple[BandStatistics, ...]:
    """Return the statistics of bands by their names."""
    columns = (moments.mean, moments.std, moments.minimum, moments.maximum)
    return tuple(
        BandStatistics(name, *(float(column[band]) for column in columns)) for band, name in enumerate(names)
    )  # fmt: skip


def write_description(folder: Path, description: Description) -> None:
    """Write dataset.json into the folder."""
    (folder / DESCRIPTION).write_text(describe_as_json(description) + "\n", encoding="utf-8")


def describe_as_json(description: Description) -> str:
    """Return the text of dataset.json."""
    values = {
        "format": FORMAT, "version": FORMAT_VERSION, **asdict(description), "classes": description.classes.to_json(),
    }  # fmt: skip
    return json.dumps(values, ensure_ascii=False, indent=2)


def open_dataset(folder: str, *, whole: bool = True) -> Dataset:
    """Open a dataset. The splits are those of tiles.gpkg, so that an edit of that layer counts.

    Args:
        folder: Where it lies.
        whole: Whether every tile must have its files.

    Raises:
        InputError: The folder holds no dataset, or one that is unfinished or broken.
    """
    root = Path(folder)
    if (root / MARKER).is_file():
        raise InputError(
            f"The dataset {root} is unfinished: the run that makes it has not come to its end.",
            "Run 'Make training tiles' again with the same values and RESUME.",
        )
    text = _read_text(root)
    description = _read_description(text, root / DESCRIPTION)
    tiles = _read_tiles(root)
    if whole:
        _check_files(root, tiles, (IMAGES, LABELS) if len(description.classes) else (IMAGES,))
    return Dataset(**vars(description), folder=root, tiles=tiles, fingerprint=fingerprint(text, tiles))


def fingerprint(text: str, tiles: Sequence[Tile]) -> str:
    """Return the SHA-256 of a text that describes a dataset, and of the splits of its tiles."""
    splits = json.dumps(sorted((tile.id, tile.split) for tile in tiles))
    return hashlib.sha256((text + splits).encode("utf-8")).hexdigest()


def _read_text(root: Path) -> str:
    try:
        return (root / DESCRIPTION).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{root} is no GeoSeg dataset: its {DESCRIPTION} cannot be read.",
            "Choose a folder made by 'Make training tiles'.",
        ) from error


def _read_description(text: str, path: Path) -> Description:
    try:
        values = json.loads(text)
        if values.pop("format") != FORMAT:
            raise InputError(f"{path} is no description of a GeoSeg dataset.", MAKE_AGAIN)
        version = values.pop("version")
        if version > FORMAT_VERSION:
            raise InputError(f"{path} was made by a later GeoSeg (dataset format {version}).", "Update GeoSeg.")
        values["classes"] = ClassTable.from_json(values["classes"])
        values["pixel_size"] = (float(values["pixel_size"][0]), float(values["pixel_size"][1]))
        values["statistics"] = tuple(BandStatistics(**one) for one in values["statistics"])
        return Description(**values)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is damaged: it does not describe a dataset as it should.", MAKE_AGAIN) from error


def _read_tiles(root: Path) -> tuple[Tile, ...]:
    path = root / FOOTPRINTS
    columns = ["tile", "scene", "split"]
    try:
        layer = pyogrio.raw.read(path, layer=FOOTPRINTS_LAYER, columns=columns, read_geometry=False)
        read = dict(zip(layer[0]["fields"], layer[3], strict=True))
        rows = list(zip(*(read[name] for name in columns), strict=True))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, KeyError) as error:
        raise InputError(
            f"{path} cannot be read: it is damaged, or holds no layer '{FOOTPRINTS_LAYER}' with {', '.join(columns)}.",
            MAKE_AGAIN,
        ) from error
    if not rows:
        raise InputError(f"{path} lists no tiles.", MAKE_AGAIN)
    tiles = tuple(_tile(root, str(name), str(scene), split) for name, scene, split in rows)
    name, times = Counter(tile.id for tile in tiles).most_common(1)[0]
    if times > 1:
        raise InputError(f"{path} lists tile {name} {times} times.", "Delete the copies.")
    return tiles


def _tile(root: Path, name: str, scene: str, split: Any) -> Tile:
    if split not in SPLITS:
        raise InputError(
            f"Tile {name} in {root / FOOTPRINTS} has the split '{split}'.", f"Write one of {', '.join(SPLITS)}."
        )
    return Tile(name, scene, split, root / IMAGES / f"{name}.tif", root / LABELS / f"{name}.tif")


def _check_files(root: Path, tiles: tuple[Tile, ...], kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        present = {path.stem for path in (root / kind).glob("*.tif")}
        missing = [tile.id for tile in tiles if tile.id not in present]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(tiles)} tiles have no file in {root / kind} (first: {missing[0]}.tif).",
                MAKE_AGAIN,
            )

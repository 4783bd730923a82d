"""A picture of training tiles as they are, and as the network sees them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....contract.classes import ClassTable
from ...datasets.dataset import TRAIN, Dataset, Tile
from ...pictures import draw_image
from ...scaling import Scaling
from ..tiles import Sample, TileStore
from .mixing import mix
from .variation import UNCHANGED, Variation
from .varying import vary

_TILES = 6
_MOST_LOOKED_AT = 60
_VARIED = 5
_SIDE = 200
_GAP = 8
_LINE = 22
_SWATCH = 12
_FRAME = 102, 112, 133
_OUTLINE = 3  # pixels: one on each side of a border
_HATCH = 8
_TEXT = "#1a1a1a"
_FONT = 13
_BASELINE = 6
_DPI = 64  # a power of two, so that inches are whole pixels again
_MOST_IN_LEGEND = 36
_LONGEST_NAME = 20

Pixels = NDArray[np.uint8]
Labels = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True)
class _Shown:
    """A tile of the size of the picture: network input (C, H, W) and the labels (H, W) that count for it."""

    image: NDArray[np.float32]
    labels: tuple[Labels, ...]


def write_preview(
    path: Path, dataset: Dataset, store: TileStore, scaling: Scaling, *, variation: Variation, seed: int
) -> None:
    """Draw some training tiles, each as it is and then varied a few times, with its label as an outline.

    Tiles that show several classes come first. Each column of varied tiles is a batch, which may be mixed. The light of
    a row is stretched for all its pictures alike, so that they differ as they do for the network.

    Args:
        path: The PNG file to write.
        dataset: For its training tiles and classes.
        store: Where their pixels come from.
        scaling: How pixels become network input.
        variation: What is done to tiles.
        seed: Where chance starts.

    Raises:
        InputError: A tile is damaged, or the part to show is larger than the tiles.
    """
    tiles = _choose(dataset.split(TRAIN), store, seed)
    samples = [store.load(tile) for tile in tiles]
    columns = [_show(samples, scaling, UNCHANGED, [seed])]
    columns += [_show(samples, scaling, variation, [seed, number]) for number in range(_VARIED)]
    rows = [_draw_row(row, dataset) for row in zip(*columns, strict=True)]
    _write(path, rows, [tile.id for tile in tiles], dataset.classes)


def _choose(tiles: Sequence[Tile], store: TileStore, seed: int) -> list[Tile]:
    """Return a few tiles by chance, those before others that show more classes."""
    order = np.random.default_rng(seed).permutation(len(tiles))[:_MOST_LOOKED_AT]
    counts: dict[int, int] = {}
    for place in order.tolist():
        label = store.load(tiles[place]).label
        counts[place] = min(2, len(np.unique(label[label >= 0])))
        if list(counts.values()).count(2) == _TILES:
            break
    return [tiles[place] for place in sorted(counts, key=lambda place: -counts[place])[:_TILES]]


def _show(samples: Sequence[Sample], scaling: Scaling, variation: Variation, seed: Sequence[int]) -> list[_Shown]:
    """Make a batch of all samples as for training."""
    # Counted from 1: to numpy a 0 at the end of a seed is as if it were not there.
    pairs = [
        vary(
            scaling.apply(sample.image, sample.valid), sample.label, sample.valid, variation,
            np.random.default_rng([*seed, number]),
        )
        for number, sample in enumerate(samples, start=1)
    ]  # fmt: skip
    images = torch.from_numpy(np.stack([image for image, _ in pairs]))
    labels = torch.from_numpy(np.stack([label for _, label in pairs]).astype(np.int64))
    mixture = mix(images, labels, variation, np.random.default_rng(seed))
    # Means where the picture is smaller than the tile, pixels as squares where it is larger.
    resized = torch.nn.functional.adaptive_avg_pool2d(mixture.images, _SIDE).numpy()
    places = (np.arange(_SIDE) * labels.shape[-1] + labels.shape[-1] // 2) // _SIDE
    counting = [mixture.labels] if mixture.other_labels is None else [mixture.other_labels, mixture.labels]
    small = [one.numpy()[:, places[:, None], places] for one in counting]
    return [_Shown(image, tuple(one[number] for one in small)) for number, image in enumerate(resized)]


def _draw_row(row: Sequence[_Shown], dataset: Dataset) -> Pixels:
    """Return a picture (H, W, 3) of tiles side by side."""
    from matplotlib.image import imread

    strip = np.concatenate([shown.image for shown in row], axis=2)
    png = draw_image(strip, np.ones(strip.shape[1:], dtype=bool), dataset.bands)
    drawn = (255 * imread(io.BytesIO(png))[..., :3]).round().astype(np.uint8)
    pictures = np.split(drawn, len(row), axis=1)
    for picture, shown in zip(pictures, row, strict=True):
        _mark(picture, shown.labels, dataset.classes)
    gap = np.full((_SIDE, _GAP, 3), 255, dtype=np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, gap)][:-1], axis=1)


def _mark(picture: Pixels, labels: Sequence[Labels], classes: ClassTable) -> None:
    """Outline the areas of each class from inside, in its colour, and hatch what is ignored, in place."""
    from scipy.ndimage import maximum_filter, minimum_filter

    colours = np.array([one.rgb for one in classes], dtype=np.uint8)
    ignored = np.all([label < 0 for label in labels], axis=0)
    _hatch(picture, ignored)
    for label in labels:
        # Beyond the edge lies another class, so that also areas that end there are closed.
        highest, lowest = (
            one(label, _OUTLINE, mode="constant", cval=len(classes)) for one in (maximum_filter, minimum_filter)
        )
        edge = (highest != lowest) & (label >= 0)
        picture[edge] = colours[label[edge]]


def _hatch(picture: Pixels, where: NDArray[np.bool_]) -> None:
    """Draw oblique lines, white beside black, which are seen on every ground."""
    rows, cols = np.indices(where.shape)
    for place, grey in ((0, 0), (1, 255)):
        picture[where & ((rows + cols) % _HATCH == place)] = grey


def _write(path: Path, rows: Sequence[Pixels], names: Sequence[str], classes: ClassTable) -> None:
    """Put rows under each other, with the names of their tiles above them and the classes at the end."""
    legend = ["ignored", *classes.names][:_MOST_IN_LEGEND]
    step, columns = _SIDE + _GAP, 1 + _VARIED
    end = _LINE + len(rows) * (step + _LINE)
    height = end + _LINE * math.ceil(len(legend) / columns) + _GAP
    page = np.full((height, _GAP + columns * step, 3), 255, dtype=np.uint8)
    texts = [("as the tile is", _GAP, 0), ("as the network sees it, each time by chance", _GAP + step, 0)]
    for number, (row, name) in enumerate(zip(rows, names, strict=True)):
        top = _LINE + number * (step + _LINE)
        texts.append((name, _GAP, top))
        page[top + _LINE :][:_SIDE, _GAP : _GAP + row.shape[1]] = row
    for number, name in enumerate(legend):
        left, top = _GAP + number % columns * step, end + number // columns * _LINE
        texts.append((name[:_LONGEST_NAME], left + _SWATCH + _GAP, top))
        swatch = page[top + _BASELINE :, left:][:_SWATCH, :_SWATCH]
        if number:
            swatch[:] = _FRAME  # else white could not be seen
            swatch[1:-1, 1:-1] = classes.classes[number - 1].rgb
        else:
            _hatch(swatch, np.ones(swatch.shape[:2], dtype=bool))
    _save(path, page, texts)


def _save(path: Path, page: Pixels, texts: Sequence[tuple[str, int, int]]) -> None:
    """Write a page (H, W, 3) as PNG, with texts at distances from its left and top edge in pixels."""
    # The figure is made without pyplot, which would look for a screen and keep it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import IdentityTransform

    height, width = page.shape[:2]
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.figimage(page, origin="upper")
    for text, left, top in texts:
        bottom = height - top - _LINE + _BASELINE
        # Names may hold dollar signs, which begin no formula here.
        figure.text(
            left, bottom, text, color=_TEXT, fontsize=_FONT, parse_math=False, transform=IdentityTransform()
        )  # fmt: skip
    figure.savefig(path, format="png", dpi=_DPI)

"""The pixels of an image beside those that a model was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform as transform_points

from .....models.card import Card
from ....contract.errors import InputError
from ....contract.events import Report
from ...grid import Grid

_METRES_PER_DEGREE = 111_320.0
_ALIKE_WITHIN = 0.01
_ODD_RATIO = 2.0
_EXTREME_RATIO = 8.0
_ABSURD_RATIO = 100.0
_HIGHEST_LATITUDE = 85.0
_ROUNDING = 1e-9  # what floating point may leave of a whole ratio


@dataclass(frozen=True)
class PixelSizes:
    """How large the pixels of an image are, and those that a model was trained on: width and height.

    Attributes:
        image: Those of the image, in `unit`.
        model: Those of the model, in `unit`.
        unit: Metres, or map units where there is no CRS.
    """

    image: tuple[float, float]
    model: tuple[float, float]
    unit: str

    @property
    def steps(self) -> tuple[float, float]:
        """How many pixels of the image lie along the width and the height of one of the model."""
        width, height = (_tidy(model / image) for image, model in zip(self.image, self.model, strict=True))
        return width, height

    @property
    def alike(self) -> bool:
        """Whether they differ by no more than a hundredth."""
        return all(1 / (1 + _ALIKE_WITHIN) <= step <= 1 + _ALIKE_WITHIN for step in self.steps)

    @property
    def ratio(self) -> float:
        """How many times larger those of one are than those of the other, along the side where it is more."""
        return max(max(step, 1 / step) for step in self.steps)

    def describe(self) -> tuple[str, str]:
        """Return both in words."""
        image, model = (f"{_describe(size)} {self.unit}" for size in (self.image, self.model))
        return image, model


def compare_pixel_sizes(grid: Grid, card: Card, report: Report) -> PixelSizes | None:
    """Return the pixel sizes of an image and of a model; None, with a note, where that of one is not known.

    Degrees count at the image's latitude.

    Args:
        grid: The grid of the image.
        card: What the model was trained on.
        report: Hears which is not known.
    """
    trained_in = _read_crs(card)
    places = grid.crs is not None or not grid.transform.is_identity
    trained_on_places = trained_in is not None or (not card.crs and card.pixel_size != (1.0, 1.0))
    if (grid.crs is None) == (trained_in is None) and places and trained_on_places:
        unit = "m" if grid.crs else "map units"
        return PixelSizes(*_measure(grid, card.pixel_size, trained_in), unit)
    if places or trained_on_places:
        unknown = "that the model was trained on" if grid.crs or not trained_on_places else "of the image"
        report.note(f"The size of the pixels {unknown} is not known on the ground: the image is taken as it is.")
    return None


def warn_of_odd_pixel_size(sizes: PixelSizes, report: Report) -> None:
    """Warn when the image's pixels are less than half or more than twice as large as the card's."""
    if sizes.ratio > _ODD_RATIO:
        image, model = sizes.describe()
        report.warn(
            f"The pixels of the image measure {image}, those that the model was trained on {model}. Things look larger "
            "or smaller than the model knows them: choose the model's as PIXEL_SIZE, or expect a poor map."
        )


def tell_of_resampling(sizes: PixelSizes, grid: Grid, seen: Grid, report: Report) -> None:
    """Say that an image is seen on other pixels, and warn where these are of quite another size.

    Args:
        sizes: The pixel sizes of both.
        grid: The grid of the image.
        seen: The grid on which the network sees it.
        report: Hears it.

    Raises:
        InputError: The sizes have nothing to do with each other.
    """
    image, model = sizes.describe()
    if sizes.ratio > _ABSURD_RATIO:
        raise InputError(
            f"The pixels of the image measure {image}, those that the model was trained on {model}: no resampling "
            "brings these together.",
            "Check the image's CRS, or choose the image's pixels as PIXEL_SIZE.",
        )
    report.note(
        f"The image is resampled from pixels of {image} to the model's of {model}: {grid.width} x {grid.height} pixels "
        f"become {seen.width} x {seen.height}"
    )
    if sizes.ratio > _EXTREME_RATIO:
        finer = max(sizes.steps) > _EXTREME_RATIO
        work = seen.width * seen.height / (grid.width * grid.height)
        report.warn(
            f"The pixels of the image measure {image}, those that the model was trained on {model}. "
            + (
                "Most of what the image shows is lost: a model that was trained on finer pixels would see it."
                if finer
                else f"The image cannot show what the model knows, and the work is {work:.0f} times that of the image "
                "as it is: choose another image or another model, and expect a poor map."
            )
        )


def warn_of_other_models(seen: Grid, cards: Sequence[Card], report: Report) -> None:
    """Warn when further models were trained on pixels of quite another size than those that all are shown.

    Args:
        seen: The grid on which the networks see the image.
        cards: What the networks were trained on; that of the first is known to fit.
        report: Hears it.
    """
    first = cards[0]
    for card in {(card.pixel_size, card.crs): card for card in cards[1:]}.values():
        if (card.pixel_size, card.crs) == (first.pixel_size, first.crs):
            continue
        sizes = compare_pixel_sizes(seen, card, report)
        if sizes is not None and sizes.ratio > _ODD_RATIO:
            image, model = sizes.describe()
            report.warn(
                f"One of FURTHER_MODELS was trained on pixels of {model}, but all models see the image as MODEL does, "
                f"at {image}. Models of one pixel size answer better together."
            )


def scale_grid(grid: Grid, steps: tuple[float, float]) -> Grid:
    """Return the grid of the same place whose pixels are so many of a grid wide and high.

    It begins at the same corner; its last pixels reach over the edge where sizes do not divide.
    """
    width, height = (
        max(1, math.ceil(length / step * (1 - _ROUNDING)))
        for length, step in zip((grid.width, grid.height), steps, strict=True)
    )
    return Grid(grid.crs, grid.transform @ Affine.scale(*steps), height, width)


def _read_crs(card: Card) -> CRS | None:
    try:
        return CRS.from_user_input(card.crs) if card.crs else None
    except CRSError:
        return None


def _measure(
    grid: Grid, trained: tuple[float, float], trained_in: CRS | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the size of the pixels of a grid, and of those of a model in its CRS, in metres or map units."""
    if grid.crs is None or trained_in is None:
        return grid.pixel_size, trained
    stretched = any(crs.is_geographic or _is_mercator(crs) for crs in (grid.crs, trained_in))
    narrowing = math.cos(math.radians(_find_latitude(grid))) if stretched else 1.0
    return _to_metres(grid.pixel_size, grid.crs, narrowing), _to_metres(trained, trained_in, narrowing)


def _find_latitude(grid: Grid) -> float:
    """Return the latitude in degrees of the middle of a grid; 0 where its place is none."""
    x, y = grid.transform @ (grid.width / 2, grid.height / 2)
    if grid.crs is not None and not grid.crs.is_geographic:
        try:
            _, (y,) = transform_points(grid.crs, CRS.from_epsg(4326), [x], [y])
        except CPLE_BaseError:
            return 0.0
    return min(max(y, -_HIGHEST_LATITUDE), _HIGHEST_LATITUDE) if math.isfinite(y) else 0.0


def _to_metres(size: tuple[float, float], crs: CRS, narrowing: float) -> tuple[float, float]:
    """Return a pixel size in metres.

    Args:
        size: In units of the CRS.
        crs: The CRS.
        narrowing: How much shorter a degree of longitude is than at the equator.
    """
    width, height = size
    if crs.is_geographic:
        return width * _METRES_PER_DEGREE * narrowing, height * _METRES_PER_DEGREE
    factor = crs.linear_units_factor[1] if crs.is_projected else 1.0
    if _is_mercator(crs):
        factor *= narrowing
    return width * factor, height * factor


def _is_mercator(crs: CRS) -> bool:
    """Tell whether a CRS is a Mercator projection, as web maps are: there a metre shrinks towards the poles."""
    method = crs.to_dict(projjson=True).get("conversion", {}).get("method", {}).get("name", "")
    return "Mercator" in method and "Transverse" not in method and "Oblique" not in method


def _tidy(ratio: float) -> float:
    for tidy in (float(round(ratio)), 1 / max(1, round(1 / ratio))):
        if abs(ratio - tidy) <= _ROUNDING * ratio:
            return tidy
    return ratio


def _describe(size: tuple[float, float]) -> str:
    width, height = (f"{side:.3g}" for side in size)
    return width if width == height else f"{width} x {height}"

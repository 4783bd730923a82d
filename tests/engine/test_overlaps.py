"""What becomes of values that several rasters have for one pixel."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from geoseg.geoseg_plugin.contract.stages.imagery import METHODS
from geoseg.geoseg_plugin.engine.imagery.mosaicking.overlaps import Canvas, compose, part_side
from geoseg.geoseg_plugin.engine.imagery.mosaicking.pieces import Layer


@dataclass
class Whole:
    """A piece that fills the block, and remembers how often it was read."""

    values: tuple
    missing: tuple = ()
    dtype: str = "uint8"
    bands: int = 1
    place: tuple = (slice(None), slice(None), slice(None))
    is_full: bool = False
    reads: list = field(default_factory=list)

    def read(self, *, stretched=False):
        self.reads.append(stretched)
        image = np.array(self.values, self.dtype).reshape(self.bands, 1, -1)
        known = ~np.isin(np.arange(image.shape[2]), self.missing)[None, None]
        return Layer(image, known if self.missing else None)

    def trim(self, known):
        return self

    def fits(self, image):
        return not self.missing and image.dtype == self.dtype

    def read_into(self, image):
        image[...] = self.read().image

    def read_around(self, margin):
        layer = self.read()
        known = np.ones(layer.image.shape[1:], np.bool_) if layer.known is None else layer.known[0]
        return known, (slice(None), slice(None))


def made_by(method, *pieces, dtype="uint8"):
    canvas = Canvas.empty((1, 1, len(pieces[0].values)), dtype, by_band=False, fill=0)
    compose(method, pieces, canvas)
    return canvas.image[0, 0].tolist(), canvas.known[0, 0].tolist()


@pytest.mark.parametrize(("method", "expected"), [
    ("first", [10, 4, 7, 0]), ("last", [20, 4, 9, 0]), ("minimum", [10, 4, 7, 0]), ("maximum", [20, 4, 9, 0]),
    ("mean", [15, 4, 8, 0]), ("median", [15, 4, 8, 0]), ("most complete", [10, 4, 7, 0]), ("seamline", [10, 4, 9, 0]),
])  # fmt: skip
def test_two_rasters(method, expected):
    one, other = Whole((10, 99, 7, 99), (1, 3)), Whole((20, 4, 9, 99), (3,))
    if method == "seamline":
        other = Whole((20, 4, 9, 99), (0, 3))
        expected[2] = 7  # equally deep: the first
    assert made_by(method, one, other) == (expected, [True, True, True, False])


@pytest.mark.parametrize(("values", "mean", "median"), [
    ((1, 2), 2, 2), ((2, 3), 2, 2), ((1, 2, 6), 3, 2), ((255, 255, 254), 255, 255), ((0, 1, 254, 255), 128, 128),
])  # fmt: skip
def test_halves_are_rounded_to_even(values, mean, median):
    pieces = [Whole((value,)) for value in values]
    assert made_by("mean", *pieces)[0] == [mean]
    assert made_by("median", *pieces)[0] == [median]


def test_floats_are_not_rounded():
    pieces = [Whole((value,), dtype="float32") for value in (1, 2, 4, 8)]
    assert made_by("mean", *pieces, dtype="float32")[0] == [3.75]
    assert made_by("median", *pieces, dtype="float32")[0] == [3.0]


def test_median_of_the_highest_values_a_type_has():
    pieces = [Whole((65535, 65535), (at,), dtype="uint16") for at in (0, 0, 1)]
    assert made_by("median", *pieces, dtype="uint16") == ([65535, 65535], [True, True])


def test_what_lies_below_is_not_read():
    top, below = Whole((1, 2)), Whole((3, 4))
    made_by("first", top, below)
    assert (len(top.reads), len(below.reads)) == (1, 0)
    made_by("last", top, below)
    assert (len(top.reads), len(below.reads)) == (1, 1)


def test_bands_of_floats_are_known_each_for_itself():
    canvas = Canvas.empty((2, 1, 2), "float32", by_band=True, fill=np.nan)
    canvas.take(Layer(np.ones((2, 1, 2)), np.array([[[True, False]], [[False, False]]])))
    assert canvas.known.tolist() == [[[True, False]], [[False, False]]]
    assert np.isnan(canvas.image).tolist() == [[[False, True]], [[True, True]]]


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_bounded(method):
    pieces = [Whole((1,)) for _ in range(200)]
    for piece in pieces:
        piece.placed = type("Placed", (), {"is_direct": True})
    side = part_side(method, pieces, 4, "uint16")
    if method in ("first", "last", "minimum", "maximum", "most complete"):
        assert side is None
    else:
        assert side == {"mean": 1024, "median": 202, "seamline": 1024}[method]

"""Tiles, varied one by one."""

from __future__ import annotations

import numpy as np

from .disturbances import add_noise, blur, hide_squares
from .geometry import Image, Label, Valid, draw_placing, lay, place
from .light import change_light
from .variation import Variation


def vary(
    image: Image, label: Label, valid: Valid, variation: Variation, rng: np.random.Generator
) -> tuple[Image, Label]:
    """Return a tile as the network is to see it once: image and label, both laid alike.

    First its pixels come to other places (`geometry`), then its light changes (`light`), then it gets worse
    (`disturbances`). The same chance gives the same of each, also where others are switched on or off.

    Args:
        image: (C, S, S) network input, 0 without data. It may be changed in place.
        label: (S, S) class indices, signed, IGNORE_INDEX without data. It stays as it is.
        valid: (S, S) pixels with data.
        variation: What to do, and how much of it.
        rng: Where chance comes from.

    Returns:
        Image and label with the side that `variation.side` says, perhaps as views of those given. What is without data
        is 0 in the image, and IGNORE_INDEX in the label.

    Raises:
        InputError: The part to show is larger than the tile.
    """
    side = variation.side(valid.shape[-1])
    placing = draw_placing(variation, rng)
    image, label, valid = place(image, label, valid, placing, side)
    change_light(image, valid, variation, rng)
    image = blur(image, valid, variation, rng)
    add_noise(image, variation, rng)
    if not valid.all():
        image *= valid
    hide_squares(image, variation, rng)
    # Last, as rows that lie in memory are faster to work on; none of the above has a direction.
    return lay(image, placing), lay(label, placing)

"""How much tiles are varied, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .....models.catalog import network_side
from ....contract.errors import InputError
from ....contract.stages.datasets import CHOSEN_TILE_SIZES
from ....contract.stages.training_parts.augmentation import VariesTiles


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What `vary` and `mix` do to tiles; without arguments nothing.

    Attributes:
        flips: Whether tiles are mirrored, half of them left to right and half of them top to bottom.
        quarter_turns: Whether tiles are turned by 0, 90, 180 or 270 degrees.
        rotation: Largest free rotation either way, in degrees.
        scale: Tiles are enlarged or reduced by up to 1 + this.
        crop: Side in pixels of the part that is shown in place of the tile; 0 shows all, None half of large tiles.
        brightness: The most that is added, in standard deviations.
        contrast: The most by which values are stretched or squeezed, as a share of 1.
        gamma: The curve of values is bent by an exponent of up to 1 + this, or down to its inverse.
        noise: Largest strength of noise, in standard deviations.
        blur: Largest standard deviation of the blur, in pixels.
        cutout: Number of squares that are hidden.
        cutout_size: Their side, as a share of that of the tile.
        mixup: Share of the batches whose tiles are blended.
        cutmix: Share of the batches in which rectangles are exchanged, or what `mixup` leaves of them.
        means: Mean of the network input, by band; () where it is 0.
        stds: Standard deviation of the network input, by band; () where it is 1.
    """

    flips: bool = False
    quarter_turns: bool = False
    rotation: float = 0.0
    scale: float = 0.0
    crop: int | None = 0
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    cutout: int = 0
    cutout_size: float = 0.125
    mixup: float = 0.0
    cutmix: float = 0.0
    means: tuple[float, ...] = ()
    stds: tuple[float, ...] = ()

    @classmethod
    def of(cls, request: VariesTiles, means: Sequence[float] = (), stds: Sequence[float] = ()) -> Variation:
        """Return what a request asks for.

        Args:
            request: Its parameters from AUGMENT to CUTMIX.
            means: Mean of the network input, by band.
            stds: Its standard deviation, by band.
        """
        if not request.augment:
            return UNCHANGED
        return cls(
            flips=request.flips,
            quarter_turns=request.quarter_turns,
            rotation=request.rotation,
            scale=request.scale / 100,
            crop=request.crop,
            brightness=request.brightness,
            contrast=request.contrast / 100,
            gamma=request.gamma / 100,
            noise=request.noise,
            blur=request.blur,
            cutout=request.cutout,
            cutout_size=request.cutout_size / 100,
            mixup=request.mixup / 100,
            cutmix=request.cutmix / 100,
            means=tuple(means),
            stds=tuple(stds),
        )

    def side(self, tile_side: int) -> int:
        """Return the side in pixels of what the network is shown of square tiles.

        A half is rounded up to a side that networks take as it is.

        Raises:
            InputError: The part to show is larger than the tiles.
        """
        if self.crop is None:
            return tile_side if tile_side < CHOSEN_TILE_SIZES[0] else network_side(math.ceil(tile_side / 2))
        if self.crop > tile_side:
            raise InputError(
                f"CROP is {self.crop}, but the tiles have only {tile_side} x {tile_side} pixels.",
                f"Set CROP to {tile_side} or less, or to 0 to show all of each tile.",
            )
        return self.crop or tile_side


UNCHANGED = Variation()

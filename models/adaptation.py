"""Weights of one network for another that sees other bands or tells other classes apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

# How many more bands and classes the network has that shows where they are: two numbers that cannot be mistaken.
MORE_BANDS, MORE_CLASSES = 1, 2


@dataclass(frozen=True)
class Names:
    """The names of a network's bands and classes, in order."""

    bands: tuple[str, ...]
    classes: tuple[str, ...]

    def plain(self) -> tuple[list[str], list[str]]:
        """Return them as they are compared."""
        return plain_names(self.bands), plain_names(self.classes)


def plain_names(names: Sequence[str]) -> list[str]:
    """Return names as they are compared: without spaces around them, in small letters."""
    return [name.strip().casefold() for name in names]


def adapt(
    given: Mapping[str, torch.Tensor],
    own: Mapping[str, torch.Tensor],
    larger: Mapping[str, torch.Tensor],
    before: Names,
    after: Names,
) -> dict[str, torch.Tensor]:
    """Return the weights of one network for another of the same design with other bands or classes.

    Bands as `adapt_bands` has them; classes of the same name keep their weights, others start with the network's own.

    Args:
        given: The state dict of the one.
        own: That of the other, as it was built.
        larger: That of a network with MORE_BANDS and MORE_CLASSES than the other, which shows where both are.
        before: Bands and classes of the one.
        after: Bands and classes of the other.

    Raises:
        IndexError: The weights are not those of a network with so many bands and classes.
    """
    adapted = dict(given)
    for name in own.keys() & given.keys():
        for axis, (length, more) in enumerate(zip(own[name].shape, larger[name].shape, strict=True)):
            if more - length == MORE_BANDS:
                kernels = adapted[name].movedim(axis, 1)
                adapted[name] = adapt_bands(kernels, before.bands, after.bands).movedim(1, axis).contiguous()
            elif more - length == MORE_CLASSES:
                adapted[name] = _adapt_classes(adapted[name], own[name], axis, before.classes, after.classes)
    return adapted


def adapt_bands(kernels: torch.Tensor, given: Sequence[str], wanted: Sequence[str]) -> torch.Tensor:
    """Return the kernels of a first convolution for other bands.

    Bands of the same name keep their kernels. The others take those that are left, as `repeat_kernels` does; where none
    is left they start at 0, so that a network at first answers as before, unless it sees its bands in other ways too,
    as gscnn does in the mean of all.

    Args:
        kernels: (F, C, ...), C of the `given` bands.
        given: Names of the bands that the kernels are for.
        wanted: Names of the bands that are wanted.

    Returns:
        (F, D, ...), D of the `wanted` bands.
    """
    before, after = plain_names(given), plain_names(wanted)
    if before == after:
        return kernels
    adapted = kernels.new_zeros(len(kernels), len(after), *kernels.shape[2:])
    for index, name in enumerate(after):
        if name in before:
            adapted[:, index] = kernels[:, before.index(name)]
    left = [index for index, name in enumerate(before) if name not in after]
    new = [index for index, name in enumerate(after) if name not in before]
    if left and new:
        adapted[:, new] = repeat_kernels(kernels[:, left], len(new))
    return adapted


def repeat_kernels(kernels: torch.Tensor, bands: int) -> torch.Tensor:
    """Return kernels (F, C, ...) for another number of bands: their sum for one, otherwise in turn with the same gain.

    So that bands that all show the same cause about what they caused before.
    """
    given = kernels.shape[1]
    if bands == 1:
        return kernels.sum(1, keepdim=True)
    return kernels[:, [band % given for band in range(bands)]] * (given / bands)


def _adapt_classes(
    given: torch.Tensor, own: torch.Tensor, axis: int, before: Sequence[str], after: Sequence[str]
) -> torch.Tensor:
    adapted, known = own.clone(), plain_names(before)
    for index, name in enumerate(plain_names(after)):
        if name in known:
            adapted.select(axis, index).copy_(given.select(axis, known.index(name)))
    return adapted

"""Rasters for tests."""

import numpy as np
import rasterio
from affine import Affine

TRANSFORM = Affine(0.5, 0, 300_000, 0, -0.5, 3_000_000)


def write_raster(
    path, image, *, crs="EPSG:32645", transform=TRANSFORM, mask=None, colours=None, names=(), tags=None, **profile
):
    """Write (C, H, W) pixels as a GeoTIFF and return its path as text."""
    image = np.asarray(image)
    count, height, width = image.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype=image.dtype, count=count, height=height, width=width, crs=crs,
        transform=transform, **profile,
    ) as dataset:  # fmt: skip
        if colours:
            dataset.write_colormap(1, colours)
        dataset.write(image)
        for number, text in enumerate(names, start=1):
            dataset.set_band_description(number, text)
        dataset.update_tags(**(tags or {}))
        if mask is not None:
            dataset.write_mask(mask)
    return str(path)

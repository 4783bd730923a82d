"""Rescaled images as numpy makes them, and what is read of them."""

import numpy as np
import rasterio

HEIGHT, WIDTH = 50, 60


def make_pixels():
    """Return an image (3, HEIGHT, WIDTH) of 16 bits."""
    return np.random.default_rng(5).integers(100, 3000, (3, HEIGHT, WIDTH)).astype(np.uint16)


def read(path):
    """Return all bands of a raster."""
    with rasterio.open(path) as dataset:
        return dataset.read()


def shown(path):
    """Return (H, W) True where a raster shows something."""
    with rasterio.open(path) as dataset:
        return dataset.dataset_mask() > 0


def scaled(values, low, high):
    """Return values on a scale from 0 to 1."""
    return np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)


def stretched(band):
    """Return a band on a scale from 0 to 255 between its percentiles 2 and 98."""
    return np.rint(scaled(band, *np.percentile(band.astype(np.float64), (2, 98))) * 255)

"""Rasters as networks are to see them."""

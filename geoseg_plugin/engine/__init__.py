"""The side that works on rasters and arrays: rasterio, numpy, torch, and never qgis."""

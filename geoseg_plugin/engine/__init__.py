"""The side that works on rasters and arrays: rasterio, numpy, torch, and never qgis."""

import os

# Threads of torch that wait for each other by spinning lose their time slices to other programs: beside a busy one,
# training was about three times slower with spinning. Must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

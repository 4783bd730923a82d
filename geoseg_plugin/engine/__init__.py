"""The side that works on rasters and arrays: rasterio, numpy, torch, and never qgis."""

import os

# Threads of torch that wait for each other by spinning lose their time slices to other programs: beside a busy one,
# training was several times slower. Must be set before torch is imported; no slower on an idle machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

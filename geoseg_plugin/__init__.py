"""The plugin: its contract, the QGIS side (host) and the side that works on rasters (engine)."""

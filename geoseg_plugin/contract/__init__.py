"""What can be asked of GeoSeg and what it can say back.

Imported by both Pythons (QGIS's and the engine's), hence the standard library alone and Python 3.9 syntax.
"""

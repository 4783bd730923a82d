"""What a training can be asked for, one module for each side of it; `stages.training` puts them together.

No part is made alone. So their dataclasses leave out what that would take, which costs time when QGIS starts.
"""

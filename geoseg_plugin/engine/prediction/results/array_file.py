"""Probabilities as a NumPy file."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from ....contract.errors import OutputError
from ....contract.events import Report
from .map_part import MapPart

_BYTES = 4


class ArrayFile:
    """Writes (rows, columns, classes) float32, NaN without data, part by part in their places.

    Not through memory that stands for the file: where the disk is full, that would end the process.

    Args:
        path: The .npy to create.
        shape: Rows, columns and classes.

    Raises:
        OutputError: There is no room for it.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._shape = shape
        size, free = _BYTES * shape[0] * shape[1] * shape[2], shutil.disk_usage(path.parent).free
        if size > free:
            raise OutputError(
                f"ARRAY takes {size / 1e9:.1f} GB, and there are {free / 1e9:.1f} GB left on the disk.",
                "Leave ARRAY out, make room, or choose another disk.",
            )
        self._file = path.open("wb")
        header = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(np.dtype("<f4"))}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._begin = self._file.tell()

    def write(self, part: MapPart) -> None:
        """Write the probabilities of a part.

        Raises:
            OSError: The disk is full.
        """
        values = np.ascontiguousarray(np.moveaxis(part.probabilities, 0, -1), "<f4")
        _, columns, classes = self._shape
        window = part.window
        if window.width == columns:
            self._put(values, window.row_off * columns * classes)
            return
        for row, line in enumerate(values, start=window.row_off):
            self._put(line, (row * columns + window.col_off) * classes)

    def finish(self, report: Report) -> None:
        """Finish the file.

        Raises:
            OSError: The disk is full.
        """
        self._file.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        with suppress(OSError):  # of a full disk, which was told
            self._file.close()

    def _put(self, values: np.ndarray, place: int) -> None:
        self._file.seek(self._begin + _BYTES * place)
        self._file.write(values.data)

"""Strips of a map in files of their own, until the map is written."""

from __future__ import annotations

import math
import os
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ....contract.errors import OutputError
from ..windows.strips import Strip

_SUFFIX = ".strip"
_UNFINISHED = ".part"
_NAME = re.compile(r"row(\d+)_column(\d+)_(\d+)x(\d+)\.strip")
_CHECKSUM_BYTES = 4
_FLOAT = np.dtype("<f4")
_READ_BYTES = 2**22


@dataclass(frozen=True)
class Store:
    """A folder of strips, each of which is there as a whole or not at all.

    A strip is a file: a checksum, where there are data as bits, and the probabilities as float32 unless all are 0.
    Several processes may write to one folder, each its own strips.

    Attributes:
        folder: The folder, which must exist when strips are written.
        class_count: Number of classes, K.
    """

    folder: Path
    class_count: int

    def write(self, strip: Strip) -> None:
        """Keep a strip: see `strips.Sink`. Does not change it.

        Raises:
            OSError: There is no room left, or the folder is gone.
        """
        bits = np.packbits(strip.valid)
        parts: list[NDArray[np.generic]] = [bits]
        if strip.probabilities.any():
            parts.append(np.ascontiguousarray(strip.probabilities, _FLOAT))
        path = self._path(strip.window)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{_UNFINISHED}")
        try:
            with unfinished.open("wb") as file:
                file.write(_checksum(parts))
                for part in parts:
                    file.write(part.data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise

    def windows(self) -> list[Window]:
        """Return where strips are kept, in rows and columns of the map, from top to bottom.

        Files of another size than such a strip has do not count.
        """
        found = [window for window, size in self._files() if size in self._sizes(window)]
        return sorted(found, key=lambda window: (window.row_off, window.col_off))

    def is_whole(self, window: Window) -> bool:
        """Tell whether the strip of a window can be read as it was written; takes little memory."""
        try:
            with self._path(window).open("rb") as file:
                told, value = file.read(_CHECKSUM_BYTES), 0
                while part := file.read(_READ_BYTES):
                    value = zlib.crc32(part, value)
                return file.tell() in self._sizes(window) and told == _as_bytes(value)
        except OSError:
            return False

    def read(self, window: Window) -> Strip:
        """Return the strip of a window.

        Raises:
            OutputError: It is damaged, or not there.
        """
        path = self._path(window)
        try:
            with path.open("rb") as file:
                told = file.read(_CHECKSUM_BYTES)
                bits = np.fromfile(file, np.uint8, _bit_bytes(window))
                values = np.fromfile(file, _FLOAT, -1)
        except OSError:
            told, bits, values = b"", np.empty(0, np.uint8), np.empty(0, _FLOAT)
        shape = self.class_count, window.height, window.width
        if values.size not in (0, math.prod(shape)) or told != _checksum([bits, values]):
            raise OutputError(f"{path} is damaged or gone.", "Run it again: that part is computed anew then.")
        valid = np.unpackbits(bits, count=window.height * window.width).astype(np.bool_)
        probabilities = values.reshape(shape) if values.size else np.zeros(shape, np.float32)
        return Strip(window, probabilities, valid.reshape(shape[1:]))

    def bytes_for(self, pixels: int) -> int:
        """Return how many bytes the strips of so many pixels take at most, but for a few of each strip."""
        return -(-pixels // 8) + pixels * self.class_count * _FLOAT.itemsize

    def clear(self) -> None:
        """Remove what a run that ended early has left half written."""
        for file in self.folder.glob(f"*{_UNFINISHED}"):
            file.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Window, int]]:
        with os.scandir(self.folder) as entries:
            for entry in entries:
                match = _NAME.fullmatch(entry.name)
                if match:
                    row, column, rows, columns = map(int, match.groups())
                    yield Window(column, row, columns, rows), entry.stat().st_size

    def _sizes(self, window: Window) -> tuple[int, int]:
        """Return the sizes in bytes that the file of a window can have."""
        return _CHECKSUM_BYTES + _bit_bytes(window), _CHECKSUM_BYTES + self.bytes_for(window.height * window.width)

    def _path(self, window: Window) -> Path:
        place = f"row{window.row_off}_column{window.col_off}_{window.height}x{window.width}"
        return self.folder / f"{place}{_SUFFIX}"


def _bit_bytes(window: Window) -> int:
    pixels: int = window.height * window.width
    return -(-pixels // 8)


def _checksum(parts: list[NDArray[np.generic]]) -> bytes:
    value = 0
    for part in parts:
        value = zlib.crc32(part.reshape(-1).view(np.uint8).data, value)
    return _as_bytes(value)


def _as_bytes(checksum: int) -> bytes:
    return checksum.to_bytes(_CHECKSUM_BYTES, "little")

"""Reading windows of many sheets from several threads."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import LifoQueue

import rasterio
from rasterio.windows import Window

from ....contract.stages.datasets import MakeTiles
from ..tiling.patches import Strip, read_strip
from ..tiling.sheet import Sheet, SheetImage, Truth
from ..tiling.sheet_image import open_image
from ..tiling.sources import LabelSource

_MOST_READERS = 8
_MOST_OPEN = 64  # sheets of all readers together, of two files each: macOS lets a program have 256


class Readers:
    """Reads windows; each of a few readers keeps files open, and works in a thread of its own.

    GDAL's handles must not be used from two threads at once, and its settings belong to the thread that makes them,
    while the threads that ask for windows come and go.

    Args:
        request: How the sheets are to be seen.
        sheets: The sheets.
        labels: Their labels.
    """

    def __init__(self, request: MakeTiles, sheets: Sequence[Sheet], labels: LabelSource) -> None:
        count = min(_MOST_READERS, os.cpu_count() or 1)
        self._readers = [_Reader(request, sheets, labels, max(1, _MOST_OPEN // count)) for _ in range(count)]
        self._idle: LifoQueue[_Reader] = LifoQueue()  # the last one has most of its files open
        for reader in self._readers:
            self._idle.put(reader)

    def read(self, sheet: int, window: Window) -> Strip:
        """Return the pixels of a window inside the grid of a sheet, given its number.

        Raises:
            InputError: The scene or its labels cannot be read there.
        """
        reader = self._idle.get()
        try:
            return reader.read(sheet, window)
        finally:
            self._idle.put(reader)

    def close(self) -> None:
        """Close all files; nothing must be read any more."""
        for reader in self._readers:
            reader.close()


class _Reader:
    """One reader. Its thread, and its files, come with the first window."""

    def __init__(self, request: MakeTiles, sheets: Sequence[Sheet], labels: LabelSource, most_open: int) -> None:
        self._request = request
        self._sheets = sheets
        self._labels = labels
        self._most_open = most_open
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="windows", initializer=self._start)
        self._settings = ExitStack()
        self._open: OrderedDict[int, tuple[ExitStack, SheetImage, Truth]] = OrderedDict()

    def read(self, sheet: int, window: Window) -> Strip:
        return self._thread.submit(self._read, sheet, window).result()

    def close(self) -> None:
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _start(self) -> None:
        # Around those of the files, which are not closed in the order in which they were opened.
        self._settings.enter_context(rasterio.Env())

    def _read(self, sheet: int, window: Window) -> Strip:
        if sheet in self._open:
            self._open.move_to_end(sheet)
        else:
            self._open[sheet] = self._open_files(self._sheets[sheet])
            if len(self._open) > self._most_open:
                self._open.popitem(last=False)[1][0].close()
        _, image, truth = self._open[sheet]
        return read_strip(image, truth, window)

    def _open_files(self, sheet: Sheet) -> tuple[ExitStack, SheetImage, Truth]:
        with ExitStack() as files:
            image = files.enter_context(open_image(sheet, self._request))
            truth = files.enter_context(self._labels.open(sheet))
            return files.pop_all(), image, truth

    def _end(self) -> None:
        while self._open:
            self._open.popitem()[1][0].close()
        self._settings.close()

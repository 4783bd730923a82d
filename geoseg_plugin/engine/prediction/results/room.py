"""Whether there is room left on the disks that a map is written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from ....contract.errors import OutputError
from ....contract.stages.stage import Stage
from ..windows.strips import Sink, Strip

_LEAST_BYTES = 2**16


class WatchedSink:
    """Passes strips on as long as there is room where results are written.

    GDAL writes in threads of its own, of which a full disk raises no error before the files are closed. By then a long
    run would have been in vain.

    Args:
        sink: Takes the strips.
        request: What is written. The folders must exist.
    """

    def __init__(self, sink: Sink, request: Stage) -> None:
        self._sink = sink
        paths = {Path(path).absolute().parent: path for _, path in request.paths(written=True)}
        # What says from the beginning that it is full may be a file system that does not tell.
        self._paths = {folder: path for folder, path in paths.items() if _has_room(folder)}

    def write(self, strip: Strip) -> None:
        """Pass a strip on.

        Raises:
            OutputError: There is no room left.
        """
        for folder, path in self._paths.items():
            if not _has_room(folder):
                raise OutputError(
                    f"There is no room left on the disk for {path}.", "Make room, or choose another folder."
                )
        self._sink.write(strip)


def _has_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free >= _LEAST_BYTES

"""Results appear whole or not at all: they are written in a folder beside their final place and moved on success."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..contract.errors import OutputError
from ..contract.staging import staging_name

_open_folders: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def whole_file(path: str) -> Iterator[Path]:
    """Give a path to write to instead of `path`; on success all that was written there moves to its place.

    Files written beside the given path (.qml, .aux.xml, .shx, ...) move along. On any error they are all removed and
    what stood at `path` before is untouched.

    Raises:
        OutputError: The folder of `path` cannot be made or written to.
    """
    final = Path(path).absolute()
    if final.is_dir():
        raise OutputError(f"{final} is a folder.", "Give the name of a file.")
    with _staging(final.parent, final.name) as folder:
        yield folder / final.name
        for written in sorted(folder.iterdir(), key=lambda file: file.name == final.name):
            written.replace(final.parent / written.name)


@contextmanager
def whole_folder(path: str) -> Iterator[Path]:
    """Give a folder to fill instead of `path`; on success it takes the place of `path`.

    Raises:
        OutputError: `path` exists and is not an empty folder, or its parent cannot be written to.
    """
    final = Path(path).absolute()
    if final.exists() and not (final.is_dir() and not any(final.iterdir())):
        raise OutputError(f"The folder {final} already exists and is not empty.", "Choose a new folder.")
    with _staging(final.parent, final.name) as folder:
        yield folder
        if final.exists():
            final.rmdir()
        folder.replace(final)


def discard_all() -> None:
    """Remove all unfinished results of this process; for when it must leave by force."""
    with _lock:
        for folder in _open_folders:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _staging(parent: Path, name: str) -> Iterator[Path]:
    # The process id lets the host remove the folder of a worker that was killed.
    folder = parent / staging_name(name, os.getpid())
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise OutputError(f"{parent} cannot be written to: {error.strerror}.", "Choose another folder.") from error
    with _lock:
        _open_folders.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with _lock:
            _open_folders.discard(folder)

"""Results appear whole or not at all: they are written in a folder beside their final place and moved on success."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..contract.errors import OutputError
from ..contract.events import Report
from ..contract.fields import RASTER_SUFFIXES
from ..contract.stages.dataset_files import DESCRIPTION, FORMAT, part_of_dataset
from ..contract.stages.stage import place_of
from ..contract.staging import staging_name, unfinished_name
from .style import STYLE_SUFFIX, is_style_of

# What GDAL, QGIS and SQLite keep beside a file and believe although it may be of another file of that name.
_BESIDE_NAME = (".ovr", ".msk", ".aux.xml", "-wal", "-shm", "-journal")
_BESIDE_SHAPEFILE = (".qix", ".sbn", ".sbx", ".prj", ".qpj", ".cpg")
_NO_DATA_SUFFIXES = (STYLE_SUFFIX, ".qmd", ".tfw", ".wld", ".prj", ".cpg", ".shx", ".dbf")
_SAME_TIME_S = 1.0  # how far clocks of processes and of files may lie apart
_open_folders: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def whole_file(path: str, report: Report) -> Iterator[Path]:
    """Give a path to write to instead of `path`; on success all that was written there moves to its place.

    Files written beside the given path (.qml, .aux.xml, .shx, ...) move along, but a style (.qml) of another file with
    the same stem is left alone. What lies beside an older file of that name (overviews, masks, indices) is removed. On
    any error nothing is left, and what stood at `path` before is untouched.

    Args:
        path: Where the result belongs.
        report: Is warned when a style is left alone.

    Raises:
        OutputError: The folder of `path` cannot be made or written to, the disk was full, or `path` cannot be replaced
            or is part of a dataset.
    """
    with whole_files([path], report) as staged:
        yield staged[0]


@contextmanager
def whole_files(paths: Sequence[str], report: Report) -> Iterator[tuple[Path, ...]]:
    """Give paths to write to instead of `paths`; when all are written, all move to their places: see `whole_file`.

    Raises:
        OutputError: A folder cannot be made or written to, the disk was full, or a file cannot be replaced or is part
            of a dataset.
    """
    finals = [Path(path).absolute() for path in paths]
    for final in finals:
        if final.is_dir():
            raise OutputError(f"{final} is a folder.", "Give the name of a file.")
        _keep_datasets(final)
    with ExitStack() as stack:
        folders = [stack.enter_context(_staging(final.parent, final.name)) for final in finals]
        staged = tuple(folder / final.name for folder, final in zip(folders, finals, strict=True))
        yield staged
        for path in staged:
            if path.suffix.lower() in RASTER_SUFFIXES and path.exists():
                from .completeness import check_whole  # late: the worker imports this module before it has a request

                check_whole(path)
        for folder, final in zip(folders, finals, strict=True):
            _move_all(folder, final, report)


@contextmanager
def whole_folder(path: str) -> Iterator[Path]:
    """Give a folder to fill instead of `path`; on success it takes the place of `path`.

    Raises:
        OutputError: `path` exists and is not an empty folder, its parent cannot be written to, or it is part of a
            dataset.
    """
    final = Path(path).absolute()
    if final.exists() and not (final.is_dir() and not any(final.iterdir())):
        raise OutputError(f"The folder {final} already exists and is not empty.", "Choose a new folder.")
    _keep_datasets(final)
    with _staging(final.parent, final.name) as folder:
        yield folder
        if final.exists():
            final.rmdir()
        folder.replace(final)


@contextmanager
def parts_folder(path: str) -> Iterator[Path]:
    """Give a folder beside `path` for parts of what is to be written there, which goes when the block ends.

    Raises:
        OutputError: The folder of `path` cannot be made or written to.
    """
    final = Path(path).absolute()
    with _staging(final.parent, unfinished_name(final.name)) as folder:
        yield folder


def discard_all() -> None:
    """Remove all unfinished results of this process; for when it must leave by force."""
    with _lock:
        for folder in _open_folders:
            shutil.rmtree(folder, ignore_errors=True)


def discard_left(paths: Iterable[str], process_id: int) -> None:
    """Remove what a process on this computer was building of some results, if it has ended without doing so."""
    import psutil  # late: the worker imports this module before it has a request

    if psutil.pid_exists(process_id):
        return
    for path in paths:
        final = Path(path).absolute()
        shutil.rmtree(final.parent / staging_name(final.name, process_id), ignore_errors=True)


def _keep_datasets(final: Path) -> None:
    """Refuse to write over a part of a dataset, whose tiles and description belong together."""
    for folder in Path(place_of(str(final))).parents:
        part = part_of_dataset(str(final), str(folder)) if _is_dataset(folder) else ""
        if part:
            raise OutputError(
                f"{final} would change {part} of the dataset {folder}.",
                "Choose another place: a dataset stays as made.",
            )


def _is_dataset(folder: Path) -> bool:
    try:
        return f'"{FORMAT}"'.encode() in (folder / DESCRIPTION).read_bytes()
    except OSError:
        return False


def _move_all(folder: Path, final: Path, report: Report) -> None:
    """Move the file first, since it is the one that other programs may hold; then what lies beside it."""
    style = final.with_suffix(STYLE_SUFFIX)
    if (folder / style.name).exists() and _belongs_to_another(style, final):
        report.warn(f"{style} is the style of another file and is left as it is: {final.name} arrives without style.")
        (folder / style.name).unlink()
    written = sorted((file.name for file in folder.iterdir()), key=lambda name: name != final.name)
    stale = {final.name + suffix for suffix in _BESIDE_NAME if written}
    if written and final.suffix.lower() == ".shp":
        stale |= {final.stem + suffix for suffix in _BESIDE_SHAPEFILE}
    try:
        for name in written:
            (folder / name).replace(final.parent / name)
        for name in stale.difference(written):
            (final.parent / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{final} cannot be replaced: {error.strerror}.", "Close it in other programs, or choose another name."
        ) from error


def _belongs_to_another(style: Path, final: Path) -> bool:
    """Tell whether a style is there already and may be that of another data file, for which QGIS takes it too."""
    if not style.exists() or is_style_of(style, final.name):
        return False
    return any(
        file.stem == final.stem and file.name != final.name and file.suffix.lower() not in _NO_DATA_SUFFIXES
        for file in final.parent.iterdir()
        if file.is_file()
    )


def _refuse_second_writer(parent: Path, name: str) -> None:
    """Refuse to write what another process is writing: one of the two results would be lost without a word."""
    if not parent.is_dir():
        return
    start = staging_name(name, 0)[:-1]
    with os.scandir(parent) as entries:  # quick, since a folder may take very many results
        numbers = [entry.name[len(start) :] for entry in entries if entry.name.startswith(start)]
    for number in numbers:
        if number.isdigit() and int(number) != os.getpid() and _made_by(int(number), parent / f"{start}{number}"):
            raise OutputError(
                f"{parent / name} is being written by another run (process {number}).",
                "Wait for that run, or choose another name.",
            )


def _made_by(process_id: int, folder: Path) -> bool:
    """Return whether a process runs that was there when a folder was made; its id may be another one's by now."""
    import psutil  # late: the worker imports this module before it has a request

    try:
        return bool(psutil.Process(process_id).create_time() < folder.stat().st_mtime + _SAME_TIME_S)
    except (psutil.Error, OSError):
        return False


@contextmanager
def _staging(parent: Path, name: str) -> Iterator[Path]:
    # The process id lets the host remove the folder of a worker that was killed.
    folder = parent / staging_name(name, os.getpid())
    _refuse_second_writer(parent, name)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and folder not in _open_folders:  # left by an earlier process with the same id
            shutil.rmtree(folder)
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

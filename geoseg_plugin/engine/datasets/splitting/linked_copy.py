"""A dataset anew from the files of another one: hard links to its tiles, or copies where the disk allows none."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from ....contract.events import Report, stop_if_cancelled
from ..dataset import IMAGES, LABELS, Dataset

TILE_SUFFIX = ".tif"
_FILES_AT_ONCE = 50


def link_tiles(dataset: Dataset, ids: Sequence[str], folder: Path, report: Report) -> None:
    """Link images and labels of tiles into a folder that is being made, and copy what lies beside them.

    That (masks, statistics of QGIS, world files) is small and is written anew by whoever looks at a tile.

    Args:
        dataset: Where they are.
        ids: Names of the tiles.
        folder: Where they shall be; its folders for images and labels are made.
        report: Hears whether they are links or copies.

    Raises:
        OSError: A file cannot be copied either.
    """
    kinds = [IMAGES, LABELS] if len(dataset.classes) else [IMAGES]
    linked, copied, bytes_copied = 0, 0, 0
    for number, kind in enumerate(kinds):
        (folder / kind).mkdir()
        beside = _files_by_tile(dataset.folder / kind)
        for at, tile in enumerate(ids):
            if at % _FILES_AT_ONCE == 0:
                stop_if_cancelled(report)
                report.progress((number + at / len(ids)) / len(kinds), "Linking tiles")
            for file in beside[tile]:
                target = folder / kind / file.name
                if file.suffix != TILE_SUFFIX:
                    shutil.copyfile(file, target)
                elif _link(file, target):
                    linked += 1
                else:
                    copied, bytes_copied = copied + 1, bytes_copied + file.stat().st_size
    if copied:
        report.note(f"The disk allows no hard links: {copied} files are copies, {bytes_copied / 1e6:,.1f} MB.")
    if linked:
        report.note(
            f"{linked} files are hard links to those of {dataset.folder}: they take no room, and an edit of one shows "
            "in both datasets."
        )


def _files_by_tile(folder: Path) -> defaultdict[str, list[Path]]:
    """Return the files of every tile: NAME.tif, NAME.tif.msk, NAME.tif.aux.xml, NAME.tfw, ..."""
    found: defaultdict[str, list[Path]] = defaultdict(list)
    names = {path.stem for path in folder.glob(f"*{TILE_SUFFIX}")}
    for path in sorted(folder.iterdir()):
        tile = path.name
        while tile and tile not in names:
            tile = tile.rpartition(".")[0]
        if tile and path.is_file():
            found[tile].append(path)
    return found


def _link(source: Path, target: Path) -> bool:
    """Link a file, or copy it; tell whether it is a link."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
        return False
    return True

"""Folders of images and of label rasters, and which of these belong together by their names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ....contract.errors import InputError, RequestError
from ....contract.events import Report
from ....contract.stages.datasets import MakeTiles
from ...imagery.paths import RASTER_FILES, is_hidden, name_some

_LABEL_FILES = (*RASTER_FILES, ".png")


def find_images(request: MakeTiles) -> tuple[str, ...]:
    """Return the images of IMAGE_FOLDER whose names fit PATTERN, in order.

    Hidden folders, OUTPUT, and a LABEL_FOLDER within it are passed over; capitals do not count.

    Raises:
        InputError: The folder does not exist, or holds none.
    """
    root = _folder(str(request.image_folder))
    apart = [Path(request.output).resolve()]
    if request.label_folder and Path(request.label_folder).resolve() != root:
        apart.append(Path(request.label_folder).resolve())
    pattern = request.pattern.lower()
    found = [file for file in _files(root, apart) if fnmatchcase(file.name.lower(), pattern)]
    if not found:
        raise InputError(
            f"No file in {request.image_folder} or its subfolders fits '{request.pattern}'.", "Check PATTERN."
        )
    return tuple(map(str, found))


def pair_labels(request: MakeTiles, images: Sequence[str], report: Report) -> tuple[str, ...]:
    """Return the label raster of every image: the file of LABEL_FOLDER of the same relative path, else the same name.

    Suffixes do not count, and PAIRING is applied to the names of the images first. A file that has the relative path of
    one image is that of no other.

    Raises:
        InputError: The folder does not exist, or an image has no label raster, or several of them.
        RequestError: PAIRING is not two parts of names.
    """
    root, rename = _folder(str(request.label_folder)), renaming(request.pairing)
    places: dict[str, list[Path]] = {}
    for file in _files(root, [Path(request.output).resolve()]):
        if file.suffix.lower() in _LABEL_FILES:
            places.setdefault(_key(file.relative_to(root)), []).append(file)
    wanted = [Path(_key(_place(image, request))) for image in images]
    wanted = [place.with_name(rename(place.name)) for place in wanted]
    claimed = set(map(str, wanted))
    stems: dict[str, list[Path]] = {}
    for key, files in places.items():
        if key not in claimed:
            stems.setdefault(files[0].stem, []).extend(files)
    own = {str(Path(image).absolute()) for image in images}
    fitting = []
    for image, place in zip(images, wanted, strict=True):
        fits = places.get(str(place)) or stems.get(place.name) or []
        fitting.append([file for file in fits if file != Path(image).absolute()])
    _check_found(images, wanted, fitting, request, sorted(file.name for files in places.values() for file in files))
    _check_single(images, fitting)
    unused = {str(file) for files in places.values() for file in files} - {str(one[0]) for one in fitting} - own
    if unused:
        report.warn(f"{len(unused)} label rasters belong to no image: {name_some(sorted(unused))}.")
    return tuple(str(files[0]) for files in fitting)


def renaming(pairing: str | None) -> Callable[[str], str]:
    """Return what makes the name of a label raster, without suffix, of that of an image, by PAIRING.

    Raises:
        RequestError: PAIRING is not two parts of names, the first of which is not empty.
    """
    if pairing is None:
        return lambda name: name
    old, separator, new = pairing.partition(",")
    new = new.removeprefix(" ")
    if not (old.strip() and separator) or any(sign in part for part in (old, new) for sign in "/\\,"):
        raise RequestError(
            f"PAIRING is '{pairing}'.",
            "Give a part of the images' names and what replaces it, separated by a comma: _3b_, _vh_.",
        )
    return lambda name: name.replace(old, new)


def _folder(path: str) -> Path:
    root = Path(path).resolve()
    if not root.is_dir():
        raise InputError(f"The folder {path} does not exist.", "Choose an existing folder.")
    return root


def _files(root: Path, apart: Sequence[Path]) -> list[Path]:
    return [
        file
        for file in sorted(root.rglob("*"))
        if not is_hidden(file.relative_to(root)) and not any(map(file.is_relative_to, apart)) and file.is_file()
    ]


def _place(image: str, request: MakeTiles) -> Path:
    """Return where an image lies in IMAGE_FOLDER, of other images the name alone."""
    file = Path(image)
    return file.relative_to(Path(request.image_folder).resolve()) if request.image_folder else Path(file.name)


def _key(place: Path) -> str:
    return str(place.with_suffix(""))


def _check_found(
    images: Sequence[str], wanted: Sequence[Path], fitting: Sequence[Sequence[Path]], request: MakeTiles,
    names: Sequence[str],
) -> None:  # fmt: skip
    lacking = [at for at, files in enumerate(fitting) if not files]
    if lacking:
        sought = name_some([wanted[at].name for at in lacking])
        raise InputError(
            f"{len(lacking)} of {len(images)} images have no label raster in {request.label_folder}: "
            f"{name_some([images[at] for at in lacking])}. Looked for were rasters named {sought}; there are "
            f"{name_some(names) if names else 'none'}.",
            "Give the label rasters the names of their images, or say in PAIRING how the names differ.",
        )


def _check_single(images: Sequence[str], fitting: Sequence[Sequence[Path]]) -> None:
    for image, files in zip(images, fitting, strict=True):
        if len(files) > 1:
            raise InputError(
                f"{len(files)} label rasters may belong to {image}: {name_some(files)}.",
                "Leave one of them, or put it in the subfolder in which the image lies.",
            )

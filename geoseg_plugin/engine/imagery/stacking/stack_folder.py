"""The stage that stacks the bands of files that belong together, for all such files of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ....contract.errors import InputError, RequestError
from ....contract.events import Part, Report
from ....contract.fields import RASTER_SUFFIXES, fields_of
from ....contract.stages.bands import StackBands, StackFolder, StackFolderResult
from ...gathering import Gathering
from ...output import whole_folder
from ..paths import RASTER_FILES, is_hidden, name_some
from .band_choice import split_list
from .stack import write_stack


@dataclass(frozen=True)
class Group:
    """Files that belong together, in the order of PARTNERS, and the path of their stack within OUTPUT."""

    files: tuple[Path, ...]
    target: Path


def stack_folder(request: StackFolder, report: Report) -> StackFolderResult:
    """Stack every group of files of FOLDER into one raster of OUTPUT.

    Raises:
        RequestError: PARTNERS or STACKED cannot be parts of names, or a band cannot be had.
        InputError: Nothing is found, a partner is missing, two stacks would have one name, or a file cannot be read.
        OutputError: OUTPUT is there already, or cannot be written.
    """
    groups = find_groups(request)
    gathering = Gathering(report)
    with whole_folder(request.output) as folder:
        for number, group in enumerate(groups):
            own = _report_of(gathering, groups, number)
            own.progress(0.0)
            try:
                write_stack(_request_of(request, group), str(folder / group.target), own)
            except (InputError, RequestError) as error:
                if str(group.files[0]) in error.message:
                    raise
                raise type(error)(f"{group.files[0]}: {error.message}", error.fix) from error
    gathering.warn_once()
    return StackFolderResult(output=request.output, count=len(groups))


def find_groups(request: StackFolder) -> tuple[Group, ...]:
    """Return the groups of files of FOLDER, by the names of their first files; what lies in OUTPUT is left alone.

    Raises:
        RequestError: PARTNERS or STACKED cannot be parts of names.
        InputError: FOLDER does not exist, nothing is found, a partner is missing, or two stacks would have one name.
    """
    parts = _parts(request)
    root, output = Path(request.folder).resolve(), Path(request.output).resolve()
    if not root.is_dir():
        raise InputError(f"The folder {request.folder} does not exist.", "Choose an existing folder.")
    rasters = [
        file
        for file in sorted(root.rglob("*"))
        if any(part in file.name for part in parts)
        and file.suffix.lower() in RASTER_FILES
        and not file.is_relative_to(output)
        and not is_hidden(file.relative_to(root))
        and file.is_file()
    ]
    files = [file for file in rasters if parts[0] in file.name]
    if not files:
        raise InputError(
            f"No raster in {request.folder} or its subfolders has '{parts[0]}' in its name.",
            f"Check PARTNERS: capitals count. Files ending in {', '.join(RASTER_FILES)} are looked at.",
        )
    groups = tuple(_group(file, root, parts, request.stacked) for file in files)
    _check_complete(groups, _without_first(rasters, parts))
    _check_targets(groups)
    return groups


def _parts(request: StackFolder) -> list[str]:
    parts = split_list(request.partners)
    for part in (*parts, request.stacked):
        if "/" in part or "\\" in part:
            raise RequestError(f"'{part}' cannot be a part of a file's name.", "Give parts of names, not of paths.")
    if not parts or len(set(parts)) < len(parts):
        raise RequestError(
            f"PARTNERS is '{request.partners}'.", "Give different parts of names, separated by commas: _vh_, _vv_."
        )
    return parts


def _group(first: Path, root: Path, parts: Sequence[str], stacked: str) -> Group:
    files = tuple(first.with_name(first.name.replace(parts[0], part)) for part in parts)
    new = Path(first.name.replace(parts[0], stacked))
    name = new.name if new.suffix.lower() in RASTER_SUFFIXES else f"{new.stem}.tif"
    return Group(files, first.parent.relative_to(root) / name)


def _without_first(rasters: Sequence[Path], parts: Sequence[str]) -> list[Path]:
    """Return the files that are missing although others of their group are there: those with the first part."""
    wanted = {
        file.with_name(file.name.replace(part, parts[0]))
        for file in rasters
        for part in parts[1:]
        if part in file.name and parts[0] not in file.name
    }
    return sorted(file for file in wanted if not file.is_file())


def _check_complete(groups: Sequence[Group], alone: Sequence[Path]) -> None:
    missing = [*alone, *(file for group in groups for file in group.files[1:] if not file.is_file())]
    if missing:
        raise InputError(
            f"Of {len(groups) + len(alone)} groups of files {len(missing)} files are missing: {name_some(missing)}.",
            "Add them, or check PARTNERS.",
        )


def _check_targets(groups: Sequence[Group]) -> None:
    first_of: dict[str, Path] = {}
    for group in groups:
        other = first_of.setdefault(str(group.target).lower(), group.files[0])
        if other != group.files[0]:
            raise InputError(
                f"The stacks of {other} and {group.files[0]} would both be named {group.target}.",
                "Choose another STACKED, or rename one of the files.",
            )


def _request_of(request: StackFolder, group: Group) -> StackBands:
    """Return the request for one group, which its stack will state as its origin."""
    shared = {field.name for field in fields_of(StackBands)} - {"inputs", "output"}
    return StackBands(
        inputs=tuple(map(str, group.files)), output=str(Path(request.output) / group.target),
        **{name: getattr(request, name) for name in shared},
    )  # fmt: skip


def _report_of(gathering: Gathering, groups: Sequence[Group], number: int) -> Report:
    """Return the report of one group: its progress is a part of that of all, with its name for what is being done."""
    group, count = groups[number], len(groups)
    part = Part(gathering.whole, number / count, (number + 1) / count)
    text = f"Raster {number + 1} of {count}: {group.target.name}"
    words = [word for file in group.files for word in (str(file), file.stem)]
    return gathering.report_of(str(group.files[0]), words, lambda fraction, _: part.progress(fraction, text))

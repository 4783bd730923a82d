"""The base of every stage."""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass
from typing import ClassVar, Dict, Iterator, Tuple

from ..errors import RequestError
from ..fields import OUTPUT_KINDS, PATH_KINDS, Kind, fields_of


@dataclass(frozen=True)
class Stage:
    """One thing that GeoSeg can be asked to do. A subclass's docstring is its help text.

    Attributes:
        title: Name shown to people, in sentence case.
        group: Name of the Toolbox group.
        tags: Further words under which people look for it.
        result: The dataclass that names what it gives back.
        after_death: What to do when the engine dies while it runs, where there is more to do than to try again.
    """

    title: ClassVar[str]
    group: ClassVar[str]
    tags: ClassVar[Tuple[str, ...]]
    result: ClassVar[type]
    after_death: ClassVar[str] = ""

    @classmethod
    def id(cls) -> str:
        """The fixed name in QGIS, without the provider: predictsegmentation."""
        return cls.__name__.lower()

    @classmethod
    def command(cls) -> str:
        """The name on the command line: predict-segmentation."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def help_text(cls) -> str:
        """What the stage does, as paragraphs separated by empty lines."""
        return inspect.cleandoc(cls.__doc__ or "")

    def __post_init__(self) -> None:
        """Bring every value into its plain type, complete them and check them.

        Raises:
            RequestError: A value is missing or not acceptable.
        """
        for field in fields_of(self):
            object.__setattr__(self, field.name, field.clean(getattr(self, field.name)))
        self.complete()
        self._check_outputs()
        self.check()

    def complete(self) -> None:
        """Set values that follow from others, the same ones when done again. Subclasses override it."""

    def check(self) -> None:
        """Check what involves several values; raise RequestError. Subclasses override it."""

    def paths(self, *, written: bool) -> Iterator[Tuple[str, str]]:
        """Return the parameters and paths of all files that are written, or of all that are read."""
        for field in fields_of(self):
            value = getattr(self, field.name)
            if value and field.kind in PATH_KINDS and (field.kind in OUTPUT_KINDS) == written:
                for path in value if field.kind is Kind.LAYERS else (value,):
                    yield field.parameter, path

    def _check_outputs(self) -> None:
        """Refuse a request that would overwrite one of its inputs or write two results to one file."""
        inputs = {place_of(path): parameter for parameter, path in self.paths(written=False)}
        outputs: Dict[str, str] = {}
        for parameter, path in self.paths(written=True):
            place = place_of(path)
            if place in inputs:
                raise RequestError(
                    f"{parameter} would overwrite {inputs[place]} ({path}).", "Choose another file to write."
                )
            if place in outputs:
                raise RequestError(f"{parameter} and {outputs[place]} are the same file ({path}).", "Choose two files.")
            outputs[place] = parameter


def place_of(source: str) -> str:
    """Return where a file (or "path|layername=NAME") really lies, the same text for every way to write its path."""
    return os.path.normcase(os.path.realpath(source.split("|", maxsplit=1)[0]))

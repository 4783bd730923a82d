"""The shell's way in: every stage is a command, made from its declaration."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .contract.errors import Cancelled, GeosegError, RequestError, own_fault
from .contract.fields import Field, Kind, fields_of
from .contract.stages import STAGES, build, describe, from_json
from .contract.stages.environment import InstallEngine
from .contract.stages.stage import Stage

EXIT_FAILED = 1
EXIT_CANCELLED = 130

_METAVARS = {
    Kind.NUMBER: "N", Kind.EXTENT: "XMIN,XMAX,YMIN,YMAX[CRS]", Kind.FIELD: "NAME", Kind.TEXT: "TEXT",
    Kind.FOLDER: "FOLDER", Kind.FOLDER_OUT: "FOLDER",
}  # fmt: skip


class ConsoleReport:
    """A Report that writes to the terminal. Ctrl-C and SIGTERM (of a cluster, say) ask the stage to stop."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._text = ""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._cancelled.set())

    def progress(self, fraction: float, text: str = "") -> None:
        """Rewrite the progress line where there is a terminal; else say only what changed."""
        changed, self._text = text not in ("", self._text), text or self._text
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{100 * fraction:5.1f} % {self._text}\x1b[K")
        elif changed:
            sys.stderr.write(f"{100 * fraction:5.1f} % {self._text}\n")
        sys.stderr.flush()

    def note(self, text: str) -> None:
        """Write the text on a line of its own."""
        sys.stderr.write(f"{chr(13) if sys.stderr.isatty() else ''}{text}\n")

    def warn(self, text: str) -> None:
        """Write the text, marked."""
        self.note(f"Warning: {text}")

    def detail(self, text: str) -> None:
        """Say nothing: details are for the log of QGIS."""

    def metric(self, name: str, value: float, step: int) -> None:
        """Say nothing: notes carry the figures for people."""

    def is_cancelled(self) -> bool:
        """Tell whether it was asked to stop."""
        return self._cancelled.is_set()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 failed, 130 cancelled."""
    options = _parser().parse_args(arguments)
    if options.command == "worker":
        from .engine.worker import serve

        return serve()
    if options.command == "describe":
        sys.stdout.write(json.dumps(describe(), indent=None if options.json else 2) + "\n")
        return 0
    try:
        result = _perform(_request(options))
    except Cancelled as cancelled:
        sys.stderr.write(f"\n{cancelled}\n")
        return EXIT_CANCELLED
    except GeosegError as error:
        sys.stderr.write(f"\nError: {error}\n")
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends in our words
        sys.stderr.write(f"\n{traceback.format_exc()}\nError: {own_fault(error)}\n")
        return EXIT_FAILED
    sys.stderr.write("\n" if sys.stderr.isatty() else "")
    if os.environ.get("RANK", "0") == "0":  # of several that torchrun has started, one speaks
        # In ASCII, because not every terminal can write every path.
        sys.stdout.write(json.dumps(dataclasses.asdict(result), indent=2) + "\n")
    return 0


def _perform(request: Stage) -> Any:
    # Imported late: installing must work with nothing but the standard library.
    if isinstance(request, InstallEngine):
        from .host.install import install_engine

        return install_engine(request, ConsoleReport())
    from .engine.run import run

    return run(request, ConsoleReport())


def _request(options: argparse.Namespace) -> Stage:
    if options.command == "run":
        return _read_job(options)
    names = [field.name for field in fields_of(STAGES[options.stage])]
    return build(options.stage, {name: getattr(options, name) for name in names})


def _read_job(options: argparse.Namespace) -> Stage:
    try:
        request = from_json(json.loads(Path(options.job).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise RequestError(f"The job file {options.job} cannot be read: {error}.") from error
    if options.output is None:
        return request
    return build(request.id(), {**dataclasses.asdict(request), "output": options.output})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="geoseg", description="From imagery and labels to a trained segmentation model and back onto the map."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for stage in STAGES.values():
        _add_stage(commands, stage)
    job = commands.add_parser(
        "run", help="Run a job file (JSON with 'stage' and 'parameters'), or make the dataset of a dataset.json again."
    )
    job.add_argument("job", help="Path of the job file or of a dataset.json.")
    job.add_argument("--output", metavar="PATH", help="Where the result goes, in place of what the file says.")
    listing = commands.add_parser("describe", help="Write every stage with its parameters and results as JSON.")
    listing.add_argument("--json", action="store_true", help="On one line, for programs.")
    commands.add_parser("worker", help="Serve one request on standard input; used by QGIS.")
    return parser


def _add_stage(commands: Any, stage: type[Stage]) -> None:
    help_text = stage.help_text()
    parser = commands.add_parser(
        stage.command(), help=help_text.split("\n\n")[0].replace("%", "%%"), description=help_text.replace("%", "%%"),
        epilog=_noted_choices(stage).replace("%", "%%"), formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.set_defaults(stage=stage.id())
    for field in fields_of(stage):
        parser.add_argument(field.option, **_argument(field))


def _noted_choices(stage: type[Stage]) -> str:
    """Return what is to know of single choices, each on a line of its own."""
    lines = []
    for field in fields_of(stage):
        if field.noted_choices:
            width = max(len(choice) for choice, _ in field.noted_choices)
            lines += [f"{field.option}:", *(f"  {choice:{width}}  {note}" for choice, note in field.noted_choices), ""]
    return "\n".join(lines)


def _argument(field: Field) -> dict[str, Any]:
    help_text = " ".join(part for part in (field.help, _limits(field)) if part).replace("%", "%%")
    required = not field.optional and field.default is None
    argument: dict[str, Any] = {"dest": field.name, "help": help_text, "required": required, "default": field.default}
    if field.kind is Kind.FLAG:
        argument["action"] = argparse.BooleanOptionalAction
        return argument
    argument["metavar"] = _METAVARS.get(field.kind, "PATH")
    if field.kind is Kind.LAYERS:
        argument["nargs"] = "+"
    if field.kind is Kind.CHOICE:
        argument["metavar"] = "CHOICE"
    return argument


def _limits(field: Field) -> str:
    if field.kind is Kind.CHOICE:
        return f"One of: {'those below' if field.noted_choices else ', '.join(field.choices)}; default {field.default}."
    facts = [field.unit, field.range_text(), f"default {field.default}" if field.default not in (None, "") else ""]
    if field.kind is Kind.FLAG or not any(facts):
        return ""
    return f"({'; '.join(fact for fact in facts if fact)})"

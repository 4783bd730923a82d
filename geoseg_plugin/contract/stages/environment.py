"""Stages that make and check the engine's own Python environment."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Kind, ask, give
from .stage import Stage


@dataclass(frozen=True)
class InstallEngineResult:
    """What InstallEngine gives back."""

    python: str = give(Kind.TEXT, "Python", "The engine's Python program.")


@dataclass(frozen=True)
class InstallEngine(Stage):
    """Install the engine: the Python packages that read rasters, train and predict, in a folder of their own.

    QGIS's own Python is not touched. With a graphics card the packages take about 7 GB on disk. The engine is used
    only after every package has done a small real piece of work. Without internet, give a folder of wheels.

    Installing again does nothing if the engine is already there, unless REINSTALL is set.
    """

    title = "Install engine"
    group = "Engine"
    tags = ("setup", "dependencies", "torch", "pytorch", "pip", "environment", "requirements")
    result = InstallEngineResult

    python: str | None = ask(
        Kind.FILE, "Python to build on", "A Python 3.11 or later; without it one is looked for.", optional=True,
        advanced=True,
    )  # fmt: skip
    wheels: str | None = ask(
        Kind.FOLDER, "Folder of wheels", "Install from this folder instead of the internet.", optional=True,
        advanced=True,
    )  # fmt: skip
    reinstall: bool = ask(
        Kind.FLAG, "Reinstall", "Make the environment anew even if it is there.", default=False, advanced=True
    )


@dataclass(frozen=True)
class CheckEngineResult:
    """What CheckEngine gives back."""

    python: str = give(Kind.TEXT, "Python", "The engine's Python program.")
    device: str = give(Kind.TEXT, "Device", "The device that networks will run on.")
    summary: str = give(Kind.TEXT, "Summary", "Versions, processor, memory, graphics card and driver, to copy.")


@dataclass(frozen=True)
class CheckEngine(Stage):
    """Check that the engine works, and say what it runs on.

    Every package does a small real piece of work, and so does the graphics card if there is one. The versions, the
    driver, the memory and the device that is really used are written to the log, ready to be copied into a report.
    """

    title = "Check engine"
    group = "Engine"
    tags = ("diagnose", "gpu", "cuda", "driver", "versions", "troubleshooting", "torch")
    result = CheckEngineResult

    device: str = ask(Kind.TEXT, "Device", "auto, cpu, cuda or cuda:N.", default="auto")

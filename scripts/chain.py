"""What the demo and the run on real imagery share: algorithms through the real qgis_process, timed, and figures."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ENGINE_PYTHON = ROOT / "build" / "env" / "engine" / "bin" / "python"

_VALUE = re.compile(r"^(\w+):\t(.*)$")
_PROGRESS = re.compile(r"^[\d.]+(?=[^\W\d])")
_NOISE = re.compile(r"^-*$|^Inputs$|^Results$|^[\d.]*100 - done\.$|^[^:]+ \d+: \S+$|DeprecationWarning")


class Chain:
    """Runs one algorithm after the other and remembers how long each took, and what the last one said."""

    def __init__(self) -> None:
        self.seconds: list[tuple[str, float]] = []
        self.said: list[str] = []

    def run(self, algorithm: str, **parameters: Any) -> dict[str, str]:
        """Run geoseg:`algorithm` with qgis_process, showing what it says.

        Args:
            algorithm: Its name without the provider.
            parameters: Values by parameter name; a sequence gives the parameter several times.

        Returns:
            Its results as texts, by name.
        """
        # Without stdbuf a pipe would hear everything at the end.
        command = ["stdbuf", "-oL", str(ROOT / "scripts" / "qgis_process"), "run", f"geoseg:{algorithm}", "--"]
        for name, value in parameters.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            command += [f"{name}={item}" for item in values]
        print(f"\n== {algorithm}", flush=True)
        started = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            results, self.said = follow(process.stdout or ())
        if process.returncode:
            sys.exit(f"geoseg:{algorithm} failed.")
        seconds = time.monotonic() - started
        self.seconds.append((algorithm, seconds))
        print(f"   {seconds:.1f} s", flush=True)
        return results

    def print_times(self) -> None:
        """Print the wall time of each step."""
        print("\nWall time of each step")
        for name, seconds in self.seconds:
            print(f"  {name:22} {seconds:7.1f} s")
        print(f"  {'together':22} {sum(seconds for _, seconds in self.seconds):7.1f} s")


def follow(lines: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Print what qgis_process says, less its frame and its figures for programs.

    Returns:
        The results at its end, and what was printed.
    """
    results: dict[str, str] = {}
    said = []
    for line in lines:
        text = _PROGRESS.sub("", line.rstrip("\n"))
        value = _VALUE.match(text)
        if text == "Results":
            results.clear()
        if value:
            results[value[1]] = value[2]
        elif not _NOISE.search(text):
            print(f"   {text}", flush=True)
            said.append(text)
    return results, said


def measure(truth: Sequence[Path], predicted: Sequence[Path]) -> dict[str, Any]:
    """Return mean IoU and, per class of the truth, share, IoU, F1 and boundary F1, counted over all pairs."""
    output = _in_engine("measure.py", "--truth", *truth, "--predicted", *predicted)
    figures: dict[str, Any] = json.loads(output)
    return figures


def measure_seams(probabilities: Sequence[Path], size: int, overlap: float) -> float:
    """Return the mean jump of probability across borders of windows over that elsewhere: see seams.py."""
    return float(_in_engine("seams.py", "--size", size, "--overlap", overlap, *probabilities))


def _in_engine(script: str, *arguments: Any) -> str:
    """Return what a script of this folder prints when the engine's Python runs it."""
    command = [str(ENGINE_PYTHON), str(ROOT / "scripts" / script), *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "src")}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=variables).stdout

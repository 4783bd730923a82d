"""Checks that the engine works: every package does a small real piece of work, and so does the device."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path

from ..contract.errors import EngineError
from ..contract.events import Report, stop_if_cancelled
from ..contract.stages.environment import CheckEngine, CheckEngineResult
from .package_checks import CHECKS, convolve, onnx_providers
from .run import version

_DRIVER_QUERY = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]


def check_engine(request: CheckEngine, report: Report) -> CheckEngineResult:
    """Let every package and the device do real work, and describe what the engine runs on.

    Raises:
        EngineError: A package does not work.
        GeosegError: The device that was asked for is not there or does not work.
    """
    versions = []
    for number, (package, check) in enumerate(CHECKS.items()):
        stop_if_cancelled(report)
        report.progress(0.9 * number / len(CHECKS), f"Checking {package}")
        versions.append(f"{package} {_check(package, check)}")
    report.progress(0.9, "Checking the device")
    device, providers = _check_device(request.device)
    lines = [
        f"GeoSeg {version()}, Python {platform.python_version()} ({sys.executable})",
        f"System: {platform.platform()}",
        f"Processor: {_processor()}, {os.cpu_count()} threads",
        f"Memory: {_memory()}",
        f"Graphics card: {_graphics_card()}",
        f"Device used by torch: {device}{_why_not_the_gpu(request.device)}",
        f"Device used by onnxruntime: {providers}",
        f"Packages: {', '.join(versions)}",
    ]
    for line in lines:
        report.note(line)
    return CheckEngineResult(python=sys.executable, device=device, summary="\n".join(lines))


def _check(package: str, check: Callable[[], bool]) -> str:
    """Run the check of one package and return its version."""
    try:
        works = check()
    except Exception as error:
        fix = "Run 'Install engine' with REINSTALL."
        if "DLL load failed" in str(error):
            fix = "Install the 'Microsoft Visual C++ Redistributable' (x64)."
        raise EngineError(f"{package} does not work: {type(error).__name__}: {error}.", fix) from error
    if not works:
        raise EngineError(f"{package} gives a wrong answer.", "Run 'Install engine' with REINSTALL.")
    return _installed_version(package)


def _installed_version(package: str) -> str:
    # One package comes under two names, for systems with and without CUDA.
    for name in (package, f"{package}-gpu"):
        try:
            return package_version(name)
        except PackageNotFoundError:
            continue
    return "of unknown version"


def _check_device(wanted: str) -> tuple[str, str]:
    """Let the device do a convolution; return it in words, and the providers that onnxruntime really takes."""
    import torch

    from .device import choose_device, describe_device

    device = choose_device(wanted)
    convolve(device.type if device.index is None else f"{device.type}:{device.index}")
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    providers = onnx_providers(with_gpu=device.type == "cuda")
    return describe_device(device), ", ".join(providers)


def _why_not_the_gpu(wanted: str) -> str:
    """Return, for a device that was chosen for the user, why it is no graphics card."""
    from .device import is_auto, why_no_gpu

    reason = why_no_gpu() if is_auto(wanted) else None
    return f"; no graphics card is used: {reason}" if reason else ""


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    import psutil

    memory = psutil.virtual_memory()
    return f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} GiB free"


def _graphics_card() -> str:
    """Return name, driver and memory as the driver states them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "no NVIDIA driver found"
    command = [program, *_DRIVER_QUERY]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # nosec B603 - no shell
    except (OSError, subprocess.SubprocessError) as error:
        return f"the NVIDIA driver does not answer ({error})"
    return "; ".join(line.strip() for line in answer.stdout.splitlines() if line.strip()) or "none"

"""Reads what uv or pip wrote while installing: how far it is, and why it failed. Standard library alone."""

from __future__ import annotations

import re
from typing import Tuple

from ..contract.errors import EngineError

_UNITS = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
_DOWNLOADING = re.compile(r"^\s*Downloading (\S+) \(([\d.]+)(KiB|MiB|GiB)\)", re.MULTILINE)
_DOWNLOADED = re.compile(r"^\s*Downloaded (\S+)", re.MULTILINE)

# Shares of uv's work: finding versions, downloading and unpacking, linking files into place.
_RESOLVED, _PREPARED = 0.05, 0.9

_TLS = r"certificate verify failed|invalid peer certificate|UnknownIssuer|SSLError|self.signed certificate"
_NETWORK = (
    r"Could not resolve host|failed to lookup address|Temporary failure in name resolution|getaddrinfo failed"
    r"|Connection refused|timed out|Connection reset|NewConnectionError|error sending request|Network is unreachable"
)
_NO_WHEEL = r"No matching distribution|no wheels? |No solution found|not found in the package registry|no version of"
_VC_RUNTIME = r"VCRUNTIME140|MSVCP140|DLL load failed|WinError 126"

# The first that matches is the cause: the later ones may follow from it.
_CAUSES = (
    (
        r"No space left on device|os error 28|not enough space on the disk|WinError 112|Disk quota exceeded",
        "The disk is full.",
        "Free about 14 GB, or set GEOSEG_HOME to a folder on another disk.",
    ),
    (
        _TLS,
        "The package index shows a certificate that this computer does not trust.",
        "Behind an inspecting proxy, set SSL_CERT_FILE to your organisation's certificates, or UV_SYSTEM_CERTS=1.",
    ),
    (
        r"tunnel error|ProxyError|Cannot connect to proxy|407 Proxy|Proxy Authentication",
        "The proxy server refused or could not be reached.",
        "Check HTTPS_PROXY (its address, name and password), or install from a folder of wheels (WHEELS).",
    ),
    (
        _NETWORK,
        "The package index could not be reached.",
        "Check the internet connection and HTTPS_PROXY, or install from a folder of wheels (WHEELS).",
    ),
    (
        r"WinError 32|WinError 5\]|Access is denied|os error 32|being used by another process|Permission denied",
        "A file is locked or may not be written.",
        "Close other QGIS windows, let the virus scanner finish, and try again.",
    ),
    (
        _VC_RUNTIME,
        "The Microsoft Visual C++ runtime is missing.",
        "Install the 'Microsoft Visual C++ Redistributable' (x64) and try again.",
    ),
    (
        _NO_WHEEL,
        "A package is not to be had for this Python and this system.",
        "Use a 64-bit Python 3.11 to 3.14, and where WHEELS is given, a folder with all packages for it.",
    ),
    (r"MemoryError|Cannot allocate memory", "There was not enough memory.", "Close other programs and try again."),
)


def explain_failure(log: str, log_path: str) -> EngineError:
    """Return the error for a failed installation, by what the log says.

    Args:
        log: The end of what the programs wrote.
        log_path: Where all of it can be read.
    """
    for pattern, message, fix in _CAUSES:
        if re.search(pattern, log, re.IGNORECASE):
            return EngineError(f"The engine was not installed. {message}", f"{fix} Log: {log_path}.")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = f" Last line: {lines[-1]}." if lines else ""
    return EngineError(f"The engine was not installed.{last}", f"See the log: {log_path}.")


def read_progress(log: str, package_count: int) -> Tuple[float, str]:
    """Return how much of an installation is done (0 to 1) and what it is doing, from what uv or pip wrote so far.

    Args:
        log: All that was written so far.
        package_count: How many packages are required.
    """
    if "Resolved " in log:
        return _read_uv(log)
    collected = len(re.findall(r"^Collecting ", log, re.MULTILINE))
    if "Installing collected packages" in log:
        return _PREPARED, "Unpacking packages"
    fraction = _PREPARED * min(collected / max(package_count, 1), 1.0)
    return fraction, f"Downloading package {collected} of {package_count}" if collected else "Looking up packages"


def _read_uv(log: str) -> Tuple[float, str]:
    if "Prepared " in log:
        return _PREPARED, "Putting packages into place"
    sizes = {name: float(size) * _UNITS[unit] for name, size, unit in _DOWNLOADING.findall(log)}
    done = {name for name in _DOWNLOADED.findall(log) if name in sizes}
    if not sizes:
        return _RESOLVED, "Taking packages from the cache"
    total, finished = sum(sizes.values()), sum(sizes[name] for name in done)
    waiting = sorted((name for name in sizes if name not in done), key=lambda name: -sizes[name])
    text = f"Downloading {total:.0f} MiB, {finished:.0f} MiB done"
    return (
        _RESOLVED + (_PREPARED - _RESOLVED) * finished / total,
        f"{text} (largest now: {waiting[0]})" if waiting else text,
    )

"""The stage that starts and stops the servers of MLflow and TensorBoard, on this computer alone."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from ..contract.errors import EngineError, InputError, RequestError
from ..contract.events import Report, stop_if_cancelled
from ..contract.home import engine_home
from ..contract.stages.tracking import MLFLOW, START, STOP, TENSORBOARD, TrackingServer, TrackingServerResult
from .lasting_process import Lasting, start_lasting, tail
from .training.tracking.mlflow_store import SETTINGS, URI_VARIABLE, local_artifacts, store_uri

HOST = "127.0.0.1"

_NAMES = {MLFLOW: "MLflow", TENSORBOARD: "TensorBoard"}
_HEALTH = {MLFLOW: "/health", TENSORBOARD: "/"}
_PATIENCE_S = 120.0
_POLL_S = 0.2
_ANSWER_S = 5.0
_LAST_LINES = 8
# -s keeps the user's own packages out.
_PYTHON = (sys.executable, "-s", "-m")


def serve_tracking(request: TrackingServer, report: Report) -> TrackingServerResult:
    """Start, stop or look for a server.

    Raises:
        RequestError: It runs already, but shows something else or listens elsewhere; or the port is not free.
        InputError: There is no folder LOG, or trainings are not tracked on this computer.
        EngineError: The server does not answer.
        Cancelled: The user cancelled before it did; it was stopped again.
    """
    place = engine_home() / "servers" / f"{request.tool}.json"
    server = Lasting.load(place)
    if server is not None and server.find() is None:
        server = None
    if request.action == START:
        server = _start(request, place, report) if server is None else _keep(request, server)
    elif request.action == STOP and server is not None:
        server.end()
        place.unlink(missing_ok=True)
        report.note(f"{_NAMES[request.tool]} has been stopped.")
        return TrackingServerResult(None, 0, 0)
    if server is None:
        report.note(f"{_NAMES[request.tool]} does not run.")
        return TrackingServerResult(None, 0, 0)
    report.note(f"{_NAMES[request.tool]} runs at {server.facts['address']} and shows {server.facts['shows']}")
    return TrackingServerResult(str(server.facts["address"]), int(server.facts["port"]), 1)


def _keep(request: TrackingServer, server: Lasting) -> Lasting:
    """Return the server that runs if it is what was asked for."""
    shown, port = str(server.facts["shows"]), int(server.facts["port"])
    if shown != _shows(request):
        raise RequestError(
            f"{_NAMES[request.tool]} runs already and shows {shown}, not {_shows(request)}.",
            "Stop it first, with ACTION stop.",
        )
    if request.port not in (0, port):
        raise RequestError(
            f"{_NAMES[request.tool]} runs already on port {port}, not {request.port}.",
            "Stop it first, with ACTION stop, or set PORT to 0.",
        )
    return server


def _shows(request: TrackingServer) -> str:
    if request.tool == TENSORBOARD:
        return str(Path(request.log or "").absolute())
    uri = store_uri()
    if uri.startswith(("http:", "https:")):
        raise InputError(
            f"Trainings are tracked at {uri}, as {URI_VARIABLE} says, and not on this computer.",
            f"Open that address in a browser, or unset {URI_VARIABLE}.",
        )
    return uri


def _start(request: TrackingServer, place: Path, report: Report) -> Lasting:
    if request.tool == TENSORBOARD and not Path(request.log or "").is_dir():
        raise InputError(f"There is no folder {request.log}.", "Give LOG of a training that has begun.")
    shows = _shows(request)
    place.parent.mkdir(parents=True, exist_ok=True)
    port = _free_port(request.port)
    address = f"http://{HOST}:{port}"
    facts = {"address": address, "port": port, "shows": shows}
    log = place.with_suffix(".log")
    report.progress(0.1, f"Starting {_NAMES[request.tool]}")
    server = start_lasting(_COMMANDS[request.tool](shows, port), log, {**SETTINGS, **os.environ}, facts)
    server.save(place)
    fault = "was not waited for"
    try:
        fault = _wait(server, address + _HEALTH[request.tool], report)
    finally:
        if fault:
            server.end()
            place.unlink(missing_ok=True)
    if fault:
        words = " / ".join(line.strip() for line in tail(log).splitlines()[-_LAST_LINES:])
        raise EngineError(f"{_NAMES[request.tool]} {fault}. Its last words: {words}", f"See {log}.")
    return server


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        if sys.platform != "win32":  # where it would let two servers listen on one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise RequestError(
                f"Port {wanted} cannot be used: {error.strerror}.", "Choose another PORT, or 0 for a free one."
            ) from error
        return int(probe.getsockname()[1])


def _mlflow_command(uri: str, port: int) -> list[str]:
    return [
        *_PYTHON, "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1", "--backend-store-uri",
        uri, "--no-serve-artifacts", "--default-artifact-root", local_artifacts().as_uri(),
    ]  # fmt: skip


def _tensorboard_command(folder: str, port: int) -> list[str]:
    return [*_PYTHON, "tensorboard.main", "--host", HOST, "--port", str(port), "--logdir", folder]


_COMMANDS: dict[str, Callable[[str, int], list[str]]] = {MLFLOW: _mlflow_command, TENSORBOARD: _tensorboard_command}


def _wait(server: Lasting, url: str, report: Report) -> str:
    """Wait until it answers, and return ""; or why it does not.

    Raises:
        Cancelled: The user has asked to stop.
    """
    # A proxy could not reach this computer by that name.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        stop_if_cancelled(report)
        if server.find() is None:
            return "ended before it answered"
        try:
            with opener.open(url, timeout=_ANSWER_S):  # nosec B310 - http, to ourselves
                return ""
        except (OSError, HTTPException):  # urllib's own errors are of the first kind
            time.sleep(_POLL_S)
    return f"did not answer within {_PATIENCE_S:.0f} s"

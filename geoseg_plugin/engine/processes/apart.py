"""A request that is done in a process of its own."""

from __future__ import annotations

import json
import tempfile
import time

from ...contract.events import Report, stop_if_cancelled
from ...contract.stages import to_json
from ...contract.stages.stage import Stage
from .fellows import Fellows

_POLL_S = 0.1


def run_apart(request: Stage, report: Report) -> None:
    """Do a request in another process, which ends with this one, and wait until it is done.

    Args:
        request: What to do; where its result goes is in it.
        report: Asked whether to stop; what the other process says is not passed on.

    Raises:
        Cancelled: The user has asked to stop.
        GeosegError: What the other process has failed with, or that it has died.
    """
    fellows = Fellows()
    with tempfile.TemporaryFile() as log:
        try:
            fellows.start(json.dumps(to_json(request)).encode() + b"\n", log, {})
            while not fellows.have_ended():
                stop_if_cancelled(report)
                time.sleep(_POLL_S)
            error = fellows.why_ended()
        finally:
            fellows.end()
    if error is not None:
        raise error

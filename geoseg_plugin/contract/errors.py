"""One family of errors: what happened, with which value, and what to do about it."""

from __future__ import annotations

from typing import Any, Dict, Type


class GeosegError(Exception):
    """A failure that a user can act on.

    Args:
        message: What is wrong and with which value, as one sentence.
        fix: What the user can do about it, as one sentence; may be empty.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()

    def to_json(self) -> Dict[str, str]:
        """Return the error as the plain values that cross between the two Pythons."""
        return {"kind": type(self).__name__, "message": self.message, "fix": self.fix}


class RequestError(GeosegError):
    """A parameter is missing, unknown, of the wrong kind or out of range."""


class InputError(GeosegError):
    """An input file cannot be used as it is."""


class OutsideError(InputError):
    """A part of an input is asked for that lies outside of it."""


class OutputError(GeosegError):
    """A result cannot be written where it was asked for."""


class ModelError(GeosegError):
    """A model file is broken or does not fit the image."""


class EngineError(GeosegError):
    """The engine is not installed, cannot start, or died."""


class Cancelled(GeosegError):
    """The user cancelled before there was anything to keep."""

    def __init__(self, message: str = "Cancelled; nothing was written.", fix: str = "") -> None:
        super().__init__(message, fix)


def own_fault(error: BaseException) -> GeosegError:
    """Return the error for what nobody foresaw."""
    message = f"GeoSeg has met a fault of its own ({type(error).__name__}: {error})."
    return GeosegError(message, "Please report it with the log.")


_KINDS: Dict[str, Type[GeosegError]] = {
    kind.__name__: kind
    for kind in (GeosegError, RequestError, InputError, OutsideError, OutputError, ModelError, EngineError, Cancelled)
}


def error_from_json(values: Dict[str, Any]) -> GeosegError:
    """Rebuild an error from `GeosegError.to_json`; an unknown kind becomes a plain GeosegError."""
    kind = _KINDS.get(str(values.get("kind")), GeosegError)
    return kind(str(values.get("message", "The engine failed without a message.")), str(values.get("fix", "")))


def first_line(error: BaseException) -> str:
    """Return the first line of what a library says in its error, without a full stop.

    The error that caused another one knows more; one that says nothing is told by its kind.
    """
    first = error.__cause__ or error
    return str(first).splitlines()[0].rstrip(".") if str(first) else type(first).__name__

"""Finds out by a short trial how a prediction runs fastest: in which precision, and with which library."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ....contract.errors import Cancelled, GeosegError
from ....contract.events import Report, stop_if_cancelled
from ....contract.stages.prediction_parts.machine import BACKENDS, ONNXRUNTIME, QUICKEST, TORCH
from ....contract.stages.training_parts.machine import AUTO, BFLOAT16, FLOAT16, FLOAT32
from ..decisions.decision import choose_classes
from ..networks.runtime import is_onnx_file
from .opening import PredictorRequest, open_predictor
from .predictor import Pixels, Predictor

SAMPLE_WINDOWS = 2
_FEWEST_WINDOWS = 40  # with less to do the trial would be a good part of it
_WORTH_A_TRIAL_S = 10.0
_WORTH_EXPORTING_S = 600.0  # turning a model into one for onnxruntime takes up to a minute, and gains a tenth
_WORTH_IT = 1.05
_AGREEMENT = 0.999

_Request = TypeVar("_Request", bound=PredictorRequest)


def settle(
    predictor: Predictor,
    request: PredictorRequest,
    sample: Callable[[], Sequence[Pixels]],
    windows: int,
    report: Report,
) -> Predictor:
    """Return what does the work fastest: the given predictor, or one in other precision or of another library.

    Only what PRECISION and BACKEND leave open is tried, and only where there is work enough to gain from it. What does
    not find the same classes as float32 in nearly every pixel is not taken.

    Args:
        predictor: As `open_predictor` gives it.
        request: What is asked for.
        sample: Returns a few windows of the image, to try with.
        windows: How many windows are to be predicted.
        report: Hears what was found out.

    Raises:
        Cancelled: The user has asked to stop.
    """
    ways = list(_open_ways(predictor, request)) if windows >= _FEWEST_WINDOWS else []
    shown = sample() if ways else ()
    if not shown:
        return predictor
    report.progress(0.0, "Trying what runs fastest")
    first_s, _ = _answer(predictor, shown[0])
    if _is_on_gpu(predictor):
        first_s, _ = _answer(predictor, shown[0])  # the first time it chooses its algorithms
    if first_s * windows < _WORTH_A_TRIAL_S:
        return predictor
    best, gain = predictor, 1.0
    told: list[str] = []
    for backend, precision in ways:
        if backend == ONNXRUNTIME and first_s * windows / gain < _WORTH_EXPORTING_S:
            continue
        trial = _try(predictor, dataclasses.replace(request, backend=backend, precision=precision), shown, report)
        if trial is None:
            continue
        other, plain_s, other_s, agreement = trial
        told = told or [f"{_name(predictor)} takes {plain_s:.3g} s for a window"]
        told.append(f"{_name(other)} {other_s:.3g} s")
        if not agreement > _AGREEMENT:
            report.note(
                f"{_name(other)} is not used: in {1 - agreement:.2%} of the pixels of a trial it finds other classes "
                f"than {_name(predictor)}."
            )
        elif plain_s / other_s > gain * _WORTH_IT:
            best, gain = other, plain_s / other_s
    if told:
        report.note(f"In a trial {', '.join(told)}. Used: {_name(best)}.")
    return best


def as_settled(request: _Request, predictor: Predictor) -> _Request:
    """Return a request with what `settle` has found in place of auto, so that it is done alike without a trial."""
    backend = predictor.backend if predictor.backend in BACKENDS else request.backend
    return dataclasses.replace(request, precision=predictor.precision, backend=backend)


def _open_ways(predictor: Predictor, request: PredictorRequest) -> Iterator[tuple[str, str]]:
    """Yield the backends and precisions that a request leaves open, beside how the predictor runs."""
    if any(is_onnx_file(path) for path in (request.model, *request.further_models)):
        return
    if request.precision == AUTO and request.backend in (QUICKEST, TORCH):
        if _is_on_gpu(predictor):
            yield TORCH, FLOAT16
            return
        from ...precision import processor_has_bfloat16

        if processor_has_bfloat16():
            yield TORCH, BFLOAT16
    if request.backend == QUICKEST and request.precision in (AUTO, FLOAT32) and not _is_on_gpu(predictor):
        yield ONNXRUNTIME, FLOAT32


def _try(
    predictor: Predictor, request: PredictorRequest, shown: Sequence[Pixels], report: Report
) -> tuple[Predictor, float, float, float] | None:
    """Return what does as a request says, and what `_race` finds.

    None where it cannot be had, as of networks that ONNX cannot express, takes other windows, or fails on these.
    """
    try:
        other = open_predictor(request, report)
        if other.fixed_size not in (None, shown[0][0].shape[-1]):
            return None
        return other, *_race(predictor, other, shown, report)
    except Cancelled:
        raise
    except GeosegError as error:
        report.detail(f"Not used: {request.backend} in {request.precision}: {error}")
        return None


def _race(plain: Predictor, other: Predictor, shown: Sequence[Pixels], report: Report) -> tuple[float, float, float]:
    """Return the least seconds that each takes for a window, and in which share of the pixels their classes agree.

    They take turns, so that what else the computer is doing burdens both.
    """
    stop_if_cancelled(report)
    _answer(other, shown[0])  # to warm up, as the plain one has
    best, same, pixels = [math.inf, math.inf], 0, 0
    for window in shown:
        found = []
        for place, predictor in enumerate((plain, other)):
            stop_if_cancelled(report)
            seconds, classes = _answer(predictor, window)
            found.append(classes)
            best[place] = min(best[place], seconds)
        same += int((found[0] == found[1]).sum())
        pixels += found[0].size
    return best[0], best[1], same / pixels


def _answer(predictor: Predictor, window: Pixels) -> tuple[float, NDArray[np.int32]]:
    """Return the seconds that a window takes, and the classes (H, W) found in it, -1 where answers are no numbers."""
    count = predictor.batch_size if _is_on_gpu(predictor) else 1  # a GPU that is not busy shows no difference
    started = time.perf_counter()
    answers = predictor.infer([window] * count)
    probabilities = predictor.conclude(answers[-1])
    seconds = (time.perf_counter() - started) / count
    classes, confidence = choose_classes(probabilities)
    return seconds, np.where(np.isnan(confidence), -1, classes.astype(np.int32))


def _is_on_gpu(predictor: Predictor) -> bool:
    return predictor.device.startswith("cuda")


def _name(predictor: Predictor) -> str:
    return f"{predictor.backend} in {predictor.precision}"

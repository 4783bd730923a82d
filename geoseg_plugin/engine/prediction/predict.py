"""Gives every pixel of a raster a class."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...contract.events import Part, Report
from ...contract.stages.prediction import PredictSegmentation, PredictSegmentationResult
from .decisions.thresholds import check_decision
from .keeping.execution import Run, Work, open_run
from .opinions.opening import open_predictor
from .opinions.predictor import Predictor
from .opinions.samples import sample_windows
from .opinions.settling import SAMPLE_WINDOWS, as_settled, settle
from .placing import find_window_size, place_windows
from .results.results import open_results
from .results.room import WatchedSink
from .results.tally import Tally
from .scenes.scene import open_scene


def predict_segmentation(request: PredictSegmentation, report: Report) -> PredictSegmentationResult:
    """Put a raster through a model, window by window, and write the map.

    Args:
        request: What is asked for.
        report: Hears of progress, of what looks odd, and of the metrics `wall_s` and `network_s`.

    Raises:
        RequestError: A parameter does not go with the image, the model or the machine.
        InputError: The raster cannot be read.
        ModelError: The model cannot be read, or the raster does not have its bands.
        OutputError: A result cannot be written.
        Cancelled: The user has asked to stop; nothing is left behind but what RESUME keeps.
    """
    with open_run(request, report) as run:
        report = run.report
        report.progress(0.0, "Loading the model")
        _warn_of_one_style(request, report)
        asked = run.await_request()
        predictor = open_predictor(asked, report)
        check_decision(request, predictor.cards[0], report)  # an error in it shall not wait for the image
        with open_scene(request.input, request, predictor.cards, report) as scene:
            size = find_window_size(request.tile_size, predictor, report)
            work = _settle(asked, Work(scene, *place_windows(scene, size, request), predictor), report)
            predictor = work.predictor
            run.agree(as_settled(asked, predictor))
            spent, started = predictor.seconds, time.monotonic()
            tally = _predict(run, work)
            wall = time.monotonic() - started
        report.metric("wall_s", wall, 0)
        report.metric("network_s", predictor.seconds - spent, 0)
        device = run.name_devices(predictor.device)
        return run.conclude(lambda: _conclude(request, tally, predictor, wall, device))


def _conclude(
    request: PredictSegmentation, tally: Tally, predictor: Predictor, wall: float, device: str
) -> PredictSegmentationResult:
    return PredictSegmentationResult(
        output=request.output,
        probabilities=request.probabilities,
        confidence=request.confidence,
        entropy=request.entropy,
        margin=request.margin,
        polygons=request.polygons,
        picture=request.picture,
        array=request.array,
        mean_confidence=tally.mean_confidence,
        pixels_per_second=tally.pixels / wall,
        device=device,
        precision=predictor.precision,
        backend=predictor.backend,
    )


def _settle(request: PredictSegmentation, work: Work, report: Report) -> Work:
    """Return the work with what does it fastest."""
    count = sum(region.window_count for region in work.regions)
    sample = partial(sample_windows, work.scene, work.coverage, work.regions, SAMPLE_WINDOWS, report)
    return replace(work, predictor=settle(work.predictor, request, sample, count, report))


def _predict(run: Run, work: Work) -> Tally:
    """Write all files; return figures over what was written, which are empty where another process writes."""
    report, classes = run.report, work.predictor.cards[0].classes
    count, size = sum(region.window_count for region in work.regions), work.coverage.cols.size
    report.progress(0.01, f"Predicting {count} windows of {size} pixels on {run.name_devices(work.predictor.device)}")
    if not run.is_first:
        run.help(work, Part(report, 0.01, 0.99))
        return Tally(classes)
    with ExitStack() as stack:
        whole_rows, card = len(work.regions) == 1, work.predictor.cards[0]
        results = open_results(run.request, work.scene, card, stack, report, whole_rows=whole_rows)
        end = 0.99 - results.finishing_share
        run.put_through(work, WatchedSink(results, run.request), Part(report, 0.01, end))
        report.progress(end, "Finishing the files")
        results.finish(Part(report, end, 0.99))
        return results.tally


def _warn_of_one_style(request: PredictSegmentation, report: Report) -> None:
    """Warn when map and polygons differ in nothing but their suffix: QGIS takes one .qml for both."""
    map_name, polygons_name = (
        path and Path(path).absolute().with_suffix("") for path in (request.output, request.polygons)
    )
    if map_name == polygons_name:
        report.warn(
            f"OUTPUT and POLYGONS have the name {Path(request.output).stem} in common and so one style file, which "
            "OUTPUT gets. Give POLYGONS another name if they shall arrive styled."
        )

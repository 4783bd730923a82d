"""Puts many scenes through one network."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ....contract.errors import Cancelled, GeosegError, OutsideError
from ....contract.events import QuietReport, Report
from ....contract.stages.many_scenes import PredictScenes, PredictScenesResult
from ....contract.stages.prediction import PredictSegmentation
from ...gathering import Gathering
from ...imagery.paths import name_some
from ..decisions.thresholds import check_decision
from ..opinions.opening import open_predictor
from ..opinions.predictor import Predictor
from ..opinions.settling import as_settled
from ..placing import find_window_size
from .earlier import find_unfinished, read_origins, refuse_foreign_files
from .scene_job import Outcome, SceneCount, SceneJob
from .scene_list import list_scenes
from .scene_sharing import Sharing, open_sharing

_REASONS_TOLD = 20
_BEGIN, _END = 0.02, 0.99  # of mapping, as shares of the whole


def predict_scenes(request: PredictScenes, report: Report) -> PredictScenesResult:
    """Map every scene that is not finished yet.

    Args:
        request: What is asked for.
        report: Hears of progress, of what looks odd, and of the metrics `wall_s` and `network_s`.

    Raises:
        RequestError: There is no scene, or two would have results of one name.
        ModelError: The model cannot be read.
        OutputError: A file that GeoSeg has not made is in the way.
        GeosegError: Some scenes could not be mapped; the others are.
        Cancelled: The user has asked to stop; finished scenes stay.
    """
    with open_sharing(request, report) as sharing:
        sharing.report.progress(0.0, "Looking at what is there")
        unfinished, skipped = sharing.decide(lambda: _find(request, sharing.report))
        if not unfinished:
            return PredictScenesResult(
                output=request.output, count=0, skipped=skipped, pixels_per_second=0.0, device="", precision="",
                backend="",
            )  # fmt: skip
        return _predict(sharing, unfinished, skipped)


def _find(request: PredictScenes, report: Report) -> tuple[tuple[PredictSegmentation, ...], int]:
    """Return the scenes to be mapped, and how many others are finished."""
    scenes = list_scenes(request)
    origins = read_origins(scenes, report)
    refuse_foreign_files(scenes, origins)
    unfinished = find_unfinished(scenes, origins, report) if request.skip_finished else scenes
    skipped = len(scenes) - len(unfinished)
    if skipped:
        report.note(f"{skipped} of {len(scenes)} scenes are finished already")
    return unfinished, skipped


def _predict(sharing: Sharing, unfinished: Sequence[PredictSegmentation], skipped: int) -> PredictScenesResult:
    report, count = sharing.report, len(unfinished)
    report.progress(0.01, "Loading the model")
    gathering = Gathering(report)
    job = SceneJob(sharing.deal(unfinished), gathering)
    predictor, size = _open(sharing, job)
    device = sharing.name_devices(predictor.device)
    report.progress(_BEGIN, f"Predicting {count} scenes in windows of {size} pixels on {device}")
    spent, started = predictor.seconds, time.monotonic()
    try:
        with sharing.reporting(SceneCount(report, _BEGIN, _END, count)) as own:
            job.run(predictor, size, own)
    except Cancelled as error:
        raise Cancelled(
            f"Cancelled; what is finished stays in {sharing.request.output}.",
            "Run it again with the same values to go on.",
        ) from error
    finally:
        gathering.warn_once()
    wall = time.monotonic() - started
    report.metric("wall_s", wall, 0)
    report.metric("network_s", predictor.seconds - spent, 0)
    outcome = _join(sharing.gather(job.outcome))
    _tell_of_outside(outcome, skipped, report)
    _raise_failures(outcome, skipped)
    return PredictScenesResult(
        output=sharing.request.output, count=outcome.finished, skipped=skipped,
        pixels_per_second=outcome.pixels / wall, device=device, precision=predictor.precision,
        backend=predictor.backend,
    )  # fmt: skip


def _open(sharing: Sharing, job: SceneJob) -> tuple[Predictor, int]:
    """Return what answers, in the way that the first process has found to be fastest, and the side of its windows."""
    report = sharing.report
    opened: list[Predictor] = []

    def choose(request: PredictScenes) -> PredictScenes:
        predictor = open_predictor(request, report)
        check_decision(request, predictor.cards[0], report)  # an error in it is one of all scenes
        opened.append(job.settle(request, predictor, find_window_size(request.tile_size, predictor, report), report))
        return as_settled(request, opened[0])

    settled = sharing.settle(choose)
    predictor = opened[0] if opened else open_predictor(settled, report)
    return predictor, find_window_size(settled.tile_size, predictor, QuietReport(report))


def _join(outcomes: Sequence[Outcome]) -> Outcome:
    whole = Outcome()
    for one in outcomes:
        whole.finished += one.finished
        whole.pixels += one.pixels
        whole.outside |= one.outside
        whole.failures |= one.failures
    return whole


def _tell_of_outside(outcome: Outcome, skipped: int, report: Report) -> None:
    """Say which scenes have nothing in the area that is to be mapped; raise an error if that goes for all."""
    if not outcome.outside:
        return
    if not (outcome.finished or outcome.failures or skipped):
        raise OutsideError(f"No scene has a part in EXTENT and AREA. {next(iter(outcome.outside.values()))}")
    report.note(f"Left out, since nothing of them lies in EXTENT and AREA: {name_some(list(outcome.outside))}")


def _raise_failures(outcome: Outcome, skipped: int) -> None:
    """Raise an error that names every scene that could not be mapped; of very many the first ones."""
    failures, outside, done = outcome.failures, len(outcome.outside), outcome.finished + skipped
    if not failures:
        return
    told = name_some([f"{path}: {reason}" for path, reason in failures.items()], _REASONS_TOLD)
    left_out = f", and {outside} lie outside" if outside else ""
    raise GeosegError(
        f"{len(failures)} of {len(failures) + outside + done} scenes could not be mapped. {told}",
        f"The other {done} are finished{left_out}. Correct or remove these, and run it again." if done else "",
    )

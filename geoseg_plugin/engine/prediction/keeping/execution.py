"""How a prediction is done: by one process at once, in several goes, or by several processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ....contract.events import Report
from ....contract.stages.prediction import PredictSegmentation
from ...processes.starting import is_shared
from ..maps import scene_items
from ..opinions.predictor import Predictor
from ..pipeline import pump
from ..scenes.scene import Scene
from ..windows.covering import Coverage, Region
from ..windows.strips import Sink
from .folder import UnfinishedFolder, telling_how_to_go_on, warn_of_unfinished
from .items import find_missing, kept_items, share_done
from .store import Store

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Work:
    """What is to be put through a network.

    Attributes:
        scene: The open scene.
        coverage: How windows cover it.
        regions: The parts that make up its map, in their order.
        predictor: What answers.
    """

    scene: Scene
    coverage: Coverage
    regions: Sequence[Region]
    predictor: Predictor


class Run:
    """A prediction that one process does at once.

    Attributes:
        request: What is asked for.
        report: Hears of it.
        is_first: Whether this is the process that writes, or the only one.
    """

    is_first = True

    def __init__(self, request: PredictSegmentation, report: Report) -> None:
        self.request = request
        self.report = report

    def await_request(self) -> PredictSegmentation:
        """Return what is asked for, with what was chosen already for the parameters that leave it open."""
        return self.request

    def agree(self, settled: PredictSegmentation) -> None:
        """Take note of what was chosen for these."""

    def put_through(self, work: Work, sink: Sink, report: Report) -> None:
        """Pass all strips of the map on to a sink, those of one region from top to bottom.

        Raises:
            Cancelled: The user has asked to stop.
            GeosegError: Whatever reading, network or the sink raise.
        """
        pump(scene_items(work.scene, work.coverage, work.regions, sink), work.predictor, report)

    def help(self, work: Work, report: Report) -> None:
        """Do the part of a process that is not the first: here there is none."""

    def name_devices(self, device: str) -> str:
        """Return what does the work, in words, from the device of this process."""
        return device

    def conclude(self, make: Callable[[], _Value]) -> _Value:
        """Return what the first process makes at the end."""
        return make()


class KeptRun(Run):
    """A prediction that goes on where an earlier run has ended.

    Args:
        request: What is asked for.
        report: Hears of it.

    Raises:
        OutputError: That run had other values, models or images.
    """

    def __init__(self, request: PredictSegmentation, report: Report) -> None:
        super().__init__(request, report)
        self.folder = UnfinishedFolder(request)
        self._settled = self.folder.settled

    def await_request(self) -> PredictSegmentation:
        """Return what is asked for, with what the earlier run has chosen."""
        return replace(self.request, **self._settled)

    def agree(self, settled: PredictSegmentation) -> None:
        """Take note of what was chosen, for a later run."""
        self._settled = choices_of(settled)

    def put_through(self, work: Work, sink: Sink, report: Report) -> None:
        """Pass all strips on, also those that are kept, and keep the others."""
        store = self.folder.begin(self._settled, work.scene.class_count)
        tell_what_is_kept(store, work, self.report)
        pump(kept_items(work.scene, work.coverage, work.regions, store, sink), work.predictor, report)


@contextmanager
def open_run(request: PredictSegmentation, report: Report) -> Iterator[Run]:
    """Give the run that a request asks for; when the block ends well, what was kept for it goes.

    Raises:
        OutputError: What an earlier run has kept is of other values, models or images.
        RequestError: DEVICES is more than there are.
        GeosegError: Another process has failed.
    """
    if is_shared(request):
        from .shared_run import open_shared_run  # late: it needs torch

        with open_shared_run(request, report) as shared:
            yield shared
    elif request.resume:
        kept = KeptRun(request, report)
        with telling_how_to_go_on(kept.folder, report):
            yield kept
        kept.folder.remove(report)
    else:
        warn_of_unfinished(request, report)
        yield Run(request, report)


def choices_of(request: PredictSegmentation) -> dict[str, Any]:
    """Return the parameters for which something is chosen where they leave it open."""
    return {"precision": request.precision, "backend": request.backend}


def tell_what_is_kept(store: Store, work: Work, report: Report) -> None:
    """Say how much of a map is there already, and warn where the disk may be too small for the rest."""
    missing = find_missing(work.scene, work.coverage, work.regions, store.windows())
    done = share_done(sum(one.window_count for one in missing), work.regions)
    if done > 0:
        report.note(f"{100 * done:.0f} % of the windows are kept in {store.folder}: the run goes on from there.")
    wanted = store.bytes_for(sum(one.rows.length * one.cols.length for one in missing))
    free = shutil.disk_usage(store.folder).free
    if wanted > free:
        report.warn(
            f"Finished parts may take {wanted / 2**30:.1f} GiB in {store.folder} until the map is written, but there "
            f"are {free / 2**30:.1f} GiB left."
        )

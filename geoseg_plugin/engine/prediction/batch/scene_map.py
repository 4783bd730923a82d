"""One of many scenes on its way through the network."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from ....contract.errors import Cancelled, GeosegError, OutsideError, first_line
from ....contract.stages.prediction import PredictSegmentation
from ...gathering import OneOfMany
from ..maps import scene_items
from ..opinions.predictor import Predictor
from ..pipeline import Item
from ..placing import place_windows
from ..results.results import open_results
from ..results.tally import Tally
from ..scenes.scene import Scene, open_scene
from ..windows.strips import Strip

# What may be wrong with one scene and is no reason to stop the others.
FAULTS = (GeosegError, OSError, RasterioError, MemoryError)


class SceneMap:
    """Reads a scene in one thread and writes its map in another, whole or not at all.

    A fault is kept, and ends this scene alone.

    Args:
        request: What is asked for of it.
        predictor: What answers.
        size: Side of the windows in pixels.
        report: Hears what is to be said of it.

    Attributes:
        error: Why it could not be mapped, in words; empty where it could.
        is_outside: Whether that is because nothing of it lies in the area that is to be mapped.
        has_ended: Whether it is mapped, or never will be.
        pixels: How many pixels with data its map has.
    """

    def __init__(self, request: PredictSegmentation, predictor: Predictor, size: int, report: OneOfMany) -> None:
        self.request = request
        self.error = ""
        self.is_outside = False
        self.pixels = 0
        self.has_ended = False
        self._predictor = predictor
        self._size = size
        self._report = report
        self._open: Callable[[], Generator[None, Strip | None, Tally]] | None = None
        self._writing: Generator[None, Strip | None, Tally] | None = None

    def items(self, begin: float, end: float) -> Iterator[Item]:
        """Yield what passes the network, and the end of the scene; in the reading thread.

        Args:
            begin: Share of the work that is done before it, 0 to 1.
            end: Share of the work that is done after it.

        Raises:
            Cancelled: The user has asked to stop.
        """
        request = self.request
        try:
            with open_scene(request.input, request, self._predictor.cards, self._report) as scene:
                coverage, regions = place_windows(scene, self._size, request)
                self._open = lambda: self._write_map(scene, whole_rows=len(regions) == 1)
                for item in scene_items(scene, coverage, regions, self):
                    if self.error:
                        break
                    yield _ItemOfScene(item, begin + (end - begin) * item.done, self)
        except Cancelled:
            raise
        except FAULTS as error:
            self._fail(error)
        yield _EndOfScene(end, self)

    def write(self, strip: Strip) -> None:
        """Write a strip: see `Sink`. Files are made when the first one comes, so that few are open at a time."""
        if self._writing is None and self._open is not None:
            self._writing = self._open()
            next(self._writing)
        if self._writing is not None:
            self._writing.send(strip)

    def take(self, item: Item, probabilities: NDArray[np.float32] | None) -> None:
        """Take the answer to an item, in the writing thread."""
        if not self.error:
            try:
                item.deliver(probabilities)
            except Cancelled:
                raise
            except FAULTS as error:
                self._fail(error)

    def finish(self) -> None:
        """Finish the results, or remove them after a fault; in the writing thread."""
        writing, self._writing, self._open = self._writing, None, None
        try:
            if writing is not None and self.error:
                writing.close()
            elif writing is not None:
                writing.send(None)
        except StopIteration as stop:
            self.pixels = stop.value.pixels
        except Cancelled:
            raise
        except FAULTS as error:
            self._fail(error)
        self.has_ended = True

    def discard(self) -> None:
        """Remove what is unfinished, when nothing more comes; in the writing thread."""
        if self._writing is not None:
            self._writing.close()

    def _write_map(self, scene: Scene, *, whole_rows: bool) -> Generator[None, Strip | None, Tally]:
        """Take strips until None comes; give back figures over all of them. Closed earlier, it leaves nothing."""
        card = self._predictor.cards[0]
        with ExitStack() as stack:
            if scene.seen is not scene.shown:
                # Its own pixels are looked at in the end, when the other thread has left it.
                again = open_scene(self.request.input, self.request, self._predictor.cards, self._report)
                scene = stack.enter_context(again)
            results = open_results(self.request, scene, card, stack, self._report, whole_rows=whole_rows)
            while (strip := (yield)) is not None:
                results.write(strip)
            results.finish(self._report.alone())
        return results.tally

    def _fail(self, error: Exception) -> None:
        self.is_outside = self.is_outside or isinstance(error, OutsideError)
        if isinstance(error, MemoryError):
            self.error = "there was not enough memory"
        else:
            self.error = self.error or (str(error) if isinstance(error, GeosegError) else first_line(error))


@dataclass(frozen=True)
class _ItemOfScene:
    """An item of a scene: see `pipeline.Item`."""

    item: Item
    done: float
    scene: SceneMap

    @property
    def pixels(self) -> tuple[NDArray[np.float32], ...] | None:
        """What networks are shown."""
        return self.item.pixels

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Pass the answer on."""
        self.scene.take(self.item, probabilities)


@dataclass(frozen=True)
class _EndOfScene:
    """Follows the last item of a scene: see `pipeline.Item`."""

    done: float
    scene: SceneMap
    pixels: None = None

    def deliver(self, probabilities: NDArray[np.float32] | None) -> None:
        """Finish the scene."""
        self.scene.finish()

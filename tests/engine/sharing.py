"""What one of several processes does together with the others, which it then tells in a file.

Run by torchrun: `python -m torch.distributed.run --nproc-per-node 2 sharing.py DATASET FOLDER`.
"""

import copy
import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 3
# What is trained by torchrun, and in test_joining.py with DEVICES; chance decides in each process what it drops.
WHOLE = {
    "architecture": "deeplabv3plus", "encoder": "mobilenet_v2", "epochs": EPOCHS, "batch_size": 4,
    "learning_rate": 0.003, "device": "cpu", "precision": "float32", "averaging": 0.9, "noise": 0.5,
}  # fmt: skip
# What is trained here and in one process: steps are not of one length, as those of AdamW nearly are, and so differ as
# little as gradients do. All pixels of the tiles are labelled, so that the loss is the mean of those of the tiles.
SHARED = {
    "epochs": 2, "batch_size": 4, "learning_rate": 0.1, "device": "cpu", "precision": "float32", "optimizer": "sgd",
    "loss": "cross entropy", "sampling": "hard examples", "epoch_tiles": 12, "accumulation": 2, "clip_gradients": 0.5,
    "noise": 0.5, "rotation": 0, "scale": 0, "cutmix": 0, "averaging": 0, "weights": "none",
}  # fmt: skip


def small_network(*_, **__):
    """A network that does not normalise, in place of any."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))


def _register_root():
    spec = importlib.util.spec_from_file_location(
        "geoseg", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["geoseg"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["geoseg"])


def speak(processes):
    """Words and sums."""
    rank = processes.rank
    tensors = [torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last), torch.tensor(0.5)]
    sums = [one * (rank + 1) for one in tensors]
    processes.add(sums)
    agreed = [processes.agree(rank == 1), processes.agree(False)]
    times = processes.gather(processes.now())
    return {
        "agreed": agreed,
        "united": processes.unite([rank == 0, False, rank == 1]),
        "gathered": processes.gather({"rank": rank}),
        "decided": processes.decide(lambda: f"of {rank}"),
        "sums are three times as much": all(torch.equal(3 * one, two) for one, two in zip(tensors, sums, strict=True)),
        "order is kept": sums[0].is_contiguous(memory_format=torch.channels_last),
        "the time is one": len(set(times)) == 1 and abs(times[0] - time.monotonic()) < 60,
    }


def make_batches(processes, dataset):
    """Batches as parts of those of one process, and what is noted of them."""
    from geoseg.geoseg_plugin.engine.scaling import Scaling
    from geoseg.geoseg_plugin.engine.training.augmentation.variation import Variation
    from geoseg.geoseg_plugin.engine.training.batches import Batches
    from geoseg.geoseg_plugin.engine.training.learner import Learned
    from geoseg.geoseg_plugin.engine.training.lesson import Lesson
    from geoseg.geoseg_plugin.engine.training.tiles import TileStore
    from geoseg.models.card import Band

    scaling = Scaling([Band(name, 80, 40) for name in "abc"])
    varied = {"variation": Variation(flips=True, noise=0.5)}
    own = Batches(TileStore(dataset), scaling, 4, measured_size=2, processes=processes, **varied)
    tiles, draw = dataset.split("train"), np.array([3, 0, 6, 2, 5, 1, 4])
    whole = list(own.alone().drawn(tiles, draw, 1, 1))
    parts = list(own.drawn(tiles, draw, 1, 1))
    lesson = Lesson(2, processes)
    for part in parts:
        lesson.note([part], Learned(torch.tensor(1.0), torch.tensor([place / 10 for place in part.places])), 0.1)
        lesson.count([part])
    places, errors = lesson.gather_errors()
    counted = [torch.cat([one.labels for one in whole]) == index for index in (0, 1)]
    share = slice(processes.rank, None, processes.size)
    return own, {
        "parts are of the whole": [
            torch.equal(part.images, one.images[share]) and part.places == one.places[share]
            for part, one in zip(parts, whole, strict=True)
        ],
        "places": places.tolist(),
        "errors fit": np.allclose(errors, places / 10),
        "pixels fit": lesson.count_pixels().tolist() == [int(one.sum()) for one in counted],
    }


def look(processes, dataset, batches):
    """Measure the same network together and alone."""
    from geoseg.geoseg_plugin.contract.loss_formula import parse_losses
    from geoseg.geoseg_plugin.engine.training.validation import measure
    from geoseg.models.losses.loss import LossSettings, SummedLoss

    torch.manual_seed(0)
    network, tiles = small_network(), dataset.split("validation")
    loss = SummedLoss(LossSettings(parse_losses("cross entropy + dice")))
    alone_batches = batches.alone()
    alone_batches._size = alone_batches._measured_size = 2
    found, beats = [], []
    together = {"rounds": batches.count_rounds(len(tiles)), "processes": processes}
    for whose, shared in ((batches, together), (alone_batches, {})):
        beats.append([])
        pulse = SimpleNamespace(beat=beats[-1].append)
        found.append(measure(network, loss, whose.by_turns(tiles), 2, precision="float32", pulse=pulse, **shared))
    one, other = found
    names = ("matrix", "tile_ious", "loss_parts", "mean_probability", "top_probability")
    return {
        "measured alike": {name: np.array_equal(getattr(one, name), getattr(other, name)) for name in names},
        "losses": [one.loss, other.loss],
        "mean IoUs": [one.scores.mean_iou, other.scores.mean_iou],
        "pixels": int(one.matrix.sum()),
        "beats": [len(each) for each in beats],
    }


def learn(processes):
    """Make steps together and alone; return the largest differences between the weights after these."""
    return {
        name: _learn(processes, **options)
        for name, options in {
            "plain": {},
            "cut": {"longest_gradient": 0.01},
            "little memory in one process": {"room": 2},
            "one has no gradient": {"unused": True},
            "float16 beyond its numbers": {"precision": "float16", "endless": True},
        }.items()
    }


class _Odd(nn.Module):
    """A network with a weight that the first process does not use, and room for so many tiles in the second."""

    def __init__(self, rank, room, unused):
        super().__init__()
        self.network, self.extra, self.frozen = nn.Conv2d(2, 3, 3, padding=1), nn.Parameter(torch.ones(3, 1, 1)), None
        self.rank, self.room, self.unused = rank, room, unused

    def forward(self, images):
        if self.rank == 1 and self.room and len(images) > self.room:
            raise torch.OutOfMemoryError("no room")
        given = self.network(images)
        return given + self.extra if self.rank == 1 or not self.unused else given


def _learn(processes, *, room=0, unused=False, endless=False, precision="float32", longest_gradient=0.0):
    from geoseg.geoseg_plugin.engine.training.batches import Batch
    from geoseg.geoseg_plugin.engine.training.learner import Learner

    torch.manual_seed(0)
    together, alone = _Odd(processes.rank, room, unused), _Odd(1, 0, unused=False)
    alone.load_state_dict(together.state_dict())
    images, labels = torch.randn(16, 2, 4, 4), torch.randint(0, 3, (16, 4, 4))
    batches = [Batch(images[part], labels[part], ()) for part in (slice(0, 8), slice(8, 16))]
    share = slice(processes.rank, None, processes.size)

    def loss(logits, truth):
        value = nn.functional.cross_entropy(logits.float(), truth)
        return value * 1e38 if endless and processes.rank == 1 else value

    before, given, scales = copy.deepcopy(together.state_dict()), [], []
    parts = [one.part(share) for one in batches]
    for network, shared, own in ((together, {"processes": processes}, parts), (alone, {}, batches)):
        learner = Learner(
            network, loss, torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9), precision,
            longest_gradient=longest_gradient, **shared,
        )  # fmt: skip
        given.append([learner.step(own, 0.1).loss.item() for _ in range(2)])
        scales.append(learner.scaler.get_scale())
    after, wanted = together.state_dict(), alone.state_dict()
    difference = max(float((one - wanted[name]).abs().max()) for name, one in after.items())
    own = torch.cat([one.flatten() for one in after.values()]).tolist()
    return {
        "difference": difference,
        "losses": given,
        "moved": any(not torch.equal(after[name], one) for name, one in before.items()),
        "extra": (after["extra"] - before["extra"]).abs().max().item(),
        "the same everywhere": all(one == own for one in processes.gather(own)),
        "scale": scales[0],
    }


def average(processes):
    """Statistics of normalisations."""
    from geoseg.geoseg_plugin.engine.training.batch_statistics import average_statistics

    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    network[1].running_mean += torch.tensor([1.0, 2.0]) * processes.rank
    average_statistics(network, processes)
    return {"means": network[1].running_mean.tolist(), "variances": network[1].running_var.tolist()}


def fail(request, error):
    """Train, where the second process fails in its second step if it comes to that."""
    from geoseg.geoseg_plugin.contract.errors import GeosegError
    from geoseg.geoseg_plugin.engine.training.learner import Learner
    from geoseg.geoseg_plugin.engine.training.train import train_segmentation
    from geoseg.tests.engine.listener import Listener

    step, failed = Learner.step, [time.monotonic()]

    def step_once(self, *arguments):
        if os.environ["RANK"] == "1" and len(failed) > 1:
            raise error
        failed.append(time.monotonic())
        return step(self, *arguments)

    Learner.step = step_once
    try:
        train_segmentation(request, Listener())
    except (GeosegError, ZeroDivisionError) as caught:
        return {"kind": type(caught).__name__, "text": str(caught), "seconds": time.monotonic() - failed[-1]}
    finally:
        Learner.step = step
    return None


def cancel(request, epochs):
    """Train, where the user cancels after so many epochs, which the first process alone hears."""
    from geoseg.geoseg_plugin.contract.errors import Cancelled
    from geoseg.geoseg_plugin.engine.training.train import train_segmentation
    from geoseg.tests.engine.listener import Listener

    asked = []

    def is_cancelled(self):
        done = sum(note.startswith("Epoch ") for note in self.notes)
        if done < epochs or not any(note.startswith("Loss: ") for note in self.notes):
            return False
        asked.append(time.monotonic())
        return True

    try:
        # Nothing is noted in the second process.
        outcome = train_segmentation(request, Listener(is_cancelled)).epoch_count
    except Cancelled:
        outcome = "cancelled"
    return {"outcome": outcome, "seconds": time.monotonic() - asked[0] if asked else 0.0}


def main():
    _register_root()
    from geoseg.geoseg_plugin.cli import main as run_command
    from geoseg.geoseg_plugin.contract.errors import InputError
    from geoseg.geoseg_plugin.contract.stages.training import TrainSegmentation
    from geoseg.geoseg_plugin.engine.datasets.dataset import open_dataset
    from geoseg.geoseg_plugin.engine.processes.joining import join_processes
    from geoseg.geoseg_plugin.engine.training import plan
    from geoseg.geoseg_plugin.engine.training.train import train_segmentation
    from geoseg.tests.engine.listener import Listener

    dataset, folder = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    options = [word for name, value in WHOLE.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    model = str(folder / "whole" / "m.safetensors")
    told = {"exit code": run_command(["train-segmentation", "--dataset", dataset, "--model", model, *options])}

    def request(name, **values):
        return TrainSegmentation(dataset=dataset, model=str(folder / name / "m.safetensors"), **{**SHARED, **values})

    with join_processes(request("none"), Listener()) as processes:
        told["words"] = speak(processes)
        batches, told["batches"] = make_batches(processes, open_dataset(dataset))
        told["measured"] = look(processes, open_dataset(dataset), batches)
        told["learned"] = learn(processes)
        told["statistics"] = average(processes)
    plan.build_network = small_network
    errors = (InputError("Of the second.", "Mend it."), ZeroDivisionError("x"))
    told["failed"] = [fail(request("failed"), error) for error in errors]
    taken = folder / "taken" / "m.safetensors"  # where the first cannot write, before there is any step
    taken.mkdir(parents=True, exist_ok=True)
    told["failed first"] = fail(request("taken"), None)
    told["cancelled"] = [cancel(request("cancelled", epochs=1000), epochs) for epochs in (0, 1)]
    timed = train_segmentation(request("timed", epochs=100_000, time_budget=0.01, patience=0), Listener())
    told["timed"] = {"epochs": timed.epoch_count, "iou": timed.best_iou, "best": timed.best_epoch}
    recorder = Listener()
    result = train_segmentation(request("shared"), recorder)
    told["shared"] = {
        "metrics": recorder.metrics, "notes": recorder.notes, "fractions": len(recorder.fractions),
        "epochs": result.epoch_count,
    }  # fmt: skip
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()

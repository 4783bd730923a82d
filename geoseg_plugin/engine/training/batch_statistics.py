"""What batch normalisations know of the batches that they have seen, in several processes."""

from __future__ import annotations

import torch

from ..processes.processes import Processes

_STATISTICS = ("running_mean", "running_var")


def average_statistics(network: torch.nn.Module, processes: Processes) -> None:
    """Replace the running means and variances of a network by their averages over all processes.

    In training, each process normalises by the batch statistics of its own tiles, as torch's DistributedDataParallel
    does too. The running statistics are linear in these, so that averaging them now and then gives the same as after
    every step. torch.nn.SyncBatchNorm, which normalises by the statistics of all tiles, works on GPUs alone; and where
    a process fails or has too little memory in the midst of a network, the others would wait there for ever.

    Args:
        network: The same in all processes, but for these statistics; changed in place.
        processes: All of them.
    """
    statistics = [one for name, one in network.named_buffers() if name.endswith(_STATISTICS)]
    if processes.size > 1 and statistics:
        processes.add(statistics)
        for one in statistics:
            one.div_(processes.size)

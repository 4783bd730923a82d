"""A network that has little memory."""

import torch


class Cramped(torch.nn.Module):
    """A network with memory for so many tiles at once."""

    def __init__(self, network, room):
        super().__init__()
        self.network, self.room, self.seen = network, room, []

    def forward(self, images):
        if len(images) > self.room:
            raise torch.OutOfMemoryError("no room")
        self.seen.append(len(images))
        return self.network(images)

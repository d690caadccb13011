"""Networks of PyTorch for pictures of another number of channels than their constructors know."""

from __future__ import annotations

from typing import Any

import torch

from protocol import MODEL, TaskError

COLOURS = 3


def with_channels(network: Any, channels: int) -> Any:
    """``network``, whose first convolution now takes ``channels`` inputs; all else stays.

    So do those who train on grey pictures what was made for colours, where its constructor has no word for
    it. Raises TaskError where no convolution takes pictures of three colours.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module.in_channels == COLOURS and module.groups == 1:
            module.in_channels = channels
            shape = (module.out_channels, channels, *module.kernel_size)
            module.weight = torch.nn.Parameter(module.weight.new_empty(shape))
            module.reset_parameters()
            return network
    raise TaskError(
        MODEL,
        f"{type(network).__name__} has no convolution of {COLOURS} colours that could take {channels} "
        "channels: leave `channels` out of its entry",
    )

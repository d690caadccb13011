"""From the form of a torch network for training to its form for inference, where it has two.

Branches that lie side by side (convolutions, batch normalisations, an identity) are easier to train,
and one convolution that computes their sum is what is published: Ding et al., "RepVGG: Making
VGG-style ConvNets Great Again", 2021 (arXiv:2101.03697). Frameworks fuse their own blocks, each in
its own way; here it is checked that they did.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass
from typing import Any, Callable, DefaultDict, Dict, FrozenSet, Set, Tuple

import torch

from protocol import EXPORT, MODEL, TaskError

SHOWN = 4

Parts = Dict[str, FrozenSet[str]]
"""The tensors of a module by the first part of their names: those of ``conv.weight`` under ``conv``."""


@dataclass(frozen=True)
class Fusing:
    """How a framework brings a network into its form for inference."""

    switch: Callable[[Any], None]
    """Does so in place."""
    methods: Tuple[str, ...]
    """The names of the methods by which a block of such a network fuses itself."""


@dataclass(frozen=True)
class _Block:
    """A module that can fuse itself, before that was asked of it."""

    module: Any
    parts: Parts
    outermost: bool


def reparameterise(network: Any, fusing: Fusing, model: str) -> int:
    """Bring ``network`` into its form for inference, in place; return the number of blocks that were fused.

    Raises TaskError where no block was, or where some kept what fusing took from others of their kind.
    """
    blocks = _blocks(network, fusing.methods)
    with torch.no_grad():
        fusing.switch(network)
    network.eval()  # the new layers begin in training mode
    now = dict(network.named_modules())
    left = {path: _parts_left(block, now.get(path)) for path, block in blocks.items()}
    fused = sum(block.outermost and left[path] != block.parts for path, block in blocks.items())
    if not fused:
        raise no_such_form(model)
    _require_all(blocks, left, model)
    return fused


def no_such_form(model: str) -> TaskError:
    """The error of a network that has no blocks to fuse."""
    return TaskError(
        MODEL,
        f"{model} has no blocks of several branches that could be fused for inference: "
        "remove `reparameterise` from its entry",
    )


def _blocks(network: Any, methods: Tuple[str, ...]) -> Dict[str, _Block]:
    blocks: Dict[str, _Block] = {}
    for path, module in network.named_modules():
        if path and any(hasattr(module, method) for method in methods):
            outer = any(path.startswith(other + ".") for other in blocks)
            blocks[path] = _Block(module, _parts(module), not outer)
    return blocks


def _parts(module: Any) -> Parts:
    parts: DefaultDict[str, Set[str]] = collections.defaultdict(set)
    for name in module.state_dict():
        parts[name.split(".", 1)[0]].add(name)
    return {part: frozenset(names) for part, names in parts.items()}


def _parts_left(block: _Block, now: Any) -> Parts:
    """The parts that ``block`` holds now; none where another module, ``now``, took its place."""
    return _parts(now) if now is block.module else {}


def _require_all(blocks: Dict[str, _Block], left: Dict[str, Parts], model: str) -> None:
    """Raise TaskError where a block holds, untouched, a part that fusing took from another of its class."""
    branches: DefaultDict[type, Set[str]] = collections.defaultdict(set)
    for path, block in blocks.items():
        branches[type(block.module)] |= block.parts.keys() - left[path].keys()
    unfused = [
        path
        for path, block in blocks.items()
        if any(left[path].get(part) == block.parts.get(part, ()) for part in branches[type(block.module)])
    ]
    if unfused:
        raise TaskError(
            EXPORT,
            f"{len(unfused)} of the {len(blocks)} blocks of {model} kept their branches for training: "
            f"{', '.join(unfused[:SHOWN])}. Remove `reparameterise` from its entry, or take another version "
            "of the framework",
        )

"""Thin nets of Caffe2's model zoo; see ``thin_worker.py``."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any, ContextManager, Dict, List, Sequence

import caffe2_nets
from networks import Network


def shorten_layers(divisor: int) -> None:
    """Divide the numbers of channels that the builder of VGG-19 takes by default."""
    builder = caffe2_nets.BUILDERS["vgg19"]
    lengths = {each.name: each.default for each in inspect.signature(builder).parameters.values()}
    thin = {name: tuple(length // divisor for length in lengths[name]) for name in ("channels", "widths")}
    caffe2_nets.BUILDERS["vgg19"] = functools.partial(builder, **thin)


def fresh_names() -> ContextManager[None]:
    return contextlib.nullcontext()


def operators(names: Dict[str, Any], model: str, sizes: Sequence[int]) -> List[str]:
    """The operators of the net, each with its arguments (kernel, stride and pad) in place of its sizes."""
    net, _ = names["build"](Network(model))
    return [
        " ".join([operator.type, *sorted(f"{argument.name} {argument.i}" for argument in operator.arg)])
        for operator in net.op
    ]

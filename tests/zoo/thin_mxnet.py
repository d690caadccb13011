"""Thin networks of the Gluon model zoo; see ``thin_worker.py``."""

from __future__ import annotations

import contextlib
import json
from typing import Any, ContextManager, Dict, List, Sequence

import mxnet as mx
from mxnet.gluon import nn

import thin_lengths
from networks import Network

LAYERS = {
    nn.Conv2D: ("channels", "in_channels"),
    nn.BatchNorm: ("in_channels",),
    nn.Dense: ("units", "in_units"),
}


def shorten_layers(divisor: int) -> None:
    thin_lengths.shorten(LAYERS, divisor)


def fresh_names() -> ContextManager[None]:
    return contextlib.nullcontext()


def operators(names: Dict[str, Any], model: str, sizes: Sequence[int]) -> List[str]:
    """The operators of the network's symbol, which has no weights."""
    symbol = names["build"](Network(model))(mx.sym.var("data"))
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(2, *sizes))
    shapes_by_name = dict(zip(internals.list_outputs(), shapes, strict=True))
    return [
        " ".join(map(str, [node["op"], *shapes_by_name[node["name"] + "_output"][2:]]))
        for node in json.loads(symbol.tojson())["nodes"]
        if node["op"] != "null"
    ]

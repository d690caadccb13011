"""Thin networks of PaddleClas; see ``thin_worker.py``."""

from __future__ import annotations

from typing import Any, ContextManager, Dict, List, Sequence

import paddle
from ppcls.arch.backbone.model_zoo.repvgg import RepVGGBlock
from ppcls.arch.backbone.model_zoo.se_resnext_vd import ResNeXt

import paddle_models
import thin_lengths
from networks import Network

LINEAR = {paddle.nn.Linear: ("in_features", "out_features")}
LAYERS = {
    paddle.nn.Conv2D: ("in_channels", "out_channels", "groups"),
    paddle.nn.BatchNorm: ("num_channels",),
    **LINEAR,
    ResNeXt: ("pool2d_avg_channels",),  # what it reshapes to before its last layer
}
BLOCKS = {RepVGGBlock: ("in_channels", "out_channels"), **LINEAR}


def shorten_layers(divisor: int) -> None:
    thin_lengths.shorten(LAYERS, divisor)


def shorten_blocks(divisor: int) -> None:
    thin_lengths.shorten(BLOCKS, divisor)


def fresh_names() -> ContextManager[None]:
    """Many parameters have fixed names, which a second network in one process must not share."""
    names: ContextManager[None] = paddle.utils.unique_name.guard()
    return names


def operators(names: Dict[str, Any], model: str, sizes: Sequence[int]) -> List[str]:
    """The operators of the network's program; its weights are declared, and never drawn."""
    with fresh_names(), paddle.LazyGuard():
        network = paddle_models.build(Network(model))
    spec = paddle.static.InputSpec([None, *sizes], "float32", "input")
    program = paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
    block = program.forward.concrete_program.main_program.global_block()
    return [
        " ".join(map(str, [operator.name(), *operator.results()[0].shape[2:]]))
        for operator in block.ops
        if operator.num_results()
    ]

"""Lively random weights for a Gluon network: see ``lively.py`` for the arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.gluon import nn

import lively

LAYERS = (nn.Conv2D, nn.Dense)


def _draw(network: Any, learned: list[Any], seed: int) -> None:
    """Give every learned parameter its first value; all else keeps Gluon's (0, or 1 for variances)."""
    network.initialize()
    generator = np.random.default_rng(seed)
    for parameter in learned:
        parameter.data()[:] = lively.initial_value(parameter.name, parameter.shape, generator)


def _scale(layer: Any, scale: Any) -> None:
    """Multiply the weights, outputs first, by a number or by one number per output."""
    weight = layer.weight.data()
    factors = mx.nd.array(np.asarray(scale, dtype=np.float32).reshape((-1,) + (1,) * (weight.ndim - 1)))
    mx.nd.broadcast_mul(weight, factors, out=weight)


def _standardise(layer: Any, used: list[Any]) -> Callable[[Any], Any]:
    """A forward of a convolution or a dense layer that first sets the scale of its weights.

    It appends the layer to ``used``, which so ends with the one that makes the logits.
    """
    forward = type(layer).forward

    def adjusting_forward(data: Any) -> Any:
        used.append(layer)
        if layer.act is not None:  # look at the values before the activation
            layer.act.forward = lambda values: values
        output = forward(layer, data).asnumpy()
        if layer.act is not None:
            del layer.act.forward
        dense = isinstance(layer, nn.Dense)
        scale, shift = lively.correction(output, 1, biased=layer.bias is not None, dense=dense)
        _scale(layer, scale)
        if layer.bias is not None:
            layer.bias.set_data(layer.bias.data() * mx.nd.array(scale) + mx.nd.array(shift))
        return forward(layer, data)

    return adjusting_forward


def _collect_statistics(layer: Any) -> Callable[[Any], Any]:
    """A forward of a batch normalisation that first takes its running statistics from the data."""
    forward = type(layer).forward

    def adjusting_forward(data: Any) -> Any:
        mean, variance = lively.statistics(data.asnumpy(), layer._kwargs["axis"])
        layer.running_mean.set_data(mx.nd.array(mean))
        layer.running_var.set_data(mx.nd.array(variance))
        layer.beta.set_data(layer.beta.data() + lively.CENTRE)
        return forward(layer, data)

    return adjusting_forward


def _correct_last(layers: list[Any], spread: float) -> None:
    """Bring the logits' deviation over the classes to 1: what follows the last layer is linear in it."""
    _scale(layers[-1], 1.0 / spread)
    if layers[-1].bias is not None:
        layers[-1].bias.set_data(layers[-1].bias.data() / spread)


def initialise(network: Any, inputs: Any, learned: list[Any], seed: int) -> None:
    """Fill ``network`` with weights that make its logits answer to ``inputs``, float32 (N, C, H, W).

    ``learned`` are the parameters to draw; running statistics are taken from the data.
    """
    _draw(network, learned, seed)
    adjusted: list[Any] = []
    used: list[Any] = []

    def visit(block: Any) -> None:
        if isinstance(block, LAYERS):
            block.forward = _standardise(block, used)
            adjusted.append(block)
        elif isinstance(block, nn.BatchNorm):
            block.forward = _collect_statistics(block)
            adjusted.append(block)

    network.apply(visit)
    spread = lively.spread(network(inputs).asnumpy())
    for block in adjusted:
        del block.forward
    _correct_last(used, spread)

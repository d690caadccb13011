"""Lively random weights for a Caffe2 net: see ``lively.py`` for the arithmetic.

The operators are run one at a time in the current workspace, each with weights that are drawn just
before and scaled just after, so that big weights and big intermediate blobs do not meet.
"""

from __future__ import annotations

from typing import Any, Dict, List, Set, Tuple

import numpy as np
from caffe2.python import core, workspace

import lively

LAYERS = ("Conv", "FC")
FACTORS = "lively/factors"


def fill(net: Any, parameters: Dict[str, Tuple[int, ...]], pictures: lively.Array, seed: int) -> None:
    """Give ``net``, a NetDef for inference, weights under which its logits answer to ``pictures``.

    The ``parameters``, by name and shape, are left in the current workspace, and nothing else.
    ``pictures`` are all the fixed inputs, float32 (N, C, H, W), for the net's one input that is no
    parameter. Logits are what enters the last Softmax, or the net's output where there is none. The
    same seed and pictures give the same weights. Raises TaskError where the logits stay constant.
    """
    generator = np.random.default_rng(seed)
    (data,) = [name for name in net.external_input if name not in parameters]
    workspace.FeedBlob(data, pictures)
    operators, logits = _up_to_logits(net)
    last_uses = {name: position for position, operator in enumerate(operators) for name in operator.input}
    used: List[Any] = []
    drawn: Set[str] = set()
    for position, operator in enumerate(operators):
        for place, name in enumerate(operator.input):
            if name in parameters and name not in drawn:
                drawn.add(name)
                kind = "scale" if place == 1 and operator.type in ("SpatialBN", "Mul") else "shift"
                workspace.FeedBlob(name, lively.initial_value(kind, parameters[name], generator))
        _run(operator, used)
        for name in {*operator.input, *operator.output} - parameters.keys() - {logits}:
            if last_uses.get(name, position) <= position:
                workspace.ResetBlob(name)
    _correct_last(used[-1], workspace.FetchBlob(logits))
    workspace.ResetBlob(logits)


def _up_to_logits(net: Any) -> Tuple[List[Any], str]:
    """The operators that make the logits, and the logits' blob."""
    operators = list(net.op)
    softmax = [position for position, operator in enumerate(operators) if operator.type == "Softmax"]
    if not softmax:
        return operators, str(net.external_output[0])
    return operators[: softmax[-1]], str(operators[softmax[-1]].input[0])


def _run(operator: Any, used: List[Any]) -> None:
    """Run one operator, and set its weights or statistics from what goes through it."""
    if operator.type == "SpatialBN":
        _set_statistics(operator)
    elif operator.type == "LRN":
        _make_felt(operator, used[-1])
    workspace.RunOperatorOnce(operator)
    if operator.type in LAYERS:
        _standardise(operator)
        used.append(operator)


def _make_felt(operator: Any, layer: Any) -> None:
    """Scale the layer before a local response normalisation, so that the latter changes something.

    It divides by a power of bias + alpha * squares, which around 1 is the bias, whatever the channels.
    What is between the two (a rectifier, a maximum) is linear in the layer's weights.
    """
    values = {argument.name: argument.f for argument in operator.arg}
    factor = np.float32(np.sqrt(values["bias"] / values["alpha"]))
    _rescale(layer, factor)
    workspace.FeedBlob(operator.input[0], workspace.FetchBlob(operator.input[0]) * factor)


def _set_statistics(operator: Any) -> None:
    """Take the running mean and variance of a batch normalisation from its input."""
    data, _, bias, mean_name, variance_name = operator.input
    mean, variance = lively.statistics(workspace.FetchBlob(data), 1)
    workspace.FeedBlob(mean_name, mean)
    workspace.FeedBlob(variance_name, variance)
    workspace.FeedBlob(bias, workspace.FetchBlob(bias) + np.float32(lively.CENTRE))


def _standardise(operator: Any) -> None:
    """Scale and shift the weights of a layer that has just run, and its output with them."""
    weight, biases, name = operator.input[1], operator.input[2:], operator.output[0]
    output = workspace.FetchBlob(name)
    scale, shift = lively.correction(output, 1, biased=bool(biases), dense=operator.type == "FC")
    _scale(weight, scale)
    for bias in biases:
        workspace.FeedBlob(bias, workspace.FetchBlob(bias) * scale + shift)
    channels = (1, -1) + (1,) * (output.ndim - 2)
    output *= scale.reshape(channels)
    output += shift.reshape(channels)
    workspace.FeedBlob(name, output)


def _scale(weight: str, factors: lively.Array) -> None:
    """Multiply the weights, outputs first, by one number per output, where they are."""
    workspace.FeedBlob(FACTORS, factors)
    workspace.RunOperatorOnce(core.CreateOperator("Mul", [weight, FACTORS], [weight], broadcast=1, axis=0))
    workspace.ResetBlob(FACTORS)


def _rescale(layer: Any, factor: np.float32) -> None:
    """Multiply a layer's weights and bias by a number."""
    for name in layer.input[1:]:
        workspace.RunOperatorOnce(core.CreateOperator("Scale", [name], [name], scale=float(factor)))


def _correct_last(layer: Any, logits: lively.Array) -> None:
    """Bring the logits' deviation over the classes to 1: what follows the last layer is linear in it."""
    spread = lively.spread(logits.reshape(len(logits), -1))
    if not 0 < spread < float("inf"):
        raise lively.unusable(spread)
    _rescale(layer, np.float32(1 / spread))

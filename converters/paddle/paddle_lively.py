"""Lively random weights for a Paddle network: ``lively.py`` applied layer by layer."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

import numpy as np
import paddle
from paddle.nn.layer.norm import _BatchNormBase

import lively
from paddle_weights import in_place

CORRECTIONS = 3
LEARNED_MAPS = (paddle.nn.Conv1D, paddle.nn.Conv2D, paddle.nn.Conv3D, paddle.nn.Linear)
BATCH_NORMS = (_BatchNormBase, paddle.nn.BatchNorm)
_Adjusted = Tuple[Any, Any]
"""A layer, and what it answered with once it was adjusted, None where that cannot be logits."""


def enliven(network: Any, pictures: Any, seed: int) -> None:
    """Give ``network`` random weights under which its logits answer to ``pictures``.

    ``network`` is in eval mode and returns its logits alone; ``pictures`` are all the fixed inputs,
    a float32 tensor (N, C, H, W). The same seed and inputs give the same weights. Raises TaskError
    where the logits stay constant.
    """

    def drawn(damping: float) -> float:
        logits = _drawn(network, pictures, seed, damping)
        of_nudged = network(paddle.to_tensor(lively.nudged(pictures.numpy()))).numpy()
        return lively.amplification(logits, of_nudged)

    with paddle.no_grad():
        lively.damped(drawn)


def _drawn(network: Any, pictures: Any, seed: int, damping: float) -> lively.Array:
    """The logits, float32 (N, classes), of ``network`` with weights of its own."""
    adjusted: List[_Adjusted] = []
    _draw(network, np.random.default_rng(seed))
    layers = network.sublayers(include_self=True)
    hooks = [hook for layer in layers for hook in _hooks(layer, adjusted, damping)]
    try:
        logits = network(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    return _correct(network, pictures, _heads(adjusted, logits))


def _heads(adjusted: List[_Adjusted], logits: Any) -> List[Any]:
    """The layers that may have made ``logits``: where some did make the same values, these alone."""
    fitting = [(layer, output) for layer, output in adjusted if _outputs(layer) == logits.shape[-1]]
    equal = [
        layer for layer, output in fitting if output is not None and np.array_equal(output, logits.numpy())
    ]
    return equal or [layer for layer, _ in fitting]


def _draw(network: Any, generator: np.random.Generator) -> None:
    maps = {id(layer.weight) for layer in network.sublayers() if isinstance(layer, paddle.nn.Linear)}
    for name, parameter in network.named_parameters():
        if not parameter.trainable:
            continue
        transposed = id(parameter) in maps  # Paddle keeps a matrix with its inputs first
        shape = tuple(reversed(parameter.shape)) if transposed else tuple(parameter.shape)
        # A vector of ones scales, whatever it is called.
        kind = "weight" if bool((parameter == 1).all()) else name
        value = np.asarray(lively.initial_value(kind, shape, generator), dtype=np.float32)
        in_place(parameter)[...] = value.T if transposed else value


def _hooks(layer: Any, adjusted: List[_Adjusted], damping: float) -> List[Any]:
    if isinstance(layer, BATCH_NORMS):
        return [layer.register_forward_pre_hook(lively.once(_setter(damping)))]
    if isinstance(layer, LEARNED_MAPS):
        return [layer.register_forward_post_hook(lively.once(_adjuster(adjusted, damping)))]
    return []


def _channel_axis(layer: Any) -> int:
    if isinstance(layer, paddle.nn.Linear):
        return -1
    layout: str = getattr(layer, "_data_format", None) or getattr(layer, "_data_layout", None) or "NCHW"
    return 1 if layout[1] == "C" else -1


def _setter(damping: float) -> Callable[[Any, Tuple[Any, ...]], None]:
    def set_statistics(layer: Any, inputs: Tuple[Any, ...]) -> None:
        mean, variance = lively.statistics(inputs[0].numpy(), _channel_axis(layer))
        layer._mean.set_value(mean)
        layer._variance.set_value(variance)
        if layer.weight is not None:
            layer.weight.set_value(layer.weight.numpy() * np.float32(damping))
        if layer.bias is not None:
            layer.bias.set_value(layer.bias.numpy() + np.float32(lively.CENTRE))

    return set_statistics


def _adjuster(adjusted: List[_Adjusted], damping: float) -> Callable[[Any, Tuple[Any, ...], Any], Any]:
    def adjust(layer: Any, inputs: Tuple[Any, ...], output: Any) -> Any:
        dense = isinstance(layer, paddle.nn.Linear)
        biased, axis = layer.bias is not None, _channel_axis(layer)
        scale, shift = lively.correction(output.numpy(), axis, biased=biased, dense=dense, damping=damping)
        _scale(layer, scale, shift)
        corrected = layer.forward(*inputs)
        adjusted.append((layer, corrected.numpy() if corrected.ndim == 2 else None))
        return corrected

    return adjust


def _scale(layer: Any, scale: Any, shift: Any) -> None:
    weight = in_place(layer.weight)
    outputs_first = not isinstance(layer, paddle.nn.Linear)
    weight *= scale.reshape(-1, *[1] * (weight.ndim - 1)) if outputs_first else scale
    if layer.bias is not None:
        layer.bias.set_value(layer.bias.numpy() * scale + shift)


def _outputs(layer: Any) -> int:
    return int(layer.weight.shape[-1 if isinstance(layer, paddle.nn.Linear) else 0])


def _correct(network: Any, pictures: Any, heads: List[Any]) -> lively.Array:
    """Scale the last layer until the spread of the logits is near 1; the logits."""
    smallest, largest = lively.WANTED_SPREADS
    for _ in range(CORRECTIONS):
        logits: lively.Array = network(pictures).numpy()
        spread = lively.spread(logits)
        if smallest <= spread <= largest:
            return logits
        if not heads or not 0 < spread < float("inf"):
            break
        factor = np.full(logits.shape[-1], 1 / spread, dtype=np.float32)
        _scale(heads[-1], factor, np.zeros_like(factor))
    logits = network(pictures).numpy()
    lively.require_usable(lively.spread(logits))
    return logits

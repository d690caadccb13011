"""Lively random weights for a torch network: ``lively.py`` applied module by module."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple

import numpy as np
import torch

import lively

CORRECTIONS = 3
LARGEST_EXCESS = 0.5
"""How much of what all inputs' logits have in common may be more than what sets them apart."""
LEARNED_MAPS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
BATCH_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)
_Adjusted = Tuple[Any, Any]
"""A layer, and what it answered with once it was adjusted, None where that cannot be logits."""


def enliven(network: Any, pictures: Any, seed: int) -> None:
    """Give ``network`` random weights under which its logits answer to ``pictures``.

    ``network`` is in eval mode; ``pictures`` are all the fixed inputs, float32 (N, C, H, W). The
    same seed and inputs give the same weights. Raises TaskError where the logits stay constant.
    """

    def drawn(damping: float) -> float:
        logits = _drawn(network, pictures, seed, damping)
        of_nudged = network(torch.from_numpy(lively.nudged(pictures.numpy()))).float()
        return lively.amplification(logits.numpy(), of_nudged.numpy())

    with torch.no_grad():
        lively.damped(drawn)


def _drawn(network: Any, pictures: Any, seed: int, damping: float) -> Any:
    """The logits, float32 (N, classes), of ``network`` with weights of its own."""
    generator = np.random.default_rng(seed)
    adjusted: List[_Adjusted] = []
    for name, parameter in network.named_parameters():
        _draw(name, parameter, generator)
    hooks = [hook for module in network.modules() for hook in _hooks(module, adjusted, damping)]
    try:
        logits = network(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    return _correct(network, pictures, _heads(adjusted, logits))


def _heads(adjusted: List[_Adjusted], logits: Any) -> List[Any]:
    """The layers that may have made ``logits``: where some did make the same values, these alone."""
    fitting = [(module, output) for module, output in adjusted if _outputs(module) == logits.shape[-1]]
    equal = [module for module, output in fitting if output is not None and torch.equal(output, logits)]
    return equal or [module for module, _ in fitting]


def _draw(name: str, parameter: Any, generator: np.random.Generator) -> None:
    # A vector of ones scales, whatever it is called.
    kind = "weight" if bool((parameter == 1).all()) else name
    value = lively.initial_value(kind, tuple(parameter.shape), generator)
    parameter.copy_(torch.from_numpy(np.asarray(value)))


def _hooks(module: Any, adjusted: List[_Adjusted], damping: float) -> List[Any]:
    if isinstance(module, BATCH_NORMS) and module.track_running_stats:
        return [module.register_forward_pre_hook(lively.once(_setter(damping)))]
    if isinstance(module, LEARNED_MAPS):
        return [module.register_forward_hook(lively.once(_adjuster(adjusted, damping)))]
    return []


def _setter(damping: float) -> Callable[[Any, Tuple[Any, ...]], None]:
    def set_statistics(module: Any, inputs: Tuple[Any, ...]) -> None:
        mean, variance = lively.statistics(inputs[0].numpy(), 1)
        module.running_mean.copy_(torch.from_numpy(mean))
        module.running_var.copy_(torch.from_numpy(variance))
        if module.weight is not None:
            module.weight.mul_(damping)
        if module.bias is not None:
            module.bias.add_(lively.CENTRE)

    return set_statistics


def _adjuster(adjusted: List[_Adjusted], damping: float) -> Callable[[Any, Tuple[Any, ...], Any], Any]:
    def adjust(module: Any, inputs: Tuple[Any, ...], output: Any) -> Any:
        dense = isinstance(module, torch.nn.Linear)
        axis = -1 if dense else 1
        # A layer that normalises its own weights may not follow them; copies of all weights take much memory.
        plain = type(module) in LEARNED_MAPS
        kept = [] if plain else [parameter.clone() for parameter in module.parameters()]
        biased = module.bias is not None
        correction = lively.correction(output.numpy(), axis, biased=biased, dense=dense, damping=damping)
        scale, shift = (torch.from_numpy(values) for values in correction)
        _scale(module, scale, shift)
        corrected = _scaled(output, scale, shift, axis)
        if not plain:
            wanted, corrected = corrected, module.forward(*inputs)
            if not _follows(wanted, corrected):
                for parameter, value in zip(module.parameters(), kept, strict=True):
                    parameter.copy_(value)
                return module.forward(*inputs)
        adjusted.append((module, corrected if corrected.ndim == 2 else None))
        return corrected

    return adjust


def _scaled(output: Any, scale: Any, shift: Any, axis: int) -> Any:
    """``output`` scaled and shifted, in place: copies of a large one take much memory."""
    shape = [-1 if position == axis % output.ndim else 1 for position in range(output.ndim)]
    return output.mul_(scale.reshape(shape)).add_(shift.reshape(shape))


def _follows(wanted: Any, corrected: Any) -> bool:
    """Whether ``corrected`` is what was ``wanted``, which is of no use afterwards."""
    deviation = wanted.std()
    return not bool(wanted.sub_(corrected).std() > 0.1 * deviation)


def _scale(module: Any, scale: Any, shift: Any) -> None:
    module.weight.mul_(scale.reshape(-1, *[1] * (module.weight.ndim - 1)))
    if module.bias is not None:
        module.bias.mul_(scale).add_(shift)


def _outputs(module: Any) -> int:
    return int(module.weight.shape[0])


def _correct(network: Any, pictures: Any, heads: List[Any]) -> Any:
    """Shift and scale the last layer until logits differ between inputs, with a spread near 1; the logits."""
    smallest, largest = lively.WANTED_SPREADS
    for _ in range(CORRECTIONS):
        logits = network(pictures).float()
        spread, common = lively.spread(logits.numpy()), logits.mean(dim=0)
        own = float((logits - common).std())
        excess = max(0.0, 1 - own / max(float(common.std()), 1e-30)) if len(logits) > 1 else 0.0
        if smallest <= spread <= largest and excess < LARGEST_EXCESS:
            return logits
        if not heads or not 0 < spread < float("inf"):
            break
        if heads[-1].bias is not None:
            heads[-1].bias.sub_(excess * common)
            spread = lively.spread((logits - excess * common).numpy())
        _scale(heads[-1], torch.full_like(common, 1 / spread), torch.zeros_like(common))
    logits = network(pictures).float()
    lively.require_usable(lively.spread(logits.numpy()))
    return logits

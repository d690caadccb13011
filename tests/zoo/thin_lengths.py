"""Layers with shorter lengths than their callers ask for. Standard library only."""

from __future__ import annotations

import inspect
from typing import Any, Mapping, Sequence

KEPT = (None, 0, 1, 3, 1000)
"""Lengths that stay: those not known yet, one, the channels of a picture, the classes."""


def shorten(layers: Mapping[Any, Sequence[str]], divisor: int) -> None:
    """Divide the lengths of all ``layers`` that are constructed from now on.

    ``layers`` has for each class the names of the lengths: of arguments of its constructor, or else
    of attributes that it leaves behind.
    """
    for layer, lengths in layers.items():
        _shorten(layer, lengths, divisor)


def _shorten(layer: Any, lengths: Sequence[str], divisor: int) -> None:
    construct = layer.__init__
    signature = inspect.signature(construct)
    arguments = [name for name in lengths if name in signature.parameters]

    def construct_thin(self: Any, *positional: Any, **named: Any) -> None:
        bound = signature.bind(self, *positional, **named)
        for name in arguments:
            if name in bound.arguments:
                bound.arguments[name] = _shorter(bound.arguments[name], divisor)
        construct(*bound.args, **bound.kwargs)
        for name in lengths:
            if name not in arguments:
                setattr(self, name, _shorter(getattr(self, name), divisor))

    layer.__init__ = construct_thin


def _shorter(length: Any, divisor: int) -> Any:
    if length in KEPT:
        return length
    if length % divisor:
        raise ValueError(f"{length} is no multiple of {divisor}: take a divisor of every length")
    return length // divisor

"""Dropout: ``ratio`` and ``training_mode`` are inputs since 12, the mask is of bools since 10.

An inference copies its input, so it goes where its form changes. 13 and 22 changed only the accepted types.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.types import WHY
from opsets.registry import adapts, alike
from opsets.rewrite import Rewrite

alike("Dropout", 22, 21, WHY)


@adapts("Dropout", 12, 11)
def dropout_12_to_11(rewrite: Rewrite) -> None:
    """Exact: nothing is dropped unless ``training_mode`` is true and the ratio is above 0."""
    training = rewrite.constant(2, "training mode")
    if training is not None and training.any() and not _is_zero(rewrite, rewrite.input(1)):
        raise CannotAdapt("it drops at random (training_mode); export the model in eval mode")
    _vanish(rewrite)


@adapts("Dropout", 10, 9)
@adapts("Dropout", 9, 10)
@adapts("Dropout", 7, 6)
def dropout_without_training(rewrite: Rewrite) -> None:
    """Exact: these forms know the inference only. Runtimes do not agree on its mask."""
    rewrite.keep_outputs(1)
    _vanish(rewrite)


@adapts("Dropout", 6, 5)
def dropout_6_to_5(rewrite: Rewrite) -> None:
    """Without ``is_test`` it trains, which both forms say alike; 5 has one optional attribute more."""
    if rewrite.integer("is_test", 0):
        rewrite.keep_outputs(1)
        _vanish(rewrite)


def _is_zero(rewrite: Rewrite, ratio: ir.Value | None) -> bool:
    """Whether the ``ratio`` is known to be 0; left out, it is a half."""
    array = None if ratio is None else rewrite.constant_or_none(ratio)
    return array is not None and not array.any()


def _vanish(rewrite: Rewrite) -> None:
    """Hand the data on; a mask that is used keeps all."""
    data = rewrite.required(0)
    if not rewrite.is_used(1):
        rewrite.keep_outputs(1)
        rewrite.forward(data)
        return
    copy = rewrite.add("Identity", [data], shape=data.shape)
    lengths = rewrite.add("Shape", [data])
    every = ir.tensor(np.ones(1, dtype=np.bool_))
    mask = rewrite.add("ConstantOfShape", [lengths], {"value": every}, shape=data.shape)
    rewrite.replace(copy, mask)


@adapts("Dropout", 6, 7)
def dropout_6_to_7(rewrite: Rewrite) -> None:
    """Exact for an inference; from 7 to 11 nothing can be said that trains."""
    if not rewrite.integer("is_test", 0):
        raise CannotAdapt("it drops at random (is_test is 0); export the model in eval mode")
    rewrite.keep_outputs(1)
    _vanish(rewrite)


@adapts("Dropout", 11, 12)
def dropout_11_to_12(rewrite: Rewrite) -> None:
    """Exact: the older form knows the inference only."""
    _vanish(rewrite)

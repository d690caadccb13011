"""BatchNormalization: ``training_mode`` since 14, ``spatial`` until 8, ``is_test`` until 6, ``consumed_inputs`` until 5.

15 changed only the accepted types.
"""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite
from opsets.registry import adapts

TRAINING = "it is in training mode; export the model in eval mode"


def refuse_training(rewrite: Rewrite) -> None:
    """Between 7 and 13 the number of outputs says whether it trains: an inference has one."""
    if any(rewrite.is_used(output) for output in range(1, len(rewrite.node.outputs))):
        raise CannotAdapt(TRAINING)
    rewrite.keep_outputs(1)


@adapts("BatchNormalization", 14, 13)
def batch_normalization_14_to_13(rewrite: Rewrite) -> None:
    """An inference has one output. Below 14 all inputs are of one type."""
    if rewrite.integer("training_mode", 0):
        raise CannotAdapt(TRAINING)
    rewrite.drop_attribute("training_mode")
    refuse_training(rewrite)
    if len({value.dtype for value in rewrite.node.inputs if value is not None}) > 1:
        raise CannotAdapt("its mean and variance are of another type than its data")


@adapts("BatchNormalization", 9, 8)
def batch_normalization_9_to_8(rewrite: Rewrite) -> None:
    """The default of ``spatial`` below 9 is what 9 always does; below, a single axis has no channels."""
    refuse_training(rewrite)
    if rewrite.rank(rewrite.required(0)) < 2:
        raise CannotAdapt("its data has one axis, and the older form wants a second for the channels")


@adapts("BatchNormalization", 7, 6)
def batch_normalization_7_to_6(rewrite: Rewrite) -> None:
    """Below 7 it trains unless ``is_test`` says otherwise."""
    refuse_training(rewrite)
    rewrite.set_attribute("is_test", 1)


@adapts("BatchNormalization", 6, 5)
def batch_normalization_6_to_5(rewrite: Rewrite) -> None:
    """Below 6 ``consumed_inputs`` has to be given: the running mean and variance, as exporters wrote it."""
    rewrite.set_attribute("consumed_inputs", [0, 0, 0, 1, 1])

"""BatchNormalization: ``training_mode`` since 14.

``spatial`` until 8, ``is_test`` until 6, ``consumed_inputs`` until 5. 15 changed only the accepted types.
"""

from __future__ import annotations

import numpy as np

from opsets.errors import CannotAdapt
from opsets.families.images import as_image
from opsets.registry import adapts
from opsets.rewrite import Rewrite

TRAINING = "it is in training mode; export the model in eval mode"


def refuse_training(rewrite: Rewrite) -> None:
    """Between 7 and 13 the number of outputs says whether it trains: an inference has one."""
    if any(rewrite.is_used(output) for output in range(1, len(rewrite.node.outputs))):
        raise CannotAdapt(TRAINING)
    rewrite.keep_outputs(1)


@adapts("BatchNormalization", 14, 13)
def batch_normalization_14_to_13(rewrite: Rewrite) -> None:
    """An inference has one output; training is spelt out. Below 14 all inputs are of one type."""
    if len({value.dtype for value in rewrite.node.inputs if value is not None}) > 1:
        raise CannotAdapt("its mean and variance are of another type than its data")
    if rewrite.integer("training_mode", 0):
        _train(rewrite)
    else:
        rewrite.drop_attribute("training_mode")
        refuse_training(rewrite)


def _train(rewrite: Rewrite) -> None:
    """Normalise by the mean and variance of the batch, and move the running ones towards them."""
    data, scale, bias, mean, variance = (rewrite.required(index) for index in range(5))
    others = {"axes": [axis for axis in range(rewrite.rank(data)) if axis != 1], "keepdims": 1}
    channels = rewrite.initializer(
        np.array([1, -1] + [1] * (rewrite.rank(data) - 2), dtype=np.int64), "channels"
    )
    vector = rewrite.initializer(np.array([-1], dtype=np.int64), "vector")
    own_mean = rewrite.add("ReduceMean", [data], others)
    centred = rewrite.add("Sub", [data, own_mean])
    own_variance = rewrite.add("ReduceMean", [rewrite.add("Mul", [centred, centred])], others)
    epsilon = rewrite.number(rewrite.real("epsilon", 1e-5), data, "epsilon")
    deviation = rewrite.add("Sqrt", [rewrite.add("Add", [own_variance, epsilon])])
    scaled = rewrite.add(
        "Mul", [rewrite.add("Div", [centred, deviation]), rewrite.add("Reshape", [scale, channels])]
    )
    result = rewrite.add("Add", [scaled, rewrite.add("Reshape", [bias, channels])])
    momentum = rewrite.real("momentum", 0.9)
    kept = rewrite.number(momentum, data, "momentum")
    rest = rewrite.number(1 - momentum, data, "rest")
    running = [
        rewrite.add(
            "Add",
            [
                rewrite.add("Mul", [old, kept]),
                rewrite.add("Mul", [rewrite.add("Reshape", [new, vector]), rest]),
            ],
        )
        for old, new in ((mean, own_mean), (variance, own_variance))
    ]
    rewrite.replace(result, *running)


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
    """Below 6 ``consumed_inputs`` has to be given: the running mean and variance, as exporters wrote it.

    The data is an image there; in eval mode, other data is laid out as one.
    """
    rewrite.set_attribute("consumed_inputs", [0, 0, 0, 1, 1])
    is_image = rewrite.rank(rewrite.required(0)) == 4
    if not is_image and rewrite.integer("is_test", 0) and rewrite.integer("spatial", 1):
        as_image(rewrite, {name: attribute.value for name, attribute in rewrite.node.attributes.items()})

"""BatchNormalization: ``training_mode`` since 14.

Scale and bias may be of another type than the data since 15, mean and variance since 14. ``spatial``
until 8, ``is_test`` until 6, ``consumed_inputs`` until 5.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

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


@adapts("BatchNormalization", 15, 14)
def batch_normalization_15_to_14(rewrite: Rewrite) -> None:
    """Scale and bias are of the type of the data: half precision is computed in float32, and cast back."""
    data, scale = rewrite.required(0), rewrite.required(1)
    if data.dtype == scale.dtype:
        return
    attributes = {name: attribute.value for name, attribute in rewrite.node.attributes.items()}
    count = len(rewrite.node.outputs)
    results = rewrite.add_many("BatchNormalization", _in_one_type(rewrite), attributes, count)
    rewrite.replace(*_cast_back(rewrite, results))


@adapts("BatchNormalization", 14, 13)
def batch_normalization_14_to_13(rewrite: Rewrite) -> None:
    """An inference has one output; training is spelt out. All inputs are of one type, as above."""
    if rewrite.integer("training_mode", 0):
        _train(rewrite)
        return
    rewrite.drop_attribute("training_mode")
    refuse_training(rewrite)
    if len({value.dtype for value in rewrite.node.inputs if value is not None}) > 1:
        attributes = {name: attribute.value for name, attribute in rewrite.node.attributes.items()}
        result = rewrite.add("BatchNormalization", _in_one_type(rewrite), attributes)
        rewrite.replace(*_cast_back(rewrite, [result]))


def _in_one_type(rewrite: Rewrite) -> list[ir.Value]:
    """The five inputs, all in the widest type among them and float32: casts to it lose nothing."""
    values = [rewrite.required(index) for index in range(5)]
    kinds = {value.dtype for value in values}
    if len(kinds) == 1:
        return values
    widest = ir.DataType.DOUBLE if ir.DataType.DOUBLE in kinds else ir.DataType.FLOAT
    return [
        value if value.dtype == widest else rewrite.add("Cast", [value], {"to": int(widest)})
        for value in values
    ]


def _cast_back(rewrite: Rewrite, results: list[ir.Value]) -> list[ir.Value]:
    """The result in the type of the data, and the running mean and variance in theirs."""
    likes = [rewrite.required(0), rewrite.required(3), rewrite.required(4)]
    return [
        value if value.dtype == like.dtype else rewrite.add("Cast", [value], {"to": int(like.dtype or 0)})
        for value, like in zip(results, likes, strict=False)
    ]


def _train(rewrite: Rewrite) -> None:
    """Normalise by the mean and variance of the batch, and move the running ones towards them."""
    data, scale, bias, mean, variance = _in_one_type(rewrite)
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
    rewrite.replace(*_cast_back(rewrite, [result, *running]))


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


@adapts("BatchNormalization", 6, 7)
def batch_normalization_6_to_7(rewrite: Rewrite) -> None:
    """From 7 on one output says that it infers, and no attribute does."""
    if not rewrite.integer("is_test", 0):
        raise CannotAdapt(TRAINING)
    refuse_training(rewrite)
    rewrite.drop_attribute("is_test")


@adapts("BatchNormalization", 8, 9)
def batch_normalization_8_to_9(rewrite: Rewrite) -> None:
    """With ``spatial`` 0 every element has numbers of its own, and not every channel: that is spelt out."""
    refuse_training(rewrite)
    spatial = rewrite.integer("spatial", 1)
    rewrite.drop_attribute("spatial")
    if not spatial:
        _normalise_elements(rewrite)


def _normalise_elements(rewrite: Rewrite) -> None:
    data, scale, bias, mean, variance = (rewrite.required(index) for index in range(5))
    epsilon = rewrite.number(rewrite.real("epsilon", 1e-5), data, "epsilon")
    deviation = rewrite.add("Sqrt", [rewrite.add("Add", [variance, epsilon])])
    normal = rewrite.add("Div", [rewrite.add("Sub", [data, mean]), deviation])
    rewrite.replace(rewrite.add("Add", [rewrite.add("Mul", [normal, scale]), bias]))


@adapts("BatchNormalization", 13, 14)
def batch_normalization_13_to_14(rewrite: Rewrite) -> None:
    """``training_mode`` says since 14 what more outputs say below."""
    refuse_training(rewrite)

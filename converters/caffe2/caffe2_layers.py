"""The few layers that Caffe2's image classifiers are made of, each one call of its ``brew``.

All are for inference, in NCHW order; activation functions and dropout work in place, as they do in
the nets that people publish. A layer is named after its output blob, and its parameters after it.
"""

from __future__ import annotations

from typing import Any

from caffe2.python import brew
from caffe2.python.modeling.initializers import Initializer

CLASSES, COLOURS = 1000, 3
"""ImageNet's."""


def relu(model: Any, blob: Any) -> Any:
    """A rectifier, in place."""
    return brew.relu(model, blob, blob)


def conv_relu(model: Any, data: Any, name: str, inputs: int, outputs: int, kernel: int, **how: int) -> Any:
    """A convolution with a bias and its rectifier; ``how`` is its ``stride``, ``pad`` and ``group``."""
    return relu(model, convolution(model, data, name, inputs, outputs, kernel, bias=True, **how))


def convolution(
    model: Any, data: Any, name: str, inputs: int, outputs: int, kernel: int, *, bias: bool, **how: int
) -> Any:
    """A convolution; ``how`` is its ``stride``, ``pad`` and ``group``."""
    return brew.conv(model, data, name, inputs, outputs, kernel=kernel, no_bias=not bias, **how)


def batch_norm(model: Any, data: Any, name: str, channels: int) -> Any:
    """A batch normalisation by its running mean and variance."""
    return brew.spatial_bn(model, data, name, channels, epsilon=1e-5, is_test=True)


def scaled_batch_norm(model: Any, data: Any, name: str, channels: int) -> Any:
    """A batch normalisation as Caffe has it: a second layer, Scale, multiplies and adds once more."""
    names = [name + suffix for suffix in ("_scale", "_bias", "_mean", "_var", "_w", "_b")]
    filler = Initializer("ConstantFill")
    scale, bias, mean, variance, factor, term = (
        model.create_param(param_name=name, shape=[channels], initializer=filler) for name in names
    )
    blob = model.net.SpatialBN(
        [data, scale, bias, mean, variance], name, order="NCHW", epsilon=1e-5, is_test=True
    )
    blob = model.net.Mul([blob, factor], blob, broadcast=1, axis=1)
    return model.net.Add([blob, term], blob, broadcast=1, axis=1)


def hidden(model: Any, data: Any, name: str, inputs: int, outputs: int, *, dropout: bool) -> Any:
    """A fully connected layer with its rectifier, and dropout of a half, which inference skips."""
    blob = relu(model, brew.fc(model, data, name, inputs, outputs))
    return brew.dropout(model, blob, name, ratio=0.5, is_test=True) if dropout else blob


def local_response_norm(model: Any, data: Any, name: str, *, alpha: float, bias: float) -> Any:
    """Krizhevsky's normalisation over 5 neighbouring channels, with an exponent of 0.75."""
    return brew.lrn(model, data, name, size=5, alpha=alpha, beta=0.75, bias=bias)

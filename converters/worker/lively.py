"""Random weights whose logits answer to the input: the arithmetic, for every framework.

Fresh networks are of no use to a parity check: their logits may be 0, 1e-16 or 1e11, and hardly
depend on the picture. So every learned value is drawn from a seeded generator, zero-initialised
ones included, and then each layer's weights are scaled and its bias is shifted until, on the fixed
inputs, every output channel has mean 0 and deviation 1. This is the data-dependent initialisation
of Krähenbühl et al., "Data-dependent Initializations of Convolutional Neural Networks", 2015
(arXiv:1511.06856), done in one forward pass. A framework's module walks its own layers and calls
the functions here. NumPy only.
"""

from __future__ import annotations

from typing import Tuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

SMALLEST_SHARE = 0.1
"""A channel's deviation counts as at least this share of its layer's, so that a channel that is
nearly constant on the few fixed inputs is not blown up together with its rounding errors."""


def initial_value(name: str, shape: Tuple[int, ...], generator: np.random.Generator) -> Array:
    """Draw the first value of a parameter, float32 of ``shape``.

    Matrices and kernels (two axes or more, outputs first) are normal with deviation
    sqrt(2 / inputs), as He et al. 2015 (arXiv:1502.01852) have it. Vectors that scale, told by
    their names, lie around 1; all others (biases, tokens) around 0; both with deviation 0.1.
    """
    noise: Array = generator.standard_normal(shape, dtype=np.float32)
    if len([length for length in shape if length > 1]) >= 2:
        inputs = max(1, int(np.prod(shape[1:])))
        return noise * np.float32(np.sqrt(2.0 / inputs))
    last = name.rsplit(".", 1)[-1].lower()
    centre = 1.0 if last.endswith(("weight", "gamma", "scale", "w_0")) else 0.0
    return np.float32(0.1) * noise + np.float32(centre)


def standardising(output: Array, channel_axis: int) -> Tuple[Array, Array]:
    """The scale and shift, float32 (channels,), that standardise a layer's ``output``.

    ``output * scale + shift`` has mean 0 and deviation 1 in every channel of ``channel_axis``, over
    all other axes. A layer without a bias can only be scaled: see :func:`scaling`.
    """
    axes = tuple(axis for axis in range(output.ndim) if axis != channel_axis % output.ndim)
    values = output.astype(np.float64)
    mean, deviation = values.mean(axis=axes), values.std(axis=axes)
    floor = max(float(values.std()) * SMALLEST_SHARE, float(np.finfo(np.float32).tiny))
    scale = 1.0 / np.maximum(deviation, floor)
    return scale.astype(np.float32), (-mean * scale).astype(np.float32)


def scaling(output: Array) -> float:
    """The factor that brings the deviation of a whole ``output`` to 1, or 1 where it is constant."""
    deviation = float(output.std(dtype=np.float64))
    return 1.0 / deviation if deviation > np.finfo(np.float32).tiny else 1.0


def spread(logits: Array) -> float:
    """The deviation of (N, classes) ``logits`` over the classes, as a mean over the inputs."""
    return float(logits.std(axis=1, dtype=np.float64).mean())

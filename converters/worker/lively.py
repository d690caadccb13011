"""Random weights whose logits answer to the input: the arithmetic, for every framework.

Fresh networks are of no use to a parity check: their logits may be 0, 1e-16 or 1e11, and hardly
depend on the picture. So every learned value is drawn from a seeded generator, zero-initialised
ones included, and then each layer's weights are scaled and its bias is shifted until, on the fixed
inputs, every output channel has a given mean and deviation 1. This is the data-dependent initialisation
of Krähenbühl et al., "Data-dependent Initializations of Convolutional Neural Networks", 2015
(arXiv:1511.06856), done in one forward pass. A framework's module walks its own layers and calls
the functions here. NumPy only.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, List, Tuple

import numpy as np
import numpy.typing as npt

from protocol import WEIGHTS, TaskError

Array = npt.NDArray[np.float32]
Exact = npt.NDArray[np.float64]

SMALLEST_SHARE = 0.5
"""A channel's deviation counts as at least this share of its layer's, so that a channel that is
nearly constant on the few fixed inputs is not blown up together with its rounding errors."""

FEWEST_VALUES = 64
"""How many values a channel must have for a mean and a deviation of its own."""

LARGEST_DENSE_SCALE = 1.0
"""Attention compares what dense layers make of few, similar tokens; blowing up their channels one by one
blows up its rounding errors: in twins_pcpvt_small, 8e-4 of the largest logit without this limit and
5e-5 with it."""

CENTRE = 1.0
"""The mean of what goes from a convolution or a batch normalisation into an activation function.
Around 0 every rectifier between two normalisations makes rounding errors 1.2 times as large (a
thousandfold in forty layers), because it throws half of its input away; around 1 the factor is 1.06."""

WANTED_SPREADS = (0.5, 2.0)
"""Between which the spread of the logits is brought where the last layer can be scaled."""

USABLE_SPREADS = (0.05, 50.0)
"""Between which a spread may stay that does not follow the last layer, as where it normalises its own
weights: a comparison is relative to the logits, and there are enough digits."""

BLOCK = 1 << 17
"""How many elements are taken to float64 at a time, where a row of the first axis has no more."""

NUDGE = 2.0**-20
"""The deviation of what is added to pictures to see what becomes of a small difference."""

LARGEST_AMPLIFICATION = 50.0
"""How many times as large a difference may be in the logits as in the pictures. Rounding errors grow alike:
of float32 against float64, gmixer_24_224 amplified 230 to 990 times and had an error of 1.4e-4 to 9.6e-4
of the largest logit, efficientvim_m4 810 times and 3.1e-4, resnet18 4 times and 3e-6."""

DAMPINGS = (1.0, 0.7, 0.5)
"""What deviations behind layers are multiplied with, tried in turn while a network amplifies too much: the
branches of a residual network then add less to what goes past them. gmixer_24_224 came to 2.0e-6 with the
second, efficientvim_m4 to 1.6e-5 with the last; others come to more, so that the best of all is taken."""


def initial_value(name: str, shape: Tuple[int, ...], generator: np.random.Generator) -> Array:
    """Draw the first value of a parameter, float32 of ``shape``.

    Matrices and kernels (two axes or more, outputs first) are normal with deviation
    sqrt(2 / inputs), as He et al. 2015 (arXiv:1502.01852) have it. Vectors that scale, told by
    their names, lie around 1; all others (biases, tokens) around 0; both with deviation 0.1.
    """
    noise: Array = generator.standard_normal(shape, dtype=np.float32)
    if len([length for length in shape if length > 1]) >= 2:
        inputs = max(1, int(np.prod(shape[1:])))
        noise *= np.float32(np.sqrt(2.0 / inputs))  # in place: this may be most of the network
        return noise
    last = name.rsplit(".", 1)[-1].lower()
    centre = 1.0 if last.endswith(("weight", "gamma", "scale", "w_0")) else 0.0
    return np.float32(0.1) * noise + np.float32(centre)


def correction(
    output: Array, channel_axis: int, *, biased: bool, dense: bool, damping: float = 1.0
) -> Tuple[Array, Array]:
    """The scale and shift, float32 (channels,), for the outputs of a layer with learned weights.

    ``output * scale + shift`` has deviation 1 and mean :data:`CENTRE` in every channel of
    ``channel_axis``; mean 0 where the layer is ``dense``, and there the scale is limited. All that is
    multiplied with ``damping``.

    A layer that is not ``biased`` can only be scaled. So is, as a whole, one with few values per
    channel, such as a fully connected layer or a gate behind a global pooling: taking their means
    away would leave little but their rounding errors.
    """
    channels = output.shape[channel_axis]
    if not biased or output.size < FEWEST_VALUES * channels:
        return np.full(channels, damping * scaling(output), np.float32), np.zeros(channels, np.float32)
    mean, deviation = _moments(output, channel_axis)
    scale = np.minimum(1 / deviation, LARGEST_DENSE_SCALE) if dense else 1 / deviation
    shift = (0.0 if dense else CENTRE) - mean * scale
    return (damping * scale).astype(np.float32), (damping * shift).astype(np.float32)


def statistics(values: Array, channel_axis: int) -> Tuple[Array, Array]:
    """The running mean and variance, float32 (channels,), of a batch normalisation of ``values``."""
    channels = values.shape[channel_axis]
    if values.size < FEWEST_VALUES * channels:
        return np.zeros(channels, np.float32), np.full(channels, scaling(values) ** -2, np.float32)
    mean, deviation = _moments(values, channel_axis)
    return mean.astype(np.float32), np.square(deviation).astype(np.float32)


def _moments(values: Array, channel_axis: int) -> Tuple[Exact, Exact]:
    """The mean and the deviation of every channel, the latter not below its share of the layer's."""
    means, variances = _by_slice(values, channel_axis)
    floor = max(_deviation(means, variances) * SMALLEST_SHARE, float(np.finfo(np.float32).tiny))
    return means, np.maximum(np.sqrt(variances), floor)


def _by_slice(values: Array, axis: int) -> Tuple[Exact, Exact]:
    """The mean and the variance of every slice along ``axis``, computed in float64.

    A block after the other: in float64 the outputs of a first layer would be a gigabyte.
    """
    if axis == 0:
        slices = (part.astype(np.float64) for part in values)
        moments = np.array([(part.mean(), part.var()) for part in slices])
        return moments[:, 0], moments[:, 1]
    axis, count = axis % values.ndim, values.size // values.shape[axis]
    others = tuple(each for each in range(values.ndim) if each != axis)
    shape = tuple(length if each == axis else 1 for each, length in enumerate(values.shape))
    means = sum(block.sum(axis=others) for block in _blocks(values)) / count
    squares: Any = 0.0
    for block in _blocks(values):
        np.subtract(block, means.reshape(shape), out=block)
        squares += np.square(block, out=block).sum(axis=others)
    return means, squares / count


def _blocks(values: Array) -> Iterator[Exact]:
    """Copies of ``values``, some rows of the first axis at a time."""
    rows = max(1, BLOCK * len(values) // values.size)
    for start in range(0, len(values), rows):
        yield values[start : start + rows].astype(np.float64)


def _deviation(means: Exact, variances: Exact) -> float:
    """The deviation of all values of slices that have as many values each."""
    return float(np.sqrt(variances.mean() + means.var()))


def scaling(output: Array) -> float:
    """The factor that brings the deviation of a whole ``output`` to 1, or 1 where it is constant."""
    deviation = _deviation(*_by_slice(output, 0))
    return 1.0 / deviation if deviation > np.finfo(np.float32).tiny else 1.0


def spread(logits: Array) -> float:
    """The deviation of (N, classes) ``logits`` over the classes, as a mean over the inputs."""
    return float(logits.std(axis=1, dtype=np.float64).mean())


def require_usable(spread: float) -> None:
    """Raise TaskError where no comparison can be made on logits of this ``spread``."""
    smallest, largest = USABLE_SPREADS
    if not smallest <= spread <= largest:
        raise unusable(spread)


def unusable(spread: float) -> TaskError:
    """The error of logits with a ``spread`` that no comparison can be made on."""
    return TaskError(
        WEIGHTS,
        f"random weights leave the logits of this model with a spread of {spread:.3g}, on which no "
        "comparison can be made: take another seed, or real weights",
    )


def nudged(pictures: Array) -> Array:
    """``pictures``, float32 of any shape, with a little noise: the same at each call."""
    noise = np.random.default_rng(0).standard_normal(pictures.shape, dtype=np.float32)
    noise *= np.float32(NUDGE)  # in place, as these may be large
    noise += pictures
    return noise


def amplification(logits: Array, of_nudged: Array) -> float:
    """How many times as large the noise of pictures is in their logits, relative to the largest logit."""
    largest = float(np.abs(logits).max())
    return float(np.abs(of_nudged - logits).max()) / NUDGE / largest if largest else 0.0


def damped(drawn: Callable[[float], float]) -> None:
    """Draw with the first of :data:`DAMPINGS` that is calm enough, or with the one that is the calmest.

    ``drawn`` draws weights with a damping and says how much the network amplifies with them.
    """
    found = {}
    for damping in DAMPINGS:
        found[damping] = drawn(damping)
        if found[damping] <= LARGEST_AMPLIFICATION:
            return
    best = min(found, key=lambda damping: found[damping])
    if best != damping:
        drawn(best)


def once(hook: Callable[..., Any]) -> Callable[..., Any]:
    """``hook`` at the first call of its layer, and nothing later: a layer may be used more than once."""
    seen: List[bool] = []

    def first(*arguments: Any) -> Any:
        if seen:
            return None
        seen.append(True)
        return hook(*arguments)

    return first

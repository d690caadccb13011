"""Tensors of one network matched with those of another: by their values, then by order and shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.diagnosis.difference import Values, difference
from parity.diagnosis.graphs import Network

_KINDS = {
    "linear": ("gemm", "matmul"),
    "dense": ("gemm", "matmul"),
    "fullyconnected": ("gemm",),
    "fc": ("gemm",),
}
"""Operators by the beginning of the names of layers that are called otherwise."""
_COMMON = 6
"""Letters that the names of a layer and of its operator begin with, such as ``BatchNorm2d``'s."""


@dataclass(frozen=True)
class Fingerprint:
    """What is known of a tensor's values before they are compared one by one."""

    size: int
    figures: tuple[float, ...]
    """Mean, mean of the absolute values, least and largest, of those that are finite."""

    @property
    def scale(self) -> float:
        """The largest absolute value."""
        return max(abs(self.figures[2]), abs(self.figures[3]))

    def is_near(self, other: Fingerprint, tolerance: float) -> bool:
        """Whether tensors with these may be the same within ``tolerance`` of the largest value."""
        bound = 2 * tolerance * self.scale
        return self.size == other.size and bool(np.allclose(self.figures, other.figures, rtol=0, atol=bound))


def fingerprint(array: Values) -> Fingerprint:
    """The fingerprint of ``array``, of any shape."""
    values = array[np.isfinite(array)].astype(np.float64)
    if not values.size:
        return Fingerprint(array.size, (0.0, 0.0, 0.0, 0.0))
    figures = values.mean(), np.abs(values).mean(), values.min(), values.max()
    return Fingerprint(array.size, tuple(float(figure) for figure in figures))


def are_equal(reference: Values, candidate: Values, tolerance: float) -> bool:
    """Whether they hold the same values in the same order, in whatever shape, within ``tolerance``."""
    if reference.size != candidate.size:
        return False
    return not difference(reference.reshape(-1), candidate.reshape(-1)).exceeds(tolerance)


def likeness(layer: str, operator: str) -> int:
    """2 where the name of a kind of layer says that ``operator`` may make what it answers with, else 0."""
    one, other = layer.lower(), operator.lower()
    shorter = min(len(one), len(other), _COMMON)
    alike = one[:shorter] == other[:shorter] or other in one
    named = any(one.startswith(start) and other in kinds for start, kinds in _KINDS.items())
    return 2 if alike or named else 0


@dataclass(frozen=True)
class Described:
    """A tensor: the kind of what makes it, and how many values it has."""

    kind: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def in_order(layers: Sequence[Described], tensors: Sequence[Described]) -> list[tuple[int, int]]:
    """Pairs of positions in both, rising in both: the most and the likeliest.

    The dynamic programme of the longest common subsequence. Of a pair of the same number of values
    alone counts 1; the same shape, and a layer whose kind is named like the operator, count more, and the
    latter alone counts where the pictures and channels are as many. Where
    several tensors would do as well, a layer gets the last of them: what it computes in several steps
    is there at the end.
    """
    rows, columns = len(layers), len(tensors)
    best = np.zeros((rows + 1, columns + 1), np.int64)
    worth = np.zeros((rows, columns), np.int64)
    for row, layer in enumerate(layers):
        for column, tensor in enumerate(tensors):
            worth[row, column] = _worth(layer, tensor)
    for row in range(1, rows + 1):
        taken = np.where(worth[row - 1] > 0, best[row - 1, :-1] + worth[row - 1], 0)
        best[row, 1:] = np.maximum.accumulate(np.maximum(best[row - 1, 1:], taken))
    pairs = []
    row, column = rows, columns
    while row and column:
        value = best[row, column]
        if worth[row - 1, column - 1] and value == best[row - 1, column - 1] + worth[row - 1, column - 1]:
            pairs.append((row - 1, column - 1))
            row, column = row - 1, column - 1
        elif value == best[row, column - 1]:
            column -= 1
        else:
            row -= 1
    return pairs[::-1]


def _worth(layer: Described, tensor: Described) -> int:
    alike = likeness(layer.kind, tensor.kind)
    if layer.size == tensor.size:
        return 1 + (layer.shape == tensor.shape) + alike
    # A window that is wrong makes more or fewer values, but of as many pictures and channels.
    return int(len(layer.shape) > 2 and alike > 0 and layer.shape[:2] == tensor.shape[:2])


def unexplained(network: Network, good: Collection[str]) -> list[str]:
    """The tensors between those that are known to be ``good`` and the outputs, in the order of the nodes."""
    wrong = [name for name in network.outputs if name in network.makers and name not in good]
    made = (name for place in network.segment(wrong, good) for name in network.nodes[place].output)
    return [name for name in made if name and name not in network.constant and name not in good]


def same_names(first: Network, second: Network) -> dict[str, str]:
    """The tensors of both by their names, where the names mean the same; else nothing.

    They do where most of what the smaller network computes has its name in the other, made by the same
    operator: exporters that number their tensors give the same number to another one.
    """
    common = [name for name in second.tensors if name in first.makers and name not in first.constant]
    alike = [name for name in common if first.maker(name).op_type == second.maker(name).op_type]
    few = min(len(first.tensors), len(second.tensors))
    return {name: name for name in common} if 2 * len(alike) > few else {}


def ports(first: Sequence[str], second: Sequence[str]) -> Mapping[str, str]:
    """Inputs or outputs of the first network by those of the second: by name, else by position."""
    if set(first) == set(second):
        return {name: name for name in second}
    return dict(zip(second, first, strict=False))

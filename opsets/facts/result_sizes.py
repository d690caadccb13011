"""How many elements an operator makes of constants, told before: a small input can ask for many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

Array = npt.NDArray[Any]

_NUMPYS_NAMES = (
    "Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mod "
    "Mul Or Pow Sub Where Xor"
)
_NUMPYS = frozenset(_NUMPYS_NAMES.split())
"""Operators whose inputs are broadcast together."""

_MOST_AXES = 64
"""Axes that an array of numpy's may have."""


def elements_of_result(node: ir.Node, given: Sequence[Array | None]) -> float:
    """The elements of what ``node`` makes of ``given``, its inputs, or a number that is not below.

    Raises IndexError, TypeError or ValueError where the inputs do not fit the operator.
    """
    size: float = sum(array.size for array in given if array is not None)
    match node.op_type, list(given):
        case operator, arrays if operator in _NUMPYS:
            size = _together(*(array.shape for array in arrays if array is not None))
        case "ConstantOfShape", [np.ndarray() as shape]:
            size = _product(shape)
        case "Expand", [np.ndarray() as data, np.ndarray() as shape]:
            size = _together(data.shape, shape)
        case "Tile", [np.ndarray() as data, np.ndarray() as times]:
            size = data.size * _product(times)
        case "OneHot", [np.ndarray() as indices, np.ndarray() as depth, _]:
            size = float(indices.size * depth.reshape(-1)[0])
        case "Range", [np.ndarray() as start, np.ndarray() as limit, np.ndarray() as step]:
            size = float((limit.item() - start.item()) / step.item()) if step.item() else 0.0
        case "MatMul", [np.ndarray() as first, np.ndarray() as second]:
            size = _together(first.shape[:-2], second.shape[:-2]) * _rows(first, -2) * _rows(second, -1)
        case "Gather", [np.ndarray() as data, np.ndarray() as indices]:
            axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
            size = indices.size * data.size / max(data.shape[axis], 1)
        case "GatherND", [np.ndarray() as data, np.ndarray() as indices]:
            size = _product(indices.shape[:-1]) * _product(data.shape[indices.shape[-1] :])
        case "Pad", [np.ndarray() as data, *others]:
            size = _product(np.asarray(data.shape) + _padding(node, data, others))
        case "NonZero", [np.ndarray() as data]:
            size = float(data.size * max(data.ndim, 1))
    return size


def _padding(node: ir.Node, data: Array, others: Sequence[Array | None]) -> Array:
    """How much longer each axis of ``data`` becomes, or more."""
    pads = np.asarray(node.attributes["pads"].as_ints() if "pads" in node.attributes else others[0])
    if pads.size != 2 * data.ndim:  # of some axes only
        pads = np.full(2 * data.ndim, np.max(pads, initial=0))
    return np.asarray(pads.reshape(2, -1).sum(axis=0))


def _rows(array: Array, axis: int) -> int:
    return int(array.shape[axis]) if array.ndim > 1 else 1


def _product(lengths: Sequence[int] | Array) -> float:
    return float(np.prod(lengths, dtype=np.float64))


def _together(*shapes: Sequence[int] | Array) -> float:
    """The elements of arrays of ``shapes`` that are broadcast together."""
    padded = [np.array([*[1] * (_MOST_AXES - len(shape)), *shape], dtype=np.float64) for shape in shapes]
    return _product(np.max(padded, axis=0)) if padded else 0.0

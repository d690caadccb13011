"""The types of a graph's tensors, about how many bytes they have, and batches of them that memory holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, shape_inference

BATCH_BYTES = 512 << 20
"""Bytes of the tensors of one batch, on all data sets together."""
COMPARED = frozenset(
    getattr(onnx.TensorProto, name)
    for name in (
        *("FLOAT", "FLOAT16", "DOUBLE", "BOOL"),
        *(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
    )
)
"""The types of elements that are compared."""


@dataclass(frozen=True)
class Facts:
    """What inference knows of the tensors of a graph; those that it does not know are missing."""

    elements: Mapping[str, int]
    """Their types; 0 for what is no tensor."""
    sizes: Mapping[str, int]
    """Their bytes, for inputs of the lengths that it was asked for."""

    def is_compared(self, name: str) -> bool:
        """Whether the tensor can be compared, as far as is known."""
        return self.elements.get(name, onnx.TensorProto.FLOAT) in COMPARED

    def is_float(self, name: str) -> bool:
        """Whether it is of floats, as far as is known."""
        kinds = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
        return self.elements.get(name, onnx.TensorProto.FLOAT) in kinds

    def batches(self, names: Sequence[str], times: float) -> Iterator[list[str]]:
        """``names`` in their order, in batches of :data:`BATCH_BYTES`, each tensor counted ``times``.

        One whose size is not known counts as the largest that is.
        """
        largest = max((self.sizes[name] for name in names if name in self.sizes), default=0)
        batch, total = list[str](), 0.0
        for name in names:
            size = times * self.sizes.get(name, largest)
            if batch and total + size > BATCH_BYTES:
                yield batch
                batch, total = [], 0.0
            batch.append(name)
            total += size
        if batch:
            yield batch


def facts_of(model: onnx.ModelProto, lengths: Mapping[str, Sequence[int]]) -> Facts:
    """What inference finds out about ``model``, whose inputs have ``lengths``."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        if value.name in lengths:
            value.type.tensor_type.shape.Clear()
            for length in lengths[value.name]:
                value.type.tensor_type.shape.dim.add().dim_value = length
    del fixed.graph.value_info[:]  # a declared length may be open
    try:
        values = _values(shape_inference.infer_shapes(fixed).graph)
    except (shape_inference.InferenceError, RuntimeError, ValueError):
        values = iter(())
    elements, sizes = {}, {}
    for value in values:
        tensor = value.type.tensor_type
        elements[value.name] = tensor.elem_type if value.type.WhichOneof("value") == "tensor_type" else 0
        known = [dim.dim_value for dim in tensor.shape.dim if dim.HasField("dim_value")]
        if (
            elements[value.name] in COMPARED
            and tensor.HasField("shape")
            and len(known) == len(tensor.shape.dim)
        ):
            sizes[value.name] = math.prod(known) * _width(tensor.elem_type)
    return Facts(elements, sizes)


def _values(graph: onnx.GraphProto) -> Iterator[onnx.ValueInfoProto]:
    values: Iterable[onnx.ValueInfoProto] = [*graph.input, *graph.value_info, *graph.output]
    yield from (value for value in values if value.type.WhichOneof("value"))


def _width(element: int) -> int:
    return int(np.dtype(helper.tensor_dtype_to_np_dtype(element)).itemsize)

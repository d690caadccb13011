"""What onnx infers is asked once of nodes that differ in names alone, and anew of all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
import pytest

from opsets.facts.asking import Inferred, OnnxInference
from opsets.facts.versions import schema_at

FLOAT = ir.DataType.FLOAT


def tensor(name: str, *lengths: int | str | None, kind: ir.DataType = FLOAT) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(lengths), type=ir.TensorType(kind))


def constant(name: str, entries: Sequence[float], kind: type = np.int64) -> ir.Value:
    array: npt.NDArray[Any] = np.array(entries, dtype=kind)
    value = tensor(name, *array.shape, kind=ir.DataType.from_numpy(array.dtype))
    value.const_value = ir.Tensor(array, name=name)
    return value


def inferred(inference: OnnxInference, node: ir.Node, opset: int = 13) -> Inferred | None:
    for index, output in enumerate(node.outputs):
        output.name = output.name or f"{node.name}_{index}"
    schema = schema_at(node.op_type, opset)
    assert schema is not None
    return next(iter(inference.outputs(schema, node, opset)), None)


def test_nodes_that_differ_in_names_alone_share_an_answer() -> None:
    inference = OnnxInference({})
    answers = [
        inferred(inference, ir.node("Reshape", [tensor(f"{name}_x", "N", 6), constant(name, [0, 2, 3])]))
        for name in ("one", "other")
    ]
    assert answers[0] is answers[1]
    assert answers[0] is not None
    assert (answers[0].kind, answers[0].shape) == (ir.TensorType(FLOAT), ("N", 2, 3))


@pytest.mark.parametrize(
    ("nodes", "shapes"),
    [
        (
            [ir.node("Reshape", [tensor("x", 6), constant("t", target)]) for target in ([2, 3], [3, 2])],
            [(2, 3), (3, 2)],
        ),
        (
            [
                ir.node("Resize", [tensor("x", 1, 1, 4, 4), None, constant("s", [1, 1, by, 1], np.float32)])
                for by in (1, 2)
            ],
            [(1, 1, 4, 4), (1, 1, 8, 4)],
        ),
        (
            [ir.node("Transpose", [tensor("x", 1, 2)], {"perm": order}) for order in ([0, 1], [1, 0])],
            [(1, 2), (2, 1)],
        ),
        (
            [ir.node("Relu", [tensor("x", length)]) for length in ("N", "M", None, 3)],
            [("N",), ("M",), (None,), (3,)],
        ),
    ],
)
def test_what_decides_a_shape_is_part_of_the_question(
    nodes: list[ir.Node], shapes: list[tuple[Any, ...]]
) -> None:
    inference = OnnxInference({})
    found = [inferred(inference, node) for node in nodes]
    assert [one.shape if one else None for one in found] == shapes


def test_the_types_and_the_opset_are_part_of_the_question() -> None:
    inference = OnnxInference({})
    for kind in (FLOAT, ir.DataType.DOUBLE):
        found = inferred(inference, ir.node("Relu", [tensor("x", 2, kind=kind)]))
        assert found is not None
        assert found.kind == ir.TensorType(kind)
    kinds = []
    for opset in (9, 10):
        node = ir.node("Dropout", [tensor("x", 2)], outputs=[ir.Value(name="y"), ir.Value(name="mask")])
        schema = schema_at("Dropout", opset)
        assert schema is not None
        mask = inference.outputs(schema, node, opset)[1]
        assert mask is not None
        kinds.append(mask.kind)
    assert kinds == [ir.TensorType(FLOAT), ir.TensorType(ir.DataType.BOOL)]

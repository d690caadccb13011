"""The backend node tests that are tried, and which of them are legal at a target."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, numpy_helper, shape_inference
from onnx.defs import OpSchema

from tools.opset_coverage.parameters import PARAMETERS

TARGETS = (12, 9, 7, 3)
HIGHEST = 12
"""Function bodies are tried at every target if they are legal at this one."""

LOWEST_OPSET = 13
"""Opset of the oldest tests that are tried: below, little was left to bring down."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A backend test with its parameter inputs frozen to the values of its first data set."""

    name: str
    operator: str
    """The operator that is tested, also where the test holds its function body instead."""
    expanded: bool
    """Whether the graph is the operator's function body: many nodes instead of one."""
    targets: frozenset[int]
    """Of the targets asked for, those at which every operator of the graph exists with its types."""
    model: bytes
    inputs: dict[str, Array]
    """By name, without the frozen ones."""
    expected: list[Array]
    relative: float
    """Tolerance of the test, relative to the expected numbers, beside ``absolute``."""
    absolute: float


def load_cases(targets: tuple[int, ...], highest: int) -> list[Case]:
    """Every test of opset 13 and above that is legal at one of ``targets`` or at ``highest``, by name."""
    cases = []
    for case in node_cases():
        model = onnx.load_from_string(case.model)
        legal = frozenset(target for target in {*targets, highest} if is_legal(model, target))
        if default_opset(model) >= LOWEST_OPSET and legal:
            cases.append(replace(case, targets=legal))
    return cases


def node_cases() -> list[Case]:
    """Every test of one node, and every function body, by name; for no target yet."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflows that the tests make on purpose
        tests = load_model_tests(kind="node")
    models = {test.name: test.model for test in tests if test.model is not None}
    cases = []
    for test in sorted(tests, key=lambda test: test.name):
        model, expanded = models[test.name], "_expanded" in test.name
        opset = default_opset(model)
        if not opset or not test.data_sets or not (expanded or len(model.graph.node) == 1):
            continue
        if not _holds_tensors(model):
            continue
        tested = models[test.name.split("_expanded")[0]].graph.node[0]
        arrays, expected = ([as_array(value) for value in values] for values in test.data_sets[0])
        frozen_model, inputs = frozen(model, arrays, parameter_names(tested, opset))
        cases.append(
            Case(
                test.name,
                tested.op_type,
                expanded,
                frozenset(),
                frozen_model.SerializeToString(),
                inputs,
                expected,
                test.rtol,
                test.atol,
            )
        )
    return cases


def default_opset(model: ModelProto) -> int:
    """The opset of the default domain that ``model`` imports; 0 if it imports none."""
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)


def is_legal(model: ModelProto, target: int) -> bool:
    """Whether every node's operator exists at ``target`` and takes the types that the model gives it.

    Inputs that the older form does not have are passed over: they were attributes then. Only tensors count.
    """
    graph = model.graph
    if len(graph.node) > 1:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
    values = [*graph.input, *graph.output, *graph.value_info]
    types = {value.name: type_text(value.type) for value in values}
    types |= {tensor.name: tensor_text(tensor.data_type) for tensor in graph.initializer}
    if not _holds_tensors(model):
        return False
    return all(is_node_legal(node, types, target) for node in every_node(graph))


def _holds_tensors(model: ModelProto) -> bool:
    graph = model.graph
    return all(value.type.HasField("tensor_type") for value in [*graph.input, *graph.output])


def is_node_legal(node: NodeProto, types: dict[str, str], target: int) -> bool:
    schema = schema_at(node, target)
    if schema is None:
        return False
    return all(
        formal is None or types.get(name) in {None, *formal.types}
        for names, formals in ((node.input, schema.inputs), (node.output, schema.outputs))
        for name, formal in paired(names, formals)
        if name
    )


def schema_at(node: NodeProto, target: int) -> OpSchema | None:
    """The form of a default-domain operator that holds at ``target``; None if none does."""
    if node.domain not in ("", "ai.onnx"):
        return None
    try:
        schema = onnx.defs.get_schema(node.op_type, target, "")
    except onnx.defs.SchemaError:
        return None
    return None if schema.deprecated else schema


def paired(
    names: Iterable[str], formals: Sequence[OpSchema.FormalParameter]
) -> Iterator[tuple[str, OpSchema.FormalParameter | None]]:
    """Each actual input or output with its formal one; None for those that the schema does not have."""
    variadic = formals and formals[-1].option == OpSchema.FormalParameterOption.Variadic
    for index, name in enumerate(names):
        if index < len(formals):
            yield name, formals[index]
        else:
            yield name, formals[-1] if variadic else None


def every_node(graph: GraphProto) -> Iterator[NodeProto]:
    """The nodes of ``graph`` and of its subgraphs."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from every_node(attribute.g)


def type_text(kind: TypeProto) -> str:
    """A type as schemas write it, such as ``tensor(float)``; other than tensors by the field's name."""
    if kind.HasField("tensor_type"):
        return tensor_text(kind.tensor_type.elem_type)
    return str(kind.WhichOneof("value"))


def tensor_text(element: int) -> str:
    return f"tensor({TensorProto.DataType.Name(element).lower()})"


def parameter_names(node: NodeProto, opset: int) -> set[str]:
    """The names of those inputs of ``node`` that are parameters of its operator."""
    schema = schema_at(node, opset)
    if schema is None:
        return set()
    wanted = PARAMETERS.get(node.op_type, ())
    return {name for name, formal in paired(node.input, schema.inputs) if formal and formal.name in wanted}


def as_array(value: Any) -> Array:
    """A test's value, which some tests hold as a tensor of onnx."""
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def frozen(model: ModelProto, arrays: list[Array], names: set[str]) -> tuple[ModelProto, dict[str, Array]]:
    """``model`` with the inputs ``names`` turned into initialisers, and the arrays of the other inputs."""
    result = ModelProto()
    result.CopyFrom(model)
    del result.graph.input[:]
    inputs: dict[str, Array] = {}
    for value, array in zip(model.graph.input, arrays, strict=True):
        if value.name in names:
            result.graph.initializer.append(numpy_helper.from_array(array, value.name))
        else:
            result.graph.input.append(value)
            inputs[value.name] = array
    return result, inputs

"""A net in the workspace as an ONNX file, whose weights go into it one at a time.

Caffe2's own exporter (``caffe2.python.onnx.frontend``) writes opset 9 for one batch size, copies the
weights several times and hands arguments on that it does not know. So each operator is translated
here, at opset 12, with the shapes that its blobs have when Caffe2 runs the net.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import numpy as np
import onnx
import torch
from caffe2.python import workspace

import caffe2_running
import onnx_stream
from caffe2_graph import Graph, Operator, Shape
from caffe2_operators import IN_PLACE, TRANSLATIONS, TWO_FORMS
from protocol import EXPORT, MODEL, TaskError

OPSET = 12
KINDS = {np.dtype("float32"): onnx.TensorProto.FLOAT, np.dtype("int64"): onnx.TensorProto.INT64}
"""The types that a parameter may have."""

Names = Tuple[List[str], List[str]]


def require_known(net: Any) -> None:
    """Raise TaskError where ``net`` holds operators without a translation: nothing else may run.

    Neither has one in its form for training, nor one that has the channels last.
    """
    unknown = sorted({operator.type for operator in net.op} - set(TRANSLATIONS))
    if unknown:
        raise TaskError(
            EXPORT,
            f"the net holds {', '.join(unknown[:8])}: these operators have no translation to ONNX, and are "
            f"not run. Those that have one are {', '.join(sorted(TRANSLATIONS))}",
        )
    for position, operator in enumerate(net.op):
        arguments = {argument.name: argument for argument in operator.arg}
        which = caffe2_running.described(operator, position)
        if not operator.output:
            raise TaskError(MODEL, f"{which} has no output")
        if operator.type in TWO_FORMS and not ("is_test" in arguments and arguments["is_test"].i):
            raise TaskError(
                EXPORT, f"{which} has no is_test: 1, so it is for training: save the net for inference"
            )
        if "order" in arguments and arguments["order"].s != b"NCHW":
            order = arguments["order"].s.decode(errors="replace")
            raise TaskError(EXPORT, f"{which} works in the order {order}, and only NCHW can be translated")


def single_assignment(net: Any, source: str) -> List[Names]:
    """The inputs and outputs of every operator, with every name made once.

    The input and the parameters keep their names, and so does the last that is written to a blob;
    what was in it before has a number behind its name.
    """
    written: Dict[str, int] = {}
    for operator in net.op:
        for name in _written(operator):
            written[name] = written.get(name, 0) + 1
    read_first = {source} | _parameters(net)
    taken = set(written) | read_first
    current: Dict[str, str] = {}
    counts: Dict[str, int] = {}
    names: List[Names] = []
    for operator in net.op:
        inputs = [current.get(name, name) for name in operator.input]
        for name in _written(operator):
            counts[name] = counts.get(name, 0) + 1
            last = counts[name] == written[name] and name not in read_first
            current[name] = name if last else _numbered(name, counts[name], taken)
        names.append((inputs, [current.get(name, name) for name in operator.output]))
    return names


def _written(operator: Any) -> List[str]:
    if operator.type in IN_PLACE and operator.input[0] == operator.output[0]:
        return list(operator.output[1:])
    return list(operator.output)


def _numbered(name: str, number: int, taken: Any) -> str:
    while f"{name}.{number}" in taken:
        number += 1
    taken.add(f"{name}.{number}")
    return f"{name}.{number}"


def _parameters(net: Any) -> Any:
    """The blobs that are read before anything is written to them."""
    written: Any = set()
    read: Any = set()
    for operator in net.op:
        read.update(name for name in operator.input if name not in written)
        written.update(operator.output)
    return read


def _open_shapes(net: Any, source: str, example: Any) -> List[Shape]:
    """The shape of each operator's first output at batch 1, after seeing that a batch of 2 runs too."""
    shapes = caffe2_running.observed_shapes(net, source, example[:1])
    try:
        both = caffe2_running.observed_shapes(net, source, example)
    except TaskError as error:
        raise TaskError(
            MODEL, f"the net takes batches of 1 only; let its Reshape say -1 for the batch, or 0. {error}"
        ) from error
    result = net.external_output[0]
    positions = [position for position, operator in enumerate(net.op) if operator.output[0] == result]
    if not positions:
        raise TaskError(MODEL, f"no operator of the net has {result!r}, its external_output, as first output")
    first, second = shapes[positions[-1]], both[positions[-1]]
    classes = int(np.prod(first[1:], dtype=np.int64))
    if first[:2] != (1, classes) or second[:2] != (2, classes):
        raise TaskError(
            MODEL,
            f"{result!r} has the shape {first} for one picture and {second} for two, needed class scores, "
            "(N, classes): save the net with those as its external_output",
        )
    return shapes


class Translated:
    """A net as an ONNX graph, its weights still in the workspace."""

    def __init__(self, net: Any, source: str, example: Any) -> None:
        """Translate ``net``, whose parameters are in the workspace, for pictures like ``example``.

        ``source`` is the input, ``example`` float32 (2, C, H, W). Raises TaskError where the net has no
        translation, or takes other inputs or one batch size only.
        """
        shapes = _open_shapes(net, source, example)
        names = single_assignment(net, source)
        described = {name: _shape_and_kind(name) for name in _parameters(net) - {source}}
        self.name, self._source, self._sizes = net.name or "caffe2", source, tuple(example.shape[1:])
        self._graph = Graph(
            {source: (1, *self._sizes), **{name: shape for name, (shape, _) in described.items()}},
            {name: kind for name, (_, kind) in described.items()},
        )
        self._graph.reserve([name for _, outputs in names for name in outputs])
        for position, definition in enumerate(net.op):
            operator = Operator(definition, position, names[position])
            TRANSLATIONS[definition.type](self._graph, operator)
            operator.require_all_known()
            self._graph.add_value(operator.outputs[0], shapes[position])
            if definition.output[0] == net.external_output[0]:
                self._result = operator.outputs[0]
        self._classes = self._graph.shapes[self._result][1]
        self._graph.end(self._result)
        read = dict.fromkeys(name for node in self._graph.nodes for name in node.input)
        self.parameters = {name: described[name] for name in read if name in described}

    @property
    def learned(self) -> int:
        """The number of values that are learned: all floats but running means and variances."""
        return sum(
            int(np.prod(shape))
            for name, (shape, kind) in self.parameters.items()
            if kind == np.float32 and name not in self._graph.statistics
        )

    def _proto(self, declared: List[Any]) -> Any:
        """The model without its weights; ``declared`` are inputs beside the picture."""
        picture = _declaration(self._source, np.float32, ("batch", *self._sizes))
        scores = _declaration(self._result, np.float32, ("batch", self._classes))
        graph = onnx.helper.make_graph(
            self._graph.nodes, self.name, [picture, *declared], [scores], self._graph.constants
        )
        opsets = [onnx.helper.make_opsetid("", OPSET)]
        return onnx.helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=onnx.helper.find_min_ir_version_for(opsets),
            producer_name="caffe2",
            producer_version=torch.__version__,
        )

    def write(self, path: str) -> None:
        """Write the model to ``path``, with the weights in the bytes that the workspace has."""
        declared = [_declaration(name, kind, shape) for name, (shape, kind) in self.parameters.items()]
        model = self._proto(declared)
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, RuntimeError) as error:
            raise TaskError(EXPORT, f"the translation of the net is no valid ONNX graph: {error}") from error
        weights = {name: _weight(name, shape, kind) for name, (shape, kind) in self.parameters.items()}
        onnx_stream.write(model, weights, path)


def _weight(name: str, shape: Shape, kind: Any) -> onnx_stream.Weight:
    length = int(np.prod(shape, dtype=np.int64)) * int(kind.itemsize)
    return onnx_stream.Weight(length, lambda: [np.ascontiguousarray(workspace.FetchBlob(name))])


def _declaration(name: str, kind: Any, shape: Tuple[Any, ...]) -> Any:
    return onnx.helper.make_tensor_value_info(name, KINDS[np.dtype(kind)], shape)


def _shape_and_kind(name: str) -> Tuple[Shape, Any]:
    """Of a parameter in the workspace. Raises TaskError where no file can hold it."""
    if not workspace.HasBlob(name):
        raise TaskError(MODEL, f"the net reads the blob {name!r}, which nothing fills")
    array = workspace.FetchBlob(name)
    if getattr(array, "dtype", None) not in KINDS:
        raise TaskError(EXPORT, f"the blob {name!r} holds neither float32 nor int64 values")
    return array.shape, array.dtype

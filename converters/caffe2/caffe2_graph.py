"""A Caffe2 operator as its translation sees it, and the ONNX graph that it is translated into."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np
import onnx
import onnx.numpy_helper

from caffe2_running import described
from protocol import EXPORT, TaskError

Shape = Tuple[int, ...]

WITHOUT_MEANING = {
    "cudnn_exhaustive_search",
    "deterministic",
    "enable_tensor_core",
    "exhaustive_search",
    "init_params",
    "order",
    "shared_buffer",
    "use_cudnn",
    "use_gpu_transform",
    "ws_nbytes_limit",
}
"""Arguments that choose between implementations, and not what is computed; the order is always NCHW."""


class Operator:
    """One operator of a net in single static assignment: its arguments, and its blobs with their shapes.

    Every argument has to be asked for: one that the translation does not know is an error, not ignored.
    """

    def __init__(self, definition: Any, position: int, names: Tuple[List[str], List[str]]) -> None:
        self.type: str = definition.type
        self.inputs, self.outputs = names
        self._described = described(definition, position)
        self._arguments = {argument.name: argument for argument in definition.arg}
        self._known: Set[str] = set(WITHOUT_MEANING)

    def error(self, what: str) -> TaskError:
        return TaskError(EXPORT, f"{self._described} {what}")

    def has(self, name: str) -> bool:
        return name in self._arguments

    def _argument(self, name: str) -> Any:
        self._known.add(name)
        return self._arguments.get(name)

    def integer(self, name: str, default: int) -> int:
        argument = self._argument(name)
        return default if argument is None else int(argument.i)

    def number(self, name: str, default: float) -> float:
        argument = self._argument(name)
        return default if argument is None else float(argument.f)

    def text(self, name: str, default: str) -> str:
        argument = self._argument(name)
        return default if argument is None else str(argument.s.decode())

    def integers(self, name: str) -> Optional[List[int]]:
        argument = self._argument(name)
        return None if argument is None else list(argument.ints)

    def ignore(self, *names: str) -> None:
        """Say that the arguments ``names`` mean nothing for inference."""
        self._known.update(names)

    def require_all_known(self) -> None:
        """Raise TaskError where the translation has not asked for every argument."""
        strange = sorted(set(self._arguments) - self._known)
        if strange:
            raise self.error(f"has the argument {strange[0]!r}, which the translation does not know")


class Graph:
    """Nodes, constants and shapes of an ONNX graph that grows operator by operator."""

    def __init__(self, shapes: Mapping[str, Shape], kinds: Mapping[str, Any]) -> None:
        """``shapes`` by name of the input and the parameters, ``kinds`` the dtypes of the parameters."""
        self.nodes: List[Any] = []
        self.constants: List[Any] = []
        self.shapes: Dict[str, Shape] = dict(shapes)
        self.kinds = dict(kinds)
        self.statistics: Set[str] = set()
        """Parameters that are not learned: the running means and variances."""
        self._values: Dict[str, str] = {name: name for name in shapes}
        self._taken: Set[str] = set(shapes)

    def value(self, operator: Operator, position: int) -> str:
        """The ONNX value of the input at ``position`` of an operator."""
        name = operator.inputs[position]
        if name not in self._values:
            raise operator.error(f"reads the blob {name!r}, which nothing before it makes")
        return self._values[name]

    def shape(self, operator: Operator, position: int) -> Shape:
        """The shape, at batch 1, of the input at ``position`` of an operator."""
        return self.shapes[self.value(operator, position)]

    def add_value(self, name: str, shape: Shape) -> None:
        """Note that the value ``name`` is there now; ``shape`` is that at batch 1."""
        self._values.setdefault(name, name)
        self.shapes[name] = shape

    def same(self, name: str, value: str) -> None:
        """Note that the blob ``name`` holds the value ``value``."""
        self._values[name] = value

    def end(self, blob: str) -> None:
        """Make ``blob`` a value (N, classes) of its own: no other blob's, and without axes of length 1."""
        value, rank = self._values[blob], len(self.shapes[blob])
        if value == blob and rank == 2:
            return
        if value == blob:
            value = self.fresh(f"{blob}.scores")
            for node in self.nodes:
                node.input[:] = [value if name == blob else name for name in node.input]
                node.output[:] = [value if name == blob else name for name in node.output]
                node.name = node.output[0]
        if rank == 2:
            self.node("Identity", [value], blob)
        else:
            self.node("Flatten", [value], blob, axis=1)

    def fresh(self, stem: str) -> str:
        """A name that no value has, beginning with ``stem``."""
        name, number = stem, 0
        while name in self._taken:
            number += 1
            name = f"{stem}.{number}"
        self._taken.add(name)
        return name

    def reserve(self, names: Sequence[str]) -> None:
        """Keep ``names`` for values that are made later."""
        self._taken.update(names)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node with one output, and return its name."""
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, stem: str, values: Any) -> str:
        """Add an array that is part of the graph rather than of the weights, and return its name."""
        name = self.fresh(stem)
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values), name))
        return name

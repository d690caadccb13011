"""Running a net in Caffe2's workspace, whose parameters are in it already."""

from __future__ import annotations

from typing import Any, Iterator, List, Tuple

import numpy as np
from caffe2.python import workspace

from protocol import MODEL, TaskError

Shape = Tuple[int, ...]


def run(net: Any, source: str, array: Any) -> Any:
    """The output of ``net`` for ``array``, float32 (N, C, H, W) in the blob ``source``.

    Raises TaskError that names the operator which Caffe2 cannot run.
    """
    for _ in run_operators(net, source, array):
        pass
    output = workspace.FetchBlob(net.external_output[0])
    forget(net)
    return output


def observed_shapes(net: Any, source: str, array: Any) -> List[Shape]:
    """The shape that the first output of each operator has for ``array``; otherwise like :func:`run`."""
    shapes: List[Shape] = []
    for operator in run_operators(net, source, array):
        shapes.append(tuple(np.shape(workspace.FetchBlob(operator.output[0]))))
    forget(net)
    return shapes


def run_operators(net: Any, source: str, array: Any) -> Iterator[Any]:
    """Run one operator after the other, as Caffe2's simple nets do, and give each out when it has run.

    A blob that no later operator reads is freed: all of a batch's blobs may be larger than the weights.
    """
    workspace.FeedBlob(source, np.ascontiguousarray(array))
    written = {name for operator in net.op for name in operator.output}
    last_uses = {name: position for position, operator in enumerate(net.op) for name in operator.input}
    last_uses[net.external_output[0]] = len(net.op)
    for position, operator in enumerate(net.op):
        try:
            workspace.RunOperatorOnce(operator)
        except RuntimeError as error:
            forget(net)
            raise TaskError(
                MODEL,
                f"Caffe2 cannot run {described(operator, position)} on inputs of the shape "
                f"{array.shape}: {reason_of(error)}",
            ) from error
        yield operator
        for name in {*operator.input, *operator.output} & written:
            if last_uses.get(name, -1) <= position:
                workspace.ResetBlob(name)


def described(operator: Any, position: int) -> str:
    """An operator as messages name it, such as ``operator 3 (Conv, conv2)``."""
    name = operator.name or (operator.output[0] if operator.output else "without an output")
    return f"operator {position + 1} ({operator.type}, {name})"


def forget(net: Any) -> None:
    """Free what the operators of ``net`` have written."""
    for operator in net.op:
        for name in operator.output:
            if workspace.HasBlob(name):
                workspace.ResetBlob(name)


def reason_of(error: RuntimeError) -> str:
    """The first line of what Caffe2 says, without its own source file and the stack behind it."""
    text = str(error).split("(Error from operator", 1)[0].split("\nframe #", 1)[0].strip()
    line = text.splitlines()[0] if text else type(error).__name__
    _, separator, message = line.partition("] ")
    return (message if separator and line.startswith("[enforce fail") else line).strip().rstrip(".")

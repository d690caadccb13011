"""What is wrong with the test data of an archive: tensors with the graph's names, types and shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from publishing.graph_facts import GraphFacts, Port
from publishing.inspection.archive_reading import DataFiles

Array = npt.NDArray[Any]


@dataclass
class DataArrays:
    """The arrays of every data set, in the order of the files; and what is wrong, about the archive."""

    inputs: dict[str, list[Array]] = field(default_factory=dict)
    outputs: dict[str, list[Array]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_data(
    data_sets: Sequence[DataFiles], facts: GraphFacts, recorded: Sequence[Any] | None
) -> DataArrays:
    """Read the tensors and hold them against the graph.

    ``recorded`` are the record's ``inputs``, one for each data set; None where there is no record.
    A file that is no tensor is among the problems, and its data set is left out.
    """
    data = DataArrays()
    for data_set in data_sets:
        read = {
            kind: [_read(file, data_set.name, data.problems) for file in files]
            for kind, files in (("input", data_set.inputs), ("output", data_set.outputs))
        }
        for kind, ports in (("input", facts.inputs), ("output", facts.outputs)):
            data.problems += _against_ports(data_set.name, kind, read[kind], ports)
        arrays = {kind: [item[1] for item in items if item] for kind, items in read.items()}
        if all(len(arrays[kind]) == len(items) for kind, items in read.items()):
            data.inputs[data_set.name], data.outputs[data_set.name] = arrays["input"], arrays["output"]
    if recorded is not None:
        data.problems += _against_record(data.inputs, len(data_sets), recorded)
    return data


def _read(file: Path, data_set: str, problems: list[str]) -> tuple[str, Array] | None:
    """The name and the values of a tensor; None, and a problem, where it is none."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    shown = f"{data_set}/{file.name}"
    try:
        tensor = onnx.TensorProto.FromString(file.read_bytes())
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            problems.append(f"{shown} keeps its values in another file, and must hold them itself")
            return None
        return str(tensor.name), np.asarray(numpy_helper.to_array(tensor))
    except (DecodeError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        problems.append(f"{shown} is no tensor: {' '.join(str(error).split())[:200]}")
        return None


def _against_ports(
    data_set: str, kind: str, tensors: Sequence[tuple[str, Array] | None], ports: Sequence[Port]
) -> Iterator[str]:
    if len(tensors) != len(ports):
        yield f"{data_set} has {len(tensors)} {kind}(s), and the graph has {len(ports)}"
        return
    for index, (item, port) in enumerate(zip(tensors, ports, strict=True)):
        shown = f"{data_set}/{kind}_{index}.pb"
        if item is None:
            continue
        name, array = item
        if not name:
            yield f"{shown} has no name, and the graph's {kind} is {port.name!a}"
        elif name != port.name:
            yield f"{shown} is called {name[:100]!a}, and the graph's {kind} is {port.name!a}"
        if not _fits(array, port):
            yield (
                f"{shown} is {array.dtype} of shape {list(array.shape)}, and the graph's {kind} "
                f"{port.type} of shape {list(port.shape)}"
            )


def _fits(array: Array, port: Port) -> bool:
    from onnx import TensorProto, helper

    try:
        element = TensorProto.DataType.Value(port.type.removeprefix("tensor(").removesuffix(")").upper())
        same_type = helper.tensor_dtype_to_np_dtype(element) == array.dtype
    except (ValueError, KeyError):
        return False
    if not port.shape:
        return bool(same_type)  # a scalar, or a shape that the graph does not give
    lengths = zip(array.shape, port.shape, strict=False)
    fixed = all(isinstance(wanted, str) or wanted == length for length, wanted in lengths)
    return bool(same_type and array.ndim == len(port.shape) and fixed)


def _against_record(inputs: dict[str, list[Array]], count: int, recorded: Sequence[Any]) -> Iterator[str]:
    if count != len(recorded):
        yield f"holds {count} test data sets, and its record describes {len(recorded)}"
        return
    for number, description in enumerate(recorded):
        arrays = inputs.get(f"test_data_set_{number}", [])
        digest = description.get("sha256") if isinstance(description, dict) else None
        if arrays and digest != hashlib.sha256(np.ascontiguousarray(arrays[0]).tobytes()).hexdigest():
            yield f"test_data_set_{number}/input_0.pb does not hold the input that its record describes"

"""What is wrong with a model's file as a published one: the checker, its stamps, its inputs, its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from publishing.graph_facts import GraphFacts, ir_version
from publishing.metadata import NAMES, names_in
from publishing.record import Record

if TYPE_CHECKING:
    import onnx


def inspect_stamps(model: onnx.ModelProto, facts: GraphFacts, record: Record | None) -> Iterator[str]:
    """Yield what is wrong, in phrases whose subject is the file.

    ``model`` need not hold its weights. ``record`` is that of the file, None where there is none.
    """
    yield from _versions(facts)
    yield from _initialisers(model)
    yield from _metadata(model, record)
    if record is not None:
        yield from _against(facts, record)


def check_whole(path: Path) -> str:
    """Say what ONNX's own checker has against the file, with the inference of all shapes; empty if nothing.

    It takes about twice the file's size of memory, and is native code: a process of its own is its place.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        ValueError,
        RuntimeError,
    ) as error:
        return " ".join(str(error).split())[:300]
    return ""


def _versions(facts: GraphFacts) -> Iterator[str]:
    expected = ir_version(facts.opset)
    if facts.ir_version != expected:
        yield (
            f"has IR version {facts.ir_version}, and a file of opset {facts.opset} has {expected}: "
            "runtimes of its time refuse it"
        )


def _initialisers(model: onnx.ModelProto) -> Iterator[str]:
    """At IR 3 every initialiser is also an input; later one that is cannot be folded."""
    inputs = {value.name for value in model.graph.input}
    sparse = (tensor.values.name for tensor in model.graph.sparse_initializer)
    weights = {tensor.name for tensor in model.graph.initializer} | set(sparse)
    if model.ir_version < 4 and weights - inputs:
        yield f"has initialisers that are no inputs, as IR version 3 asks for: {_some(weights - inputs)}"
    if model.ir_version >= 4 and weights & inputs:
        yield f"has initialisers that are inputs, so that no runtime can fold them: {_some(weights & inputs)}"


def _metadata(model: onnx.ModelProto, record: Record | None) -> Iterator[str]:
    keys = [entry.key for entry in model.metadata_props]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        yield f"says {_some(twice)} of its metadata twice"
    if record is None:
        return
    properties = {entry.key: entry.value for entry in model.metadata_props}
    for key, expected in (("model_author", record.author), ("model_license", record.license)):
        if key in properties and properties[key] != expected:
            yield f"says {key} {properties[key]!a}, and its record {expected!a}"
    if (names_in(properties) or []) != record.labels.get("names", []):
        yield f"names its classes otherwise than its record, under {NAMES} in its metadata"


def _against(facts: GraphFacts, record: Record) -> Iterator[str]:
    for what, actual, expected in (
        ("opset", facts.opset, record.opset),
        ("IR version", facts.ir_version, record.ir_version),
        ("ONNX version", facts.onnx_version, record.onnx_version),
    ):
        if actual != expected:
            yield f"is of {what} {actual}, and its record says {expected}"
    for kind, ports in (("inputs", facts.inputs), ("outputs", facts.outputs)):
        actual_ports = [port.to_dict() for port in ports]
        if actual_ports != record.io_ports.get(kind):
            yield f"has the {kind} {actual_ports}, and its record says {record.io_ports.get(kind)}"


def _some(names: set[str]) -> str:
    ordered = sorted(names)
    return ", ".join(f"{name[:60]!a}" for name in ordered[:3]) + (", ..." if len(ordered) > 3 else "")

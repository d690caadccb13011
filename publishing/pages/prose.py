"""What a record says, in sentences of plain text: for cards, for pages, for anybody who asks.

Each function takes one record. Nothing is escaped for Markdown or HTML; who writes these does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from publishing.graph_facts import numpy_type
from publishing.metadata import NAMES
from publishing.pages import formatting, verdicts
from publishing.pages.formatting import listed, shape
from publishing.pages.picture_steps import ORDER, steps_to_input
from publishing.pages.snippet import (
    FIRST_OPSET_OF_ONNX_RUNTIME,
    has_imagenet_classes,
    has_softmax,
    runtime_of,
)
from publishing.record import AS_IT_CAME, Record

RUNTIMES = {
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "opencv": "OpenCV",
    "onnxruntime-raised": "ONNX Runtime on the raised file",
    "caffe2": "Caffe2",
}
"""How runtimes are called; one that is not here is called what the record calls it."""

RANDOM_WEIGHTS = (
    "These weights are random: the files are for testing converters, compilers and runtimes, not for "
    "classifying."
)
RANDOM_MEANING = "What they say of a picture means nothing."

_FIRST_CLASSES = 5


def element_type(port: Mapping[str, Any]) -> str:
    """Name the type of a port's values as numpy does: ``float32`` for ``tensor(float)``."""
    return numpy_type(str(port["type"]))


def input_of(record: Record) -> str:
    """Say what the model takes."""
    port = record.io_ports["inputs"][0]
    channels = record.preprocessing["input_size"][0]
    order = ORDER[record.preprocessing["colour"]]
    meant = "one channel of grey" if channels == 1 else f"the channels in the order {order}"
    return f"{_port(port)}: batch, channels, height and width of the pictures, {meant}.{_batch(port)}"


def output_of(record: Record) -> str:
    """Say what the model gives."""
    port = record.io_ports["outputs"][0]
    order = ", in the order of imagenet_classes.txt" if has_imagenet_classes(record) else ""
    value = "probability" if has_softmax(record) else "value"
    if record.labels:
        order = f", in the order of the {NAMES} in its metadata"
    return f"{_port(port)}: for each picture a {value} for each of {port['shape'][-1]} classes{order}."


def classes_of(record: Record) -> str:
    """Say how many classes there are, what the first are called, and who said so; of a record with labels."""
    names, sha256 = record.labels["names"], record.labels["sha256"]
    first = ", ".join(names[:_FIRST_CLASSES]) + (", ..." if len(names) > _FIRST_CLASSES else "")
    digest = f" (sha256 {sha256})" if sha256 else ""
    return f"{len(names)} classes, as {record.labels['origin']}{digest} names them: {first}"


def _port(port: Mapping[str, Any]) -> str:
    return f"{port['name']}, {element_type(port)} of shape {shape(port['shape'])}"


def _batch(port: Mapping[str, Any]) -> str:
    first = port["shape"][0]
    if isinstance(first, str):
        return " The first axis is open: any number of pictures at a time."
    return f" The first axis is fixed: {'one picture' if first == 1 else f'{first} pictures'} at a time."


def preprocessing_of(record: Record) -> list[str]:
    """Say step by step how a picture becomes an input."""
    return steps_to_input(record.preprocessing, record.provenance.get("embedded", {}).get("normalise"))


def postprocessing_of(record: Record) -> str:
    """Say how the output becomes probabilities."""
    classes = min(5, record.io_ports["outputs"][0]["shape"][-1])
    if has_softmax(record):
        return f"None: the file ends with a softmax. The {classes} largest are the model's answer."
    return (
        "Softmax over the last axis gives probabilities; values that are at least 0 and add up to 1 are "
        f"probabilities already. The {classes} largest are the model's answer."
    )


def reported(record: Record, key: str) -> list[tuple[str, float]]:
    """Return the accuracies that documents report: the document's title, and percent.

    ``key`` is ``top1`` or ``top5``. Where a document has a figure for the file of this opset, it is that one.
    They are those of the document's own weights in float32, whatever weights the file has; of a file in a
    lower precision there are none.
    """
    accuracies: list[tuple[str, float]] = []
    if record.reduction:
        return accuracies
    for document in record.figures["reported"]:
        rows = [row for row in document.get("files", ()) if row["opset"] == record.opset]
        values = [row.get(key) for row in rows] + [document[key]]
        accuracies += [(str(document["document"]), value) for value in values if value is not None][:1]
    return accuracies


def export_of(record: Record) -> str:
    """Say what wrote the native export that the files are derived from."""
    provenance = record.provenance
    return f"{provenance['exporter']} at opset {provenance['native_opset']}, in Python {provenance['python']}"


def is_random(record: Record) -> bool:
    """Tell whether nobody trained the weights."""
    return str(record.provenance["weights"]["origin"]).startswith("random weights")


def weights_of(record: Record) -> str:
    """Say where the weights came from."""
    weights = record.provenance["weights"]
    digest = f"; sha256 of the file {weights['sha256']}" if weights["sha256"] else ""
    return f"{weights['origin']}{digest}"


def is_fused(record: Record) -> bool:
    """Tell whether the network was re-parameterised."""
    return str(record.provenance["form"]).startswith("re-parameterised")


def is_of_file(record: Record) -> bool:
    """Tell whether it was made from an ONNX file of unknown origin."""
    return str(record.provenance["form"]) == AS_IT_CAME


NO_FRAMEWORK = (
    "No framework was asked. This was made from an ONNX file of unknown origin, and is compared with what "
    "onnxruntime computes with that file as it came."
)
"""What is said of a model that is_of_file."""


def form_of(record: Record) -> str:
    """Say which form of the network the file holds."""
    form, arguments = str(record.provenance["form"]), record.provenance["arguments"]
    told = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    built = f"as {record.framework} builds it" if form == "as the framework builds it" else form
    return f"{f'{built}, with {told}' if told else built}{_output_of(record)}"


def _output_of(record: Record) -> str:
    """Which of several outputs the file has; empty where the network has one."""
    output = record.provenance.get("output")
    if not output:
        return ""
    name = f": {output['name']}" if output["name"] else ""
    return f"; of its {output['of']} outputs the one at position {output['index']}, counted from 0{name}"


def reference_of(record: Record) -> str:
    """Say who computed the outputs of the test data."""
    if is_of_file(record):
        return (
            "No framework was asked: onnxruntime computed the outputs on these inputs with the file as it "
            "came, at its own opset and with nothing optimised. They do not show that this file is what its "
            "maker meant."
        )
    form = ", with the network in its form for training" if is_fused(record) else ""
    return (
        f"{record.framework} itself computed the outputs on these inputs{form}. They did not come from "
        "running the file, so a wrong conversion does not pass its own test."
    )


def data_set_of(record: Record, name: str) -> str:
    """Say what a data set is made from: ``noise-3``, ``pictures-1``; the second of a batch: ``noise-1-2``."""
    match = _DATA_SET.fullmatch(name)
    if not match:
        return name
    count, pictures = int(match["count"]), [str(prediction["picture"]) for prediction in record.predictions]
    if match["kind"] == "noise":
        return f"smooth noise from a seed, {_pictures(count)}"
    if match["number"] and pictures:  # behind the last picture comes the first one again
        start = count * (int(match["number"]) - 1)
        pictures = [pictures[(start + row) % len(pictures)] for row in range(count)]
    return f"{listed(pictures[:count])}, prepared as above" if len(pictures) >= count else name


_DATA_SET = re.compile(r"(?P<kind>noise|pictures)-(?P<count>[1-9][0-9]{0,3})(-(?P<number>[1-9][0-9]{0,3}))?")


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures at a time"


def runtime_title(name: str) -> str:
    """Name a runtime as its makers do."""
    return RUNTIMES.get(name, name)


def outcome_of(runtime: Mapping[str, Any]) -> str:
    """Say in a word or a figure what a runtime made of a file."""
    error = verdicts.worst_error(runtime)
    if runtime["outcome"] != "ran":
        return str(runtime["outcome"])
    if verdicts.agrees(runtime):
        return "same" if error is None else formatting.error(error)
    return "differs" if error is None else f"differs: {formatting.error(error)}"


def tolerance_of(record: Record) -> str:
    """Say what a runtime had to do to pass."""
    tolerance = record.verdict["tolerance"]
    kinds = {"top1": "the most probable class", "top5": "the five most probable ones"}
    classes = [words for key, words in kinds.items() if tolerance[key]]
    same = f", and {listed(classes)} must be the same" if classes else ""
    return (
        f"no value may be off by more than {formatting.bound(tolerance['relative'])} of the largest one{same}"
    )


def runs_in(record: Record) -> str:
    """Say what runs the file, where ONNX Runtime does not; empty where it does."""
    if runtime_of(record) == "onnxruntime":
        return ""
    others = [runtime_title(name) for name in verdicts.agreeing(record) if not name.startswith("onnxruntime")]
    return (
        f"ONNX Runtime begins at opset {FIRST_OPSET_OF_ONNX_RUNTIME} and does not run opset {record.opset}; "
        f"{listed(others)} ran it here."
    )

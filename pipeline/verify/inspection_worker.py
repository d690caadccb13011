"""Unpacks and checks one downloaded model, in a process of its own: ``request.json result.json``.

A file that somebody else made may crash native code, or grow without end. Here that costs one process.

Request::

    {"archive": "/.../vgg16-7.tar.gz", "model": null, "record": "/.../record.json", "folder": "/.../"}

``model`` is a file to check where there is no archive to unpack, ``record`` null where there is none;
``folder`` is empty, and receives what is unpacked. Result::

    {"problems": [["model", "has IR version 6, ..."], ["archive", "holds no test data"]],
     "model": "/.../vgg16-7.onnx", "sha256": "...", "opset": 7, "quantized": false,
     "inputs": "/.../inputs.npz", "outputs": "/.../outputs.npz", "not_run": ""}

Problems are phrases whose subject is the model or the archive. ``inputs`` and ``outputs`` hold one array
for each data set, and are null where no runtime can be asked; ``not_run`` says why, unless a problem does.
Where the disk refuses, the result is ``{"error": [errno, text, path]}``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.workers.runtimes import is_quantized_file
from publishing.errors import PublishError
from publishing.graph_facts import GraphFacts, facts_of
from publishing.inspection.archive_reading import Unpacked, unpack
from publishing.inspection.archive_stream import ArchiveError, bounds_for
from publishing.inspection.data import DataArrays, read_data
from publishing.inspection.model import check_whole, inspect_stamps
from publishing.record import Record, from_json

if TYPE_CHECKING:
    import onnx

_FLOATS = frozenset(("float32", "float16"))
"""The types of inputs and outputs that runtimes are given here."""


def main() -> None:
    """Serve the request named on the command line."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    record = from_json(Path(request["record"]).read_text(encoding="utf-8")) if request["record"] else None
    try:
        result = _inspect(request, record, Path(request["folder"]))
    except OSError as error:
        result = {"error": [error.errno, error.strerror, error.filename or request["folder"]]}
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _inspect(request: dict[str, Any], record: Record | None, folder: Path) -> dict[str, Any]:
    problems: list[tuple[str, str]] = []
    result: dict[str, Any] = {"problems": problems, "opset": None, "not_run": ""}
    result |= dict.fromkeys(("model", "sha256", "inputs", "outputs"))
    unpacked = _unpacked(Path(request["archive"]), record, folder, problems) if request["archive"] else None
    model = unpacked.model if unpacked else Path(request["model"]) if request["model"] else None
    if model is None:
        return result
    with model.open("rb") as stream:
        result["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
    facts, wrong, sound = _check_model(model, record)
    problems += [("model", what) for what in wrong]
    if facts is None:
        return result
    result |= {"model": str(model), "opset": facts.opset, "quantized": is_quantized_file(model)}
    if unpacked and unpacked.data_sets:
        data = read_data(unpacked.data_sets, facts, record.inputs if record else None)
        problems += [("archive", what) for what in data.problems]
        result |= _runnable(data, facts, folder) if sound else {}
    return result


def _unpacked(
    archive: Path, record: Record | None, folder: Path, problems: list[tuple[str, str]]
) -> Unpacked | None:
    try:
        unpacked = unpack(
            archive,
            folder,
            bounds_for(archive.stat().st_size),
            stem=record.stem if record else None,
            model_bytes=record.files["onnx"].bytes if record else None,
        )
    except ArchiveError as error:
        problems.append(("archive", str(error)))
        return None
    problems += [("archive", what) for what in unpacked.problems]
    return unpacked


def _check_model(path: Path, record: Record | None) -> tuple[GraphFacts | None, list[str], bool]:
    """The facts of a model, what is wrong with it, and whether a runtime should see it."""
    from opsets import RetargetError, read_graph

    try:
        model = read_graph(path)
        facts = facts_of(model)
    except RetargetError as error:
        reason = str(error).removeprefix(f"cannot read {path}: ")
        return None, [f"cannot be read: {reason}"], False
    except PublishError as error:
        return None, [f"cannot be used: {error}"], False
    if outside := _data_outside(model, path):
        return facts, [f"keeps weights in {outside!a} beside it; a published file holds its own"], False
    wrong = list(inspect_stamps(model, facts, record))
    objection = check_whole(path)
    if objection:
        wrong.append(f"does not pass the ONNX checker: {objection}")
    return facts, wrong, not objection


def _data_outside(model: onnx.ModelProto, path: Path) -> str:
    """The name of a file beside the model that holds data of it; empty where there is none."""
    from opsets.files.external import is_external, region_of, tensors

    places = {Path(region_of(tensor).path) for tensor in tensors(model) if is_external(tensor)}
    return next((place.name for place in sorted(places) if place != path.resolve()), "")


def _runnable(data: DataArrays, facts: GraphFacts, folder: Path) -> dict[str, Any]:
    """The files of arrays that runtimes take, or why there are none."""
    ports = (*facts.inputs, *facts.outputs)
    if (len(facts.inputs), len(facts.outputs)) != (1, 1):
        counts = f"{len(facts.inputs)} input(s) and {len(facts.outputs)} output(s)"
        return {"not_run": f"the graph has {counts}, and only one of each can be run here"}
    if not {port.numpy_type for port in ports} <= _FLOATS:
        found = ", ".join(sorted({port.type for port in ports}))
        return {"not_run": f"the graph has {found}, and only float32 and float16 can be run here"}
    files = {}
    for kind, arrays in (("inputs", data.inputs), ("outputs", data.outputs)):
        first = {name: some[0] for name, some in arrays.items() if some}
        if len(first) != len(arrays) or not {array.dtype.name for array in first.values()} <= _FLOATS:
            return {}  # told as a problem of the data
        files[kind] = str(folder / f"{kind}.npz")
        np.savez(files[kind], **{name: array.astype(np.float32) for name, array in first.items()})  # type: ignore[arg-type]
    return files


if __name__ == "__main__":
    main()

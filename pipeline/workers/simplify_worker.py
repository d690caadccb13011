"""Simplifies one ONNX file in a process of its own: ``request.json result.json``.

Request: ``{"model": "/.../model.onnx", "output": "/.../simplified.onnx"}``. Result: ``{"lines": [...]}``,
what was done; or ``{"error": "..."}``, why it was not.

onnxsim folds constants and merges each BatchNormalization into the convolution before it. The opset stays.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import onnx
import onnxsim


def main() -> None:
    """Serve the request named on the command line."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = _simplified(Path(request["model"]), Path(request["output"]))
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _simplified(source: Path, output: Path) -> dict[str, object]:
    try:
        model = onnx.load(source)
        simplified, is_valid = onnxsim.simplify(model)
    except Exception as error:  # noqa: BLE001 - whatever it raises is said, and costs this file only
        return {"error": f"onnxsim refuses the model: {error}"}
    foreign = {node.domain for node in simplified.graph.node} - {node.domain for node in model.graph.node}
    if not is_valid or foreign - {"", "ai.onnx"}:
        return {"error": "onnxsim made a graph that is not valid, or not of standard operators"}
    _take_over(model, simplified)
    onnx.save(simplified, output)
    return {"lines": _lines(model, simplified)}


def _take_over(model: onnx.ModelProto, simplified: onnx.ModelProto) -> None:
    """What a model says of itself, and what it declares of its inputs and outputs, stays."""
    simplified.ir_version = model.ir_version
    del simplified.opset_import[:], simplified.metadata_props[:]
    simplified.opset_import.extend(model.opset_import)
    simplified.metadata_props.extend(model.metadata_props)
    simplified.doc_string = model.doc_string
    simplified.producer_name, simplified.producer_version = model.producer_name, model.producer_version


def _lines(before: onnx.ModelProto, after: onnx.ModelProto) -> list[str]:
    """What went, by operators: ``BatchNormalization: 49 nodes to 0``."""
    old, new = (Counter(node.op_type for node in model.graph.node) for model in (before, after))
    changed = sorted(name for name in {*old, *new} if old[name] != new[name])
    return [f"Simplified, {name}: {old[name]} nodes to {new[name]}" for name in changed]


if __name__ == "__main__":
    main()

"""What is taken for the answer of a worker, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.workers.answers import fault_of

EXPORT: dict[str, Any] = {
    "status": "ok",
    "opset": 12,
    "exporter": "torch.onnx.export",
    "parameters": 44,
    "head": {"classes": 4, "from": "the framework"},
    "weights": {"origin": "random weights, seed 0", "sha256": None, "tensors": 2},
}


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("export", EXPORT),
        ("export", EXPORT | {"output": {"name": None, "index": 0, "of": 2}, "more": [1]}),
        ("catalogue", {"status": "ok", "models": {"net": {"family": "net"}}}),
        ("trace", {"status": "ok", "layers": [{"name": "a", "kind": "Conv2d", "file": "0.npy"}]}),
        ("outputs", {"status": "ok"}),
        ("export", {"status": "failed", "kind": "weights", "message": "no such file"}),
    ],
)
def test_what_the_protocol_has_is_an_answer(task: str, answer: Any) -> None:
    assert fault_of(answer, task) is None


@pytest.mark.parametrize(
    ("task", "answer", "fault"),
    [
        ("export", [], "it has no status"),
        ("export", {}, "it has no status"),
        ("export", {"status": "fine"}, "it has no status"),
        ("export", {"status": "failed", "kind": "weights"}, "message: Field required"),
        ("export", {"status": "ok"}, "opset: Field required"),
        ("export", EXPORT | {"opset": "12"}, "opset: Input should be a valid integer"),
        ("export", EXPORT | {"head": {"classes": 4}}, "head.from: Field required"),
        ("export", EXPORT | {"weights": None}, "weights: Input should be"),
        ("catalogue", {"status": "ok", "models": ["net"]}, "models: Input should be"),
        ("trace", {"status": "ok", "layers": [1]}, "layers.0: Input should be"),
    ],
)
def test_what_is_none_is_told(task: str, answer: Any, fault: str) -> None:
    assert (fault_of(answer, task) or "").startswith(fault)

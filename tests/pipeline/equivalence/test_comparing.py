"""Two files in real runtimes: the same, another, one that proves nothing, and one that nothing runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from opsets import retarget_file
from pipeline.equivalence.comparing import Compared, compare_files
from pipeline.equivalence.graphs import read
from pipeline.equivalence.report import as_json, lines
from pipeline.errors import PipelineError
from tests.pipeline.equivalence.graphs import scores, words, written

pytestmark = pytest.mark.slow


def compared(
    first: Path, second: Path, folder: Path, inputs: Path | None = None, relative: float = 1e-4
) -> Compared:
    """What comes of comparing two files; ``folder`` gets one for the runtimes."""
    (folder / "runs").mkdir()
    return compare_files(read(first), read(second), inputs, relative, folder / "runs", threading.Event())


def test_a_retargeted_model_is_the_same_in_every_runtime_and_where_only_one_file_runs(tmp_path: Path) -> None:
    first, second = scores(tmp_path / "a.onnx"), tmp_path / "b.onnx"
    retarget_file(first, 5, second)
    result = compared(first, second, tmp_path)
    assert result.same
    assert result.equivalence.against == {
        "openvino": "openvino",
        "opencv": "onnxruntime",
        "onnxruntime-raised": "onnxruntime",
    }
    names = {name for runtime in result.equivalence.verdict.runtimes.values() for name in runtime.comparisons}
    assert names == {"noise 1 (batch 1)", "noise 2 (batch 1)", "noise 3 (batch 3)"}
    assert (
        "b.onnx compute the same, within 0.0001, in openvino, opencv, onnxruntime-raised."
        in lines(result)[-1]
    )


def test_another_model_is_not_the_same_and_it_is_said_where_and_how_far(tmp_path: Path) -> None:
    result = compared(scores(tmp_path / "a.onnx"), scores(tmp_path / "b.onnx", "LogSoftmax"), tmp_path)
    assert not result.same
    text = "\n".join(lines(result))
    for name in ("onnxruntime", "openvino"):
        assert f"{name} disagrees with the reference on noise 1 (batch 1): relative error" in text
    values = json.loads(as_json(result))
    assert (values["status"], values["same"]) == ("failed", False)
    assert values["runtimes"]["openvino"]["reference"] == "openvino"
    figures = values["runtimes"]["openvino"]["comparisons"]["noise 3 (batch 3)"]
    assert figures["relative_error"] > 1
    assert figures["top1"] == 1


def test_how_far_runtimes_are_apart_on_the_file_itself_is_known(tmp_path: Path) -> None:
    result = compared(scores(tmp_path / "a.onnx"), scores(tmp_path / "b.onnx"), tmp_path)
    assert result.apart is not None
    assert result.apart < 1e-5
    assert not [note for note in result.notes if "apart" in note]


def test_a_scalar_is_handed_over_without_an_axis(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.onnx",
        '<ir_version: 8, opset_import: ["": 13]> g (float[N,4] x, float factor) => (float[N,4] y)'
        " { y = Mul(x, factor) }",
    )
    result = compared(file, file, tmp_path)
    assert result.same
    assert [run.outcome for run in result.equivalence.verdict.runtimes.values()] == ["ran", "ran"]


def test_the_bound_alone_decides_of_floats(tmp_path: Path) -> None:
    first, second = words(tmp_path / "a.onnx"), words(tmp_path / "b.onnx", 1.01)
    result = compared(first, second, tmp_path, relative=0.05)
    assert result.same


def test_several_inputs_of_other_types_and_several_outputs(tmp_path: Path) -> None:
    result = compared(words(tmp_path / "a.onnx"), words(tmp_path / "b.onnx", 1.01), tmp_path)
    assert result.equivalence.verdict.status == "failed"
    assert "noise 1 (batch 1), output y: relative error" in result.equivalence.verdict.reason
    for runtime in result.equivalence.verdict.runtimes.values():
        assert runtime.comparisons["noise 3 (batch 3), output best"].passed
    assert "axis 1 of the input ids is open, and was 16 long" in result.notes


def test_half_precision_and_ports_of_other_names(tmp_path: Path) -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 13]> g (float16[N,6] {0}x) => (float16[N,6] {0}) '
        "{{ {0} = Tanh({0}x) }}"
    )
    first, second = (written(tmp_path / f"{name}.onnx", text.format(name)) for name in "ab")
    result = compared(first, second, tmp_path)
    assert result.same
    assert result.notes == (
        "the input is called 'ax' and 'bx'",
        "outputs have other names and are matched by position: a and b",
    )


def test_outputs_in_another_order_are_matched_by_their_names(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["": 13]> g (float[N,6] x) => ({}) {{ y = Tanh(x) z = Exp(x) }}'
    first = written(tmp_path / "a.onnx", text.format("float[N,6] y, float[N,6] z"))
    second = written(tmp_path / "b.onnx", text.format("float[N,6] z, float[N,6] y"))
    assert compared(first, second, tmp_path).same


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("z = Mul(x, zero) y = Add(z, one)", "the reference logits hardly depend on the input"),
        ("z = Mul(x, zero) y = Div(z, z)", "are not finite"),
    ],
)
def test_dead_outputs_prove_nothing(tmp_path: Path, body: str, words: str) -> None:
    file = written(
        tmp_path / "a.onnx",
        '<ir_version: 8, opset_import: ["": 13]> g (float[N,2] x) => (float[N,2] y)'
        f" <float[1] zero = {{0}}, float[2] one = {{1, 2}}> {{ {body} }}",
    )
    result = compared(file, file, tmp_path)
    assert result.equivalence.verdict.status == "inconclusive"
    assert words in lines(result)[-1]
    assert "cannot be told" in lines(result)[-1]


def test_what_nothing_runs_cannot_be_told(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.onnx",
        '<ir_version: 8, opset_import: ["": 13, "other": 1]> g (float[N,2] x) => (float[N,2] y)'
        " { y = other.Own(x) }",
    )
    verdict = compared(file, file, tmp_path).equivalence.verdict
    assert verdict.status == "inconclusive"
    assert "no runtime ran the first model: onnxruntime unsupported" in verdict.reason


def test_a_model_of_one_row_at_a_time_whose_batch_is_open(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.onnx",
        '<ir_version: 8, opset_import: ["": 13]> g (float[N,2] x) => (float[1,2] y)'
        " <int64[2] shape = {1, 2}> { t = Tanh(x) y = Reshape(t, shape) }",
    )
    result = compared(file, file, tmp_path)
    assert result.same
    assert result.notes == (f"{file} runs a batch of 1 only, though its first axis is open",)


def test_a_fixed_batch_beside_an_open_one(tmp_path: Path) -> None:
    result = compared(scores(tmp_path / "a.onnx"), scores(tmp_path / "b.onnx", batch="2"), tmp_path)
    assert result.same
    assert set(result.equivalence.verdict.runtimes["openvino"].comparisons) == {"noise 1", "noise 2"}


def test_own_inputs_and_a_single_row_of_them(tmp_path: Path) -> None:
    first, second = scores(tmp_path / "a.onnx"), scores(tmp_path / "b.onnx")
    image = np.random.default_rng(1).random((1, 3, 16, 16), np.float32)
    np.savez(tmp_path / "x.npz", image=image)
    result = compared(first, second, tmp_path, tmp_path / "x.npz")
    assert result.same
    assert result.notes == (
        "a single row of inputs does not show that the outputs depend on them; give several",
    )
    assert set(result.equivalence.verdict.runtimes["onnxruntime"].comparisons) == {"x.npz"}


def test_a_quantised_graph_is_asked_of_exact_arithmetic_too(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.onnx",
        '<ir_version: 7, opset_import: ["": 12]> g (uint8[N,8] x) => (int32[N,8] y)'
        " <int8[8,8] w = {"
        + ", ".join(str(number % 9 - 4) for number in range(64))
        + "}> { y = MatMulInteger(x, w) }",
    )
    result = compared(file, file, tmp_path)
    assert result.same
    assert result.equivalence.verdict.runtimes["exact"].agrees


@pytest.mark.parametrize(
    ("ports", "body", "words"),
    [
        ("(string[N] x) => (string[N] y)", "y = Identity(x)", "its input 'x' is string"),
        ("(float[N] x) => (bfloat16[N] y)", "y = Cast<to = 16>(x)", "its output 'y' is bfloat16"),
        ("(float x) => (float y)", "y = Tanh(x)", None),
    ],
)
def test_types_that_are_not_compared_are_named(
    tmp_path: Path, ports: str, body: str, words: str | None
) -> None:
    file = written(tmp_path / "a.onnx", f'<ir_version: 8, opset_import: ["": 13]> g {ports} {{ {body} }}')
    if words is None:
        assert compared(file, file, tmp_path).same
    else:
        with pytest.raises(PipelineError, match=words):
            compared(file, file, tmp_path)

"""What measuring opset coverage must notice: wrong numbers, invalid files, runtimes that end or hang."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from onnx import parser

from tools.opset_coverage.cases import Case, default_opset, load_cases
from tools.opset_coverage.judging import INVALID, RIGHT, WRONG, differs, judge_case
from tools.opset_coverage.lowering import CONVERTER, OPSETS
from tools.opset_coverage.old_forms import violations
from tools.opset_coverage.report import document, share
from tools.opset_coverage.rising_cases import EXPORTED, KINDS, LIGHT, rising_cases
from tools.opset_coverage.runtimes import ONNXRUNTIME, REFERENCE, RUNTIMES
from tools.opset_coverage.worker import Worker

pytestmark = pytest.mark.slow

ENDLESS = """g (float[1] x) => (float[1] y) {
    yes = Constant<value = bool {1}>()
    y = Loop(, yes, x) <body = b (int64 i, bool c, float[1] a) => (bool d, float[1] b)
        { d = Identity(c) b = Identity(a) }>
}"""


def parse(opset: int, text: str) -> onnx.ModelProto:
    return parser.parse_model(f'<ir_version: 7, opset_import: ["": {opset}]> {text}')


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {case.name: case for case in load_cases((12, 9, 3), 12)}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_the_counts_of_legal_cases(cases: dict[str, Case]) -> None:
    single = [case for case in cases.values() if not case.expanded]
    assert [sum(target in case.targets for case in single) for target in (12, 9, 3)] == [777, 529, 457]
    assert sum(case.expanded and 12 in case.targets for case in cases.values()) == 246


def test_parameters_are_frozen_and_data_are_not(cases: dict[str, Case]) -> None:
    clip = onnx.load_from_string(cases["test_clip"].model).graph
    assert [tensor.name for tensor in clip.initializer] == ["min", "max"]
    assert [value.name for value in clip.input] == list(cases["test_clip"].inputs) == ["x"]
    body = onnx.load_from_string(cases["test_clip_expanded"].model).graph
    assert [tensor.name for tensor in body.initializer] == ["min", "max"]
    assert list(cases["test_add"].inputs) == ["x", "y"]


def test_a_softmax_that_only_changes_its_stamp_is_wrong(cases: dict[str, Case], worker: Worker) -> None:
    """onnx.version_converter keeps the axis, and OpenVINO and onnx.reference read it as opset 13 does."""
    case = cases["test_softmax_axis_0"]
    ours, other = judge_case(case, (12,), (OPSETS, CONVERTER), worker)
    assert (ours.outcome, ours.judge) == (RIGHT, ONNXRUNTIME)
    assert (other.outcome, other.judge, other.original_runs) == (WRONG, ONNXRUNTIME, True)


def test_a_result_that_its_opset_does_not_allow_is_invalid(cases: dict[str, Case], worker: Worker) -> None:
    """onnx.version_converter leaves negative axes where opset 9 counts from the front only."""
    case = cases["test_reduce_sum_negative_axes_keepdims_random"]
    [other] = judge_case(case, (9,), (CONVERTER,), worker)
    assert (other.outcome, other.reason) == (
        INVALID,
        "ReduceSum has a negative axes, which opset 9 does not know",
    )


@pytest.mark.parametrize(
    ("opset", "node", "shapes", "allowed"),
    [
        (6, "z = Add(x, y)", ("2,3,4", "2,3,4"), True),
        (6, "z = Add(x, y)", ("2,3,4", "4"), False),
        (7, "z = Add(x, y)", ("2,3,4", "4"), True),
        (6, "z = Add<broadcast=1>(x, y)", ("2,3,4", "3,4"), True),
        (6, "z = Add<broadcast=1>(x, y)", ("2,3,4", "1,4"), False),
        (6, "z = Add<broadcast=1>(x, y)", ("2,3,4", "1"), True),
        (6, "z = Add<broadcast=1, axis=1>(x, y)", ("2,3,4", "3"), True),
        (6, "z = Add<broadcast=1, axis=0>(x, y)", ("2,3,4", "3"), False),
        (6, "z = Add<broadcast=1>(x, y)", ("4", "2,3,4"), False),
        (6, "s = Mul<broadcast=1>(x, y) z = Add(s, y)", ("2,3,4", "4"), False),
        (7, "z = Max(x, y)", ("2,3,4", "4"), False),
        (8, "z = Max(x, y)", ("2,3,4", "4"), True),
        (6, "z = PRelu(x, y)", ("2,3,4", "3"), True),
        (6, "z = PRelu(x, y)", ("2,3,4", "4"), False),
        (6, "z = Gemm(x, x, y)", ("3,3", "3"), False),
        (6, "z = Gemm<broadcast=1>(x, x, y)", ("3,3", "3"), True),
        (6, "z = Concat<axis=-1>(x, y)", ("2,3", "2,3"), False),
        (11, "z = Concat<axis=-1>(x, y)", ("2,3", "2,3"), True),
        (9, "z = Gather<axis=-1>(x, i)", ("2,3", "2,3"), True),
    ],
)
def test_what_older_texts_forbid(opset: int, node: str, shapes: tuple[str, str], allowed: bool) -> None:
    text = f"g (float[{shapes[0]}] x, float[{shapes[1]}] y, int64[1] i) => (float[] z) {{ {node} }}"
    assert (violations(parse(opset, text)) == []) is allowed


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_runtime_runs_what_all_of_them_know(name: str, worker: Worker) -> None:
    model = parse(6, "g (float[1,2,3] x) => (float[1,2,3] y) { y = Relu(x) }")
    model.ir_version = 3
    x = np.array([[[-1, 2, -3], [4, -5, 6]]], dtype=np.float32)
    answer = worker.call("run", name, model.SerializeToString(), {"x": x})
    assert answer.kind == "done", answer.reason
    np.testing.assert_array_equal(answer.value[0], np.maximum(x, 0))


def test_onnx_reference_is_not_asked_about_what_it_misreads(worker: Worker) -> None:
    model = parse(12, "g (float[2,3] x) => (float[2,3] y) { y = Softmax<axis=0>(x) }")
    answer = worker.call("run", REFERENCE, model.SerializeToString(), {"x": np.ones((2, 3), np.float32)})
    assert (answer.kind, answer.reason) == ("raised", "NotAsked: it does not know the older form of Softmax")


def test_a_runtime_that_hangs_or_ends_costs_its_call_only(worker: Worker) -> None:
    endless, x = parse(13, ENDLESS).SerializeToString(), {"x": np.ones(1, np.float32)}
    quick = parse(13, "g (float[1] x) => (float[1] y) { y = Neg(x) }").SerializeToString()
    patient, hasty = worker, Worker(seconds=3)
    assert hasty.call("run", ONNXRUNTIME, endless, x).reason == "no answer within 3 seconds"
    hasty.close()
    assert patient.call("run", ONNXRUNTIME, quick, x).kind == "done"
    threading.Timer(1, os.kill, (patient._process.pid, signal.SIGKILL)).start()
    assert patient.call("run", ONNXRUNTIME, endless, x).reason == "the process ended (SIGKILL)"
    assert patient.call("run", ONNXRUNTIME, quick, x).value == [-1]


def test_outputs_are_compared_by_number_shape_and_type(cases: dict[str, Case]) -> None:
    case = cases["test_relu"]
    [right] = case.expected
    assert differs([right], case, loose=False) == ""
    moved, other = right.copy(), "output 0 differs at 1 of 60 places, by up to"
    moved[0, 0, 0] += 0.5
    assert differs([moved], case, loose=False) == f"{other} 0.5"
    moved[0, 0, 0] = np.nan
    assert differs([moved], case, loose=False) == f"{other} nan"
    assert differs([right.ravel()], case, loose=False) == "output 0 has shape (60,) instead of (3, 4, 5)"
    assert differs([right.astype(np.float64)], case, loose=False).startswith("output 0 has type float64")
    assert differs([right.astype(np.float64)], case, loose=True) == ""
    assert differs([], case, loose=False) == "0 outputs instead of 1"


def test_the_document_counts_and_names_what_fails(cases: dict[str, Case], worker: Worker) -> None:
    results = list(judge_case(cases["test_softmax_axis_0"], (12,), (OPSETS, CONVERTER), worker))
    other = {OPSETS: CONVERTER, CONVERTER: OPSETS}
    swapped = [dataclasses.replace(result, tool=other[result.tool]) for result in results]
    assert "| 12 | 1 | 1 | 100.0% | 0 |" in document(results, (12,), {})
    text = document(swapped, (12,), {"single operators": swapped})
    assert "| single operators | 12 | 1 | 0 | 0.0% | 1 |" in text
    assert text.count("| Softmax | `test_softmax_axis_0` | wrong (onnxruntime) |") == 2
    assert "| 12 | 1 | 0 | 0.0% | 1 |" in text
    assert "| Softmax | `test_softmax_axis_0` | wrong (onnxruntime) | output 0 differs at " in text


def test_what_goes_up_is_below_its_targets() -> None:
    rising = rising_cases()
    assert list(rising) == list(KINDS)
    assert all(rising.values())
    for cases in rising.values():
        for case in cases:
            opset = default_opset(onnx.load_from_string(case.model))
            assert case.targets
            assert min(case.targets) > opset
    exported = {case.name: case for case in rising[EXPORTED]}
    assert len(exported) == 117
    assert exported["test_Conv2d"].targets == {13, 17, 21}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (EXPORTED, "test_operator_add_broadcast"),  # an axis of a broadcast
        (EXPORTED, "test_Softmax"),
        (EXPORTED, "test_BatchNorm2d_eval"),
        (EXPORTED, "test_ConstantPad2d"),
        (LIGHT, "light_squeezenet"),
    ],
)
def test_old_networks_give_their_numbers_at_newer_opsets(kind: str, name: str, worker: Worker) -> None:
    case = next(case for case in rising_cases()[kind] if case.name == name)
    results = list(judge_case(case, (13, 21), (OPSETS,), worker))
    assert [(one.target, one.outcome) for one in results] == [(13, RIGHT), (21, RIGHT)]


def test_a_share_is_rounded_down() -> None:
    assert share(Counter({RIGHT: 9499, WRONG: 501})) == "94.9%"
    assert share(Counter({RIGHT: 95, WRONG: 5})) == "95.0%"

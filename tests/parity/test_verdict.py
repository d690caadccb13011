"""From the runtimes' runs to one word."""

from __future__ import annotations

import json

import numpy as np
import pytest

from parity.call import Outcome, Run
from parity.compare import Array, Tolerance
from parity.verdict import judge

REFERENCE: dict[str, Array] = {
    "noise-1": np.random.default_rng(1).normal(size=(1, 10)).astype(np.float32),
    "noise-3": np.random.default_rng(2).normal(size=(3, 10)).astype(np.float32),
}
RIGHT = Run("ran", "", "1.0", 0.1, REFERENCE)
WRONG = Run("ran", "", "1.0", 0.1, {**REFERENCE, "noise-3": REFERENCE["noise-3"] * np.float32(1.1)})


def without(outcome: Outcome) -> Run:
    return Run(outcome, "Clip(1) is unknown", "1.0", 0.1, {})


@pytest.mark.parametrize(
    ("first", "second", "status", "words"),
    [
        (RIGHT, RIGHT, "passed", ""),
        (RIGHT, without("unsupported"), "passed", ""),
        (RIGHT, WRONG, "failed", "openvino disagrees with the reference on noise-3: relative error 0.1"),
        (RIGHT, WRONG, "failed", "(onnxruntime agrees)"),
        (WRONG, WRONG, "failed", "onnxruntime disagrees"),
        (WRONG, without("unsupported"), "failed", "onnxruntime disagrees"),
        (RIGHT, without("crashed"), "failed", "openvino crashed: Clip(1) is unknown"),
        (RIGHT, without("timed out"), "failed", "openvino timed out"),
        (RIGHT, without("invalid"), "failed", "openvino invalid"),
        (without("unsupported"), without("unsupported"), "inconclusive", "no independent runtime ran"),
    ],
)
def test_status_and_reason(first: Run, second: Run, status: str, words: str) -> None:
    verdict = judge(REFERENCE, {"onnxruntime": first, "openvino": second}, Tolerance())
    assert verdict.status == status
    assert words in verdict.reason
    json.dumps(verdict.to_dict(), allow_nan=False)


UNSUPPORTED, CRASHED, INVALID = without("unsupported"), without("crashed"), without("invalid")


@pytest.mark.parametrize(
    ("judge_run", "opencv", "raised", "status", "words", "dissent"),
    [
        (RIGHT, RIGHT, RIGHT, "passed", "", ""),
        (RIGHT, WRONG, RIGHT, "passed", "", "opencv disagrees with the reference on noise-3"),
        (RIGHT, CRASHED, RIGHT, "passed", "", "opencv crashed"),
        (RIGHT, RIGHT, WRONG, "passed", "", "onnxruntime-raised disagrees"),
        (RIGHT, WRONG, UNSUPPORTED, "passed", "", "opencv disagrees"),
        (RIGHT, UNSUPPORTED, UNSUPPORTED, "passed", "", ""),
        (RIGHT, WRONG, WRONG, "failed", "onnxruntime-raised disagrees", ""),
        (RIGHT, RIGHT, INVALID, "failed", "onnxruntime-raised invalid: Clip(1) is unknown", ""),
        (WRONG, RIGHT, RIGHT, "failed", "(opencv and onnxruntime-raised agree)", ""),
        (CRASHED, RIGHT, RIGHT, "failed", "openvino crashed", ""),
        (UNSUPPORTED, RIGHT, RIGHT, "passed", "", ""),
        (UNSUPPORTED, RIGHT, WRONG, "failed", "onnxruntime-raised disagrees", ""),
        (UNSUPPORTED, UNSUPPORTED, RIGHT, "inconclusive", "no independent runtime ran the model", ""),
        (UNSUPPORTED, UNSUPPORTED, WRONG, "failed", "onnxruntime-raised disagrees", ""),
    ],
)
def test_one_second_opinion_against_a_judge_is_told_and_blocks_nothing(
    judge_run: Run, opencv: Run, raised: Run, status: str, words: str, dissent: str
) -> None:
    runs = {"openvino": judge_run, "opencv": opencv, "onnxruntime-raised": raised}
    verdict = judge(REFERENCE, runs, Tolerance())
    assert verdict.status == status
    assert words in verdict.reason
    assert (dissent in verdict.dissent) if dissent else not verdict.dissent
    assert verdict.to_dict()["runtimes"]["opencv"]["judge"] is False


MISSING = without("missing")


@pytest.mark.parametrize(
    ("judge_run", "opencv", "raised", "caffe2", "status", "words", "dissent"),
    [
        (RIGHT, RIGHT, RIGHT, RIGHT, "passed", "", ""),
        (RIGHT, RIGHT, RIGHT, WRONG, "passed", "", "caffe2 disagrees with the reference on noise-3"),
        (RIGHT, WRONG, RIGHT, RIGHT, "passed", "", "opencv disagrees with the reference on noise-3"),
        (RIGHT, WRONG, RIGHT, WRONG, "failed", "(openvino and onnxruntime-raised agree)", ""),
        (RIGHT, RIGHT, WRONG, CRASHED, "failed", "caffe2 crashed", ""),
        (RIGHT, WRONG, RIGHT, UNSUPPORTED, "passed", "", "opencv disagrees"),
        (RIGHT, WRONG, RIGHT, MISSING, "passed", "", "opencv disagrees"),
        (RIGHT, RIGHT, RIGHT, MISSING, "passed", "", ""),
        (WRONG, RIGHT, RIGHT, RIGHT, "failed", "(opencv and onnxruntime-raised and caffe2 agree)", ""),
        (UNSUPPORTED, UNSUPPORTED, RIGHT, RIGHT, "passed", "", ""),
        (UNSUPPORTED, UNSUPPORTED, RIGHT, WRONG, "failed", "caffe2 disagrees", ""),
        (UNSUPPORTED, UNSUPPORTED, RIGHT, MISSING, "inconclusive", "caffe2 missing: Clip(1)", ""),
    ],
)
def test_two_of_three_second_opinions_block_whatever_the_third_says(
    judge_run: Run, opencv: Run, raised: Run, caffe2: Run, status: str, words: str, dissent: str
) -> None:
    runs = {"openvino": judge_run, "opencv": opencv, "onnxruntime-raised": raised, "caffe2": caffe2}
    verdict = judge(REFERENCE, runs, Tolerance())
    assert verdict.status == status
    assert words in verdict.reason
    assert (dissent in verdict.dissent) if dissent else not verdict.dissent
    assert verdict.missing == ("caffe2: Clip(1) is unknown" if caffe2 is MISSING else "")
    assert verdict.to_dict()["runtimes"]["caffe2"]["outcome"] == caffe2.outcome


def test_a_data_set_without_output_fails() -> None:
    part = Run("ran", "", "1.0", 0.1, {"noise-1": REFERENCE["noise-1"]})
    verdict = judge(REFERENCE, {"onnxruntime": part}, Tolerance())
    assert (verdict.status, "noise-3: there is no output" in verdict.reason) == ("failed", True)


def test_no_runtime_is_no_pass() -> None:
    assert judge(REFERENCE, {}, Tolerance()).status == "inconclusive"


def test_a_lifeless_reference_is_inconclusive_before_all() -> None:
    dead = {name: np.zeros_like(logits) for name, logits in REFERENCE.items()}
    run = Run("ran", "", "1.0", 0.1, dead)
    assert judge(dead, {"onnxruntime": run}, Tolerance()).status == "inconclusive"


def test_the_dictionary_has_every_figure() -> None:
    values = judge(REFERENCE, {"onnxruntime": RIGHT}, Tolerance()).to_dict()
    assert values["tolerance"] == {"relative": 1e-4, "top1": True, "top5": True}
    figures = values["runtimes"]["onnxruntime"]["comparisons"]["noise-3"]
    assert {"absolute_error", "relative_error", "cosine", "psnr", "top1", "top5"} < set(figures)

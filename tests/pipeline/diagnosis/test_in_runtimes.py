"""One file in two runtimes: a node that one of them has wrong, and a fusion of several."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from parity.diagnosis.difference import Values
from parity.diagnosis.graphs import Network, Part
from pipeline.diagnosis.in_runtimes import compare_runtimes
from pipeline.diagnosis.running import OPENVINO, UNOPTIMISED, DataSets, NotRunError, Runner, Side, side
from tests.pipeline.diagnosis.networks import right


class Faulty(Runner):
    """Computes with onnx itself, but for a runtime that has some operators wrong.

    It stands for a runtime with a fault, which none that is installed has to keep: all else is real.
    """

    fused: tuple[str, ...] = ()
    """Operators that it makes one of where they follow each other in what it is given, and has wrong then."""

    def run(self, part: Part, runtime: str, data_sets: DataSets) -> dict[str, dict[str, Values]]:
        model = onnx.ModelProto()
        model.CopyFrom(part.model)
        if runtime == OPENVINO:
            kinds = [node.op_type for node in model.graph.node]
            for start in range(len(kinds)):
                span = slice(start, start + len(self.fused))
                made = [name for node in model.graph.node[span][:-1] for name in node.output]
                seen = {value.name for value in model.graph.output}
                if tuple(kinds[span]) == self.fused and not seen.intersection(made):
                    last = model.graph.node[start + len(self.fused) - 1]
                    last.op_type = "Abs"
                    del last.attribute[:]
        evaluator = ReferenceEvaluator(model)
        ports = {value.name: name for value, name in zip(model.graph.input, part.inputs, strict=True)}
        computed = {}
        for data_set, tensors in data_sets.items():
            answers: Any = evaluator.run(None, {port: tensors[name] for port, name in ports.items()})
            computed[data_set] = dict(zip(part.outputs, answers, strict=True))
        return computed


DATA: DataSets = {"noise": {"image": np.random.default_rng(1).normal(size=(2, 3, 15, 15)).astype(np.float32)}}


@pytest.fixture
def file() -> Side:
    return side("the file", Network(right()), UNOPTIMISED, DATA)


def test_a_node_that_a_runtime_has_wrong_is_found(tmp_path: Path, file: Side) -> None:
    runner = Faulty(tmp_path, threading.Event())
    object.__setattr__(runner, "fused", ("LeakyRelu",))
    outcome = compare_runtimes(file, OPENVINO, DATA, 1e-4, runner)
    assert outcome.finding
    assert (outcome.finding.tensor, outcome.finding.others) == ("active", ("LeakyRelu",))


def test_nodes_that_are_wrong_only_together_are_found_together(tmp_path: Path, file: Side) -> None:
    runner = Faulty(tmp_path, threading.Event())
    object.__setattr__(runner, "fused", ("Add", "LeakyRelu"))
    outcome = compare_runtimes(file, OPENVINO, DATA, 1e-4, runner)
    assert outcome.finding
    assert [node.op_type for node in outcome.finding.nodes] == ["Add", "LeakyRelu"]
    assert sorted(outcome.finding.given) == ["pooled", "second"]
    assert outcome.text == "no node by itself shows it, this range of nodes does"


def test_a_runtime_that_does_not_run_the_file_is_named(tmp_path: Path, file: Side) -> None:
    class Refusing(Runner):
        def run(self, part: Part, runtime: str, data_sets: DataSets) -> dict[str, dict[str, Values]]:
            raise NotRunError(f"{runtime}: unsupported: there is no such operator")

    outcome = compare_runtimes(file, OPENVINO, DATA, 1e-4, Refusing(tmp_path, threading.Event()))
    assert (outcome.differs, outcome.finding) == (False, None)
    assert "unsupported: there is no such operator" in outcome.text


@pytest.mark.parametrize("runtime", [OPENVINO, "onnxruntime"])
def test_real_runtimes_agree_on_a_network_that_is_right(tmp_path: Path, file: Side, runtime: str) -> None:
    outcome = compare_runtimes(file, runtime, DATA, 1e-4, Runner(tmp_path, threading.Event()))
    assert (outcome.differs, outcome.text) == (False, "the outputs do not differ")
    assert list(tmp_path.iterdir()) == []

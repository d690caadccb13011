"""Quantised files: judged by exact arithmetic and as users run them, on any processor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser

from parity.compare import Array
from parity.exact import evaluate
from parity.file_marks import QUANTIZED_OPERATORS, may_hold
from parity.quantized import OPERATORS as QUANTISED
from parity.runtimes.interface import UnsupportedError
from parity.runtimes.registry import asked_at
from parity.saturation import make_unsigned, wants_precision
from parity.verdict import Verdict
from tests.parity import calls

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GENERATOR = np.random.default_rng(3)
WEIGHTS = GENERATOR.integers(60, 128, (6, 64)) * GENERATOR.choice([-1, 1], (6, 1))
INPUTS: dict[str, Array] = {"noise-3": GENERATOR.integers(100, 256, (3, 4, 4, 4)).astype(np.float32)}
PARAMETERS = (
    "float one = {1}, uint8 none = {0}, int8 middle = {0}, float step = {20000}, uint8 half = {128}, "
)
PARAMETERS += "int64[1] start = {0}"
COMPUTED = """n = Slice(a, start, start) i = Cast<to=6>(n) none_of_all = ReduceSum<keepdims=0>(i)
    j = Cast<to=6>(w) k = Add(j, none_of_all) c = Cast<to=3>(k)"""
"""The weights, with an addition of nothing, which no runtime knows before it has the data."""
UNIT = f"unit = Constant<value = int8[6,6] {{{','.join(map(str, np.eye(6, dtype=int).ravel()))}}}>()"
OPERATORS = {
    "integers": "q = QLinearMatMul(a, one, none, w, one, middle, step, half)",
    "floats between": """d = DequantizeLinear(a, one, none) v = DequantizeLinear(w, one, middle)
        p = MatMul(d, v) q = QuantizeLinear(p, step, half)""",
    "integers, computed at run time": f"""{COMPUTED}
        q = QLinearMatMul(a, one, none, c, one, middle, step, half)""",
    "floats between, computed at run time": f"""{COMPUTED}
        d = DequantizeLinear(a, one, none) v = DequantizeLinear(c, one, middle)
        p = MatMul(d, v) q = QuantizeLinear(p, step, half)""",
    "beside signed data": f"""{UNIT} o = QLinearMatMul(a, one, none, w, one, middle, step, half)
        p = DequantizeLinear(o, step, half) m = QuantizeLinear(p, step, middle)
        t = QLinearMatMul(m, step, middle, unit, one, middle, step, middle)
        u = DequantizeLinear(t, step, middle) q = QuantizeLinear(u, step, half)""",
    "dynamic, computed at run time": f"""{COMPUTED}
        s = MatMulInteger(a, c) r = Cast<to=1>(s) q = QuantizeLinear(r, step, half)""",
}


def test_every_quantised_operator_is_found_in_the_bytes_of_a_file(tmp_path: Path) -> None:
    for operator in sorted(QUANTISED):
        node = onnx.helper.make_node(operator, ["a"], ["b"])
        graph = onnx.helper.make_graph([node], "g", [], [])
        onnx.save(onnx.helper.make_model(graph), tmp_path / "model.onnx")
        assert may_hold(tmp_path / "model.onnx", QUANTIZED_OPERATORS), operator
    node = onnx.helper.make_node("Conv", ["a", "w"], ["b"])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [])), tmp_path / "model.onnx")
    assert not may_hold(tmp_path / "model.onnx", QUANTIZED_OPERATORS)


def network(operator: str, weights: Array = WEIGHTS) -> onnx.ModelProto:
    """Sums of products near 255 * 127, which 16 bits do not hold."""
    numbers = ",".join(map(str, weights.T.ravel()))
    return parser.parse_model(
        f"""<ir_version: 7, opset_import: ["": 12]>
        g (float[N,4,4,4] x) => (float[N,6] y) <{PARAMETERS}, int8[64,6] w = {{{numbers}}}> {{
            f = Flatten(x) a = QuantizeLinear(f, one, none) {OPERATORS[operator]}
            y = DequantizeLinear(q, step, half)
        }}"""
    )


def reference() -> dict[str, Array]:
    """The logits by integers of Python."""
    sums = INPUTS["noise-3"].reshape(3, 64).astype(int) @ WEIGHTS.T
    return {"noise-3": np.clip(np.rint(sums / 20000), -128, 127).astype(np.float32) * 20000}


def verdict(model: onnx.ModelProto, folder: Path) -> Verdict:
    onnx.save(model, folder / "m.onnx")
    return calls.verdict(folder / "m.onnx", 12, INPUTS, reference(), folder, quantized=True)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_right_file_passes_and_a_wrong_weight_does_not(operator: str, tmp_path: Path) -> None:
    result = verdict(network(operator), tmp_path)
    assert (result.status, result.reason, result.dissent) == ("passed", "", "")
    assert {name for name, runtime in result.runtimes.items() if runtime.agrees} >= {"exact", "onnxruntime"}
    (tmp_path / "wrong").mkdir()
    wrong = verdict(network(operator, np.where(WEIGHTS > 100, 50, WEIGHTS)), tmp_path / "wrong")
    assert wrong.status == "failed"
    assert not wrong.runtimes["exact"].agrees


def test_what_optimisations_make_wrong_does_not_pass(tmp_path: Path) -> None:
    """A weight in floats of very different channels, which ONNX Runtime quantises with one scale."""
    sizes = np.geomspace(1, 1e-3, 6)
    numbers = ",".join(f"{number:.9g}" for number in (WEIGHTS * sizes[:, None]).T.ravel())
    model = parser.parse_model(
        f"""<ir_version: 7, opset_import: ["": 12]>
        g (float[N,4,4,4] x) => (float[N,6] y)
        <float one = {{1}}, uint8 none = {{0}}, float step = {{20}}, uint8 half = {{128}},
         float back = {{20}}, float[64,6] w = {{{numbers}}}> {{
            f = Flatten(x) a = QuantizeLinear(f, one, none) d = DequantizeLinear(a, one, none)
            p = Gemm(d, w) q = QuantizeLinear(p, step, half) y = DequantizeLinear(q, back, half)
        }}"""
    )
    (logits,) = evaluate(model, {"x": INPUTS["noise-3"]})
    onnx.save(model, tmp_path / "m.onnx")
    references = {"noise-3": logits}
    result = calls.verdict(tmp_path / "m.onnx", 12, INPUTS, references, tmp_path, quantized=True)
    assert result.runtimes["exact"].agrees
    assert not result.runtimes["onnxruntime"].agrees
    assert result.status == "failed"


def test_exact_arithmetic_is_asked_about_quantised_files_alone() -> None:
    assert asked_at(12, quantized=True) == ("exact", "onnxruntime", "openvino")
    assert "exact" not in asked_at(12)
    assert "exact" not in asked_at(9, quantized=True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("y = com.other.Sum(a)", "com.other.Sum is not computed exactly"),
        (
            """c = Constant<value=bool {1}>() y = If(c) <
            then_branch = t () => (int32[2,2] u) { u = MatMulInteger(a, b) },
            else_branch = e () => (int32[2,2] v) { v = MatMulInteger(b, a) }>""",
            "MatMulInteger in a subgraph or function is not computed exactly",
        ),
    ],
)
def test_integers_that_are_not_seen_are_refused(body: str, words: str) -> None:
    stamp = '<ir_version: 7, opset_import: ["": 12, "com.other": 1]>'
    model = parser.parse_model(f"{stamp} g (uint8[2,2] a, uint8[2,2] b) => (int32[2,2] y) {{ {body} }}")
    values = {name: np.ones((2, 2), np.uint8) for name in "ab"}
    with pytest.raises(UnsupportedError, match=words):
        evaluate(model, values)


SIGNED = "QLinearMatMul(a, one, middle, w, one, middle, step, middle)"


@pytest.mark.parametrize(
    ("given", "body", "wanted"),
    [
        ("uint8[2,2] a", "y = Identity(a)", False),
        ("uint8[2,2] a", "y = QLinearMatMul(a, one, none, w, one, middle, step, half)", True),
        ("int8[2,2] a", f"y = {SIGNED}", False),
        (
            "int8[2,2] a",
            f"b = {SIGNED} d = DequantizeLinear(b, one) v = DequantizeLinear(w, one, middle) "
            "y = MatMul(d, v)",
            "is exact only with x64quantprecision",
        ),
        (
            "uint8[2,2] a, int8[2,2] r",
            "y = QLinearMatMul(a, one, none, r, one, middle, step, half)",
            "whose right operand is computed at run time",
        ),
        ("uint8[2,2] a, uint8[2,2] r", "y = QLinearMatMul(a, one, none, r, one, none, step, half)", True),
    ],
)
def test_what_keeps_onnxruntime_exact_where_the_processor_saturates(
    given: str, body: str, wanted: bool | str
) -> None:
    model = parser.parse_model(
        f'<ir_version: 7, opset_import: ["": 12]> g ({given}) => (float[2,2] y) '
        f"<{PARAMETERS}, int8[2,2] w = {{127,-127,1,100}}> {{ {body} }}"
    )
    if isinstance(wanted, str):
        with pytest.raises(UnsupportedError, match=wanted):
            wants_precision(model)
    else:
        assert wants_precision(model) is wanted


MADE = "QLinearMatMul(a, one, none, r, one, {zero}, step, half)"


@pytest.mark.parametrize(
    ("given", "body", "made"),
    [
        ("uint8[2,2] a, int8[2,2] r", f"y = {MADE.format(zero='middle')}", True),
        ("uint8[2,2] a, int8[2,2] r", "y = MatMulInteger(a, r)", True),
        ("uint8[2,2] a, int8[2,2] r", "y = MatMulInteger(a, r, none)", True),
        ("uint8[2,2] a, int8[2,2] r, int8 zero", f"y = {MADE.format(zero='zero')}", False),
        ("uint8[2,2] a, uint8[2,2] r", "y = MatMulInteger(a, r)", False),
        ("int8[2,2] a, int8[2,2] r", "y = MatMulInteger(a, r)", False),
        ("uint8[2,2] a", "y = MatMulInteger(a, w)", False),
        (
            "float[2,2] a, int8[2,2] r",
            "d = DequantizeLinear(r, one) b = MatMul(a, d) c = MatMul(b, d) y = MatMul(c, d)",
            True,
        ),
    ],
)
def test_operands_that_are_made_unsigned_leave_the_numbers(given: str, body: str, made: bool) -> None:
    kind = "int32" if "Integer" in body else "float" if "Dequantize" in body else "uint8"
    model = parser.parse_model(
        f'<ir_version: 7, opset_import: ["": 12]> g ({given}) => ({kind}[2,2] y) '
        f"<{PARAMETERS}, int8[2,2] w = {{127,-127,1,100}}> {{ {body} }}"
    )
    values: dict[str, Array] = {"a": np.array([[255, 1], [2, 3]]), "r": np.array([[-128, 127], [5, -7]])}
    inputs = {
        value.name: values[value.name].astype(onnx.helper.tensor_dtype_to_np_dtype(kind_of(value)))
        for value in model.graph.input
        if value.name in values
    }
    expected = None if "zero" in given else evaluate(model, inputs)
    assert make_unsigned(model) is made
    onnx.checker.check_model(model, full_check=True)
    if made:
        assert expected is not None
        np.testing.assert_array_equal(evaluate(model, inputs)[0], expected[0])
        assert wants_precision(model)


def kind_of(value: onnx.ValueInfoProto) -> int:
    return int(value.type.tensor_type.elem_type)


EMULATOR = shutil.which("qemu-x86_64")
ON_HASWELL = """
import sys
import numpy as np, onnx
from pathlib import Path
from parity.quantized import OPERATORS as QUANTISED
from parity.runtimes.interface import UnsupportedError
from parity.runtimes.registry import RUNTIMES
from parity.saturation import saturates
from tests.parity.test_quantized import INPUTS, OPERATORS, network, reference
assert saturates()
DATA_SETS = {name: [array] for name, array in INPUTS.items()}
for operator in OPERATORS:
    file = Path(sys.argv[1]) / "m.onnx"
    onnx.save(network(operator), file)
    for name in ("exact", "onnxruntime"):
        found = RUNTIMES[name].run(file, DATA_SETS, 1)
        np.testing.assert_array_equal(found["noise-3"][0], reference()["noise-3"])
    try:
        RUNTIMES["openvino"].run(file, DATA_SETS, 1)
        raise AssertionError("OpenVINO was asked")
    except UnsupportedError:
        pass
"""


@pytest.mark.skipif(EMULATOR is None, reason="qemu-x86_64 is not installed (Debian's package qemu-user)")
def test_a_processor_that_saturates_changes_no_number(tmp_path: Path) -> None:
    """Slow, and the only test that meets such a processor wherever it runs: a Haswell, emulated."""
    assert EMULATOR is not None
    command = [EMULATOR, "-cpu", "Haswell", sys.executable, "-c", ON_HASWELL, str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)

"""Graphs in which a range, a bias or a name would go wrong without a word."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from parity.exact import evaluate
from quantization.calibration import calibrate
from quantization.folding import fold_batch_normalization, named
from quantization.ranges import ranges_of
from quantization.writer import FORMS, Form, tensors_to_calibrate, write_quantized
from tests.quantization.networks import Array, error, pictures, run

HEADER = '<ir_version: 5, opset_import: ["": 12]>\n'
DATA = pictures(16)


def _weight(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(text: str, **values: Array) -> onnx.ModelProto:
    model = named(parser.parse_model(HEADER + text))
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in values.items())
    return model


def _quantized(model: onnx.ModelProto, form: Form) -> onnx.ModelProto:
    histograms = calibrate(model, tensors_to_calibrate(model), lambda: [DATA], 1)
    result = write_quantized(model, ranges_of(histograms, "minmax", 100), form)
    onnx.checker.check_model(result, full_check=True)
    return result


def _error(model: onnx.ModelProto, form: Form) -> float:
    return error(run(model, DATA), evaluate(_quantized(model, form), {"x": DATA})[0])


def _joined(first: str, second: str) -> onnx.ModelProto:
    """Two convolutions, each behind an activation, that are joined behind a MaxPool and without one."""
    text = f"""g (float[N,3,16,16] x) => (float[N,8,15,15] y) {{
        a = Conv(x, w1) b = {first} p = MaxPool<kernel_shape=[2,2]>(b)
        c = Conv(x, w2) d = {second} y = Concat<axis=1>(p, d)
    }}"""
    bounds = {name: np.array(value, np.float32) for name, value in (("zero", 0), ("one", 1), ("six", 6))}
    return _model(text, w1=_weight(4, 3, 1, 1), w2=_weight(4, 3, 2, 2, seed=1), **bounds)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Relu(a)", "Identity(c)"),
        ("Relu(a)", "Clip(c, zero, six)"),
        ("Clip(a, zero, one)", "Relu(c)"),
        ("Clip(a, zero, one)", "Clip(c, zero, six)"),
    ],
)
def test_a_shared_range_never_undoes_an_activation(form: Form, first: str, second: str) -> None:
    assert _error(_joined(first, second), form) < 0.06


def test_activations_of_one_range_still_share_their_bytes() -> None:
    result = _quantized(_joined("Clip(a, zero, six)", "Clip(c, zero, six)"), "int8")
    kinds = Counter(node.op_type for node in result.graph.node)
    assert (kinds["DequantizeLinear"], kinds["Clip"]) == (1, 0)


@pytest.mark.parametrize("form", FORMS)
def test_a_channel_with_weights_of_almost_0_keeps_its_bias(form: Form) -> None:
    weight = _weight(4, 3, 1, 1)
    weight[2] *= 1e-10
    bias = np.array([0.1, 0.2, 3, 0.1], np.float32)
    text = "g (float[N,3,16,16] x) => (float[N,4,16,16] y) { a = Conv(x, w, b) y = Relu(a) }"
    assert _error(_model(text, w=weight, b=bias), form) < 0.03


@pytest.mark.parametrize("form", FORMS)
def test_names_that_the_model_has_already_are_not_taken_again(form: Form) -> None:
    text = """g (float[N,3,16,16] x) => (float[N,4,1,1] y) {
        [n] a_quantized = Conv(x, n_weight_scale) a = Mul(a_quantized, a_scale) [o] b = Conv(a, one)
        c = BatchNormalization(b, o_folded_bias, t, t, v) d = GlobalAveragePool(c) [m] y = Conv(d, x_scale)
    }"""
    model = _model(
        text,
        n_weight_scale=_weight(4, 3, 1, 1), a_scale=_weight(4, 1, 1), one=_weight(4, 4, 1, 1),
        o_folded_bias=np.ones(4, np.float32), t=np.zeros(4, np.float32), v=np.ones(4, np.float32),
        x_scale=_weight(4, 4, 1, 1),
    )  # fmt: skip
    assert _error(model, form) < 0.1
    folded = fold_batch_normalization(model)
    onnx.checker.check_model(folded, full_check=True)
    assert error(run(model, DATA), run(folded, DATA)) < 1e-5
    assert _error(folded, form) < 0.1

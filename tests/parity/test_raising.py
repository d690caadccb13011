"""The way back up from opsets 3 to 6: each rule against its definition, and third-party models."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper, parser
from onnx.reference import ReferenceEvaluator

from parity.raising import raise_to_9
from parity.runtimes import onnxruntime_raised
from parity.runtimes.interface import InvalidModelError, UnsupportedError

Values = npt.NDArray[np.float32]
X: Values = np.random.default_rng(5).normal(size=(2, 3, 4, 4)).astype(np.float32)
VECTOR: Values = np.array([0.5, 2, 3], np.float32)
PART: Values = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
THREE = "three = Constant<value = float[1] {3}>()"
ONE = "one = Constant<value = float[1] {1}>()"
STEPS = f"""{ONE} unit = Reshape<shape = [1, 1, 1]>(one) steps = Reshape<shape = [-1, 1, 1]>(x)
    y = RNN<hidden_size = 1, activations = ["Relu"], output_sequence = 1>(steps, unit, unit)"""
RUNNING: Values = np.array(
    list(itertools.accumulate([0, *X.reshape(-1)], lambda state, step: max(state + step, np.float32(0))))[1:],
    np.float32,
).reshape(-1, 1, 1, 1)


def model(opset: int, body: str, **weights: Values) -> onnx.ModelProto:
    """A graph from ``x``, float32 (N, 3, 4, 4), to ``y``; weights are inputs too, as IR 3 wants."""
    listed = "".join(f", float[{','.join(map(str, w.shape))}] {name}" for name, w in weights.items())
    header = f'<ir_version: 3, opset_import: ["": {opset}, "other": 1]>'
    parsed = parser.parse_model(f"{header} g (float[N,3,4,4] x{listed}) => (float[A,B] y) {{ {body} }}")
    parsed.graph.initializer.extend(numpy_helper.from_array(w, name) for name, w in weights.items())
    return parsed


def run(folder: Path, old: onnx.ModelProto, x: Values = X) -> Values:
    old.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(old, folder / "old.onnx")
    return onnxruntime_raised.run(folder / "old.onnx", {"noise-2": [x]}, 1)["noise-2"][0]


@pytest.mark.parametrize(
    ("opset", "body", "weights", "expected"),
    [
        (3, "y = Add<broadcast = 1, axis = 1>(x, w)", VECTOR, X + VECTOR[:, None, None]),
        (6, "y = Sub<broadcast = 1, axis = 1>(x, w)", PART, X - PART[:, :, None]),
        (6, "y = Mul<broadcast = 1>(x, w)", PART[0], X * PART[0]),
        (4, "y = Div<broadcast = 1>(x, w)", VECTOR[:1], X / VECTOR[0]),
        (6, "y = Div<broadcast = 1, axis = 0>(x, w)", VECTOR[:2], X / VECTOR[:2, None, None, None]),
        (6, "r = Relu(x) y = Pow<broadcast = 1, axis = 1>(r, w)", VECTOR, None),
        (5, "y = PRelu(x, w)", VECTOR, np.where(X > 0, X, X * VECTOR[:, None, None])),
        (6, "y = PRelu(x, w)", VECTOR[:1], np.where(X > 0, X, X * VECTOR[0])),
        (3, "y = Reshape<shape = [0, -1]>(x)", None, X.reshape(2, 48)),
        (3, "y = Concat(x, x)", None, np.concatenate([X, X], 1)),
        (6, "y = Concat<axis = 2>(x, x)", None, np.concatenate([X, X], 2)),
        (
            3,
            'b = Greater<broadcast = 1>(x, w) y = Cast<to = "FLOAT">(b)',
            VECTOR[:1],
            np.greater(X, VECTOR[0]),
        ),
        (6, "b = Less<broadcast = 1>(x, w) y = Cast<to = 1>(b)", VECTOR[:1], np.less(X, VECTOR[0])),
        (3, "y = Relu<consumed_inputs = [0]>(x)", None, np.maximum(X, 0)),
        (6, "y, mask = Dropout<is_test = 1>(x)", None, None),
        (6, "y = Dropout<is_test = 1>(x)", None, X),
        (6, "y = Upsample<height_scale = 2.0, width_scale = 3.0>(x)", None, X.repeat(2, 2).repeat(3, 3)),
        (6, "y = Max(x, x)", None, X),
        (5, f"{THREE} {ONE} y = Tile(x, three, one)", None, np.tile(X, (1, 3, 1, 1))),
        (
            3,
            f"{THREE} {ONE} s = Squeeze<axes=[0]>(one) y = Tile(x, three, s)",
            None,
            np.tile(X, (1, 3, 1, 1)),
        ),
        (4, STEPS, None, RUNNING),
    ],
)
def test_each_rule_keeps_the_meaning(
    opset: int, body: str, weights: Values | None, expected: Values | None, tmp_path: Path
) -> None:
    old = model(opset, body, **({} if weights is None else {"w": weights}))
    if "Pow" in body:
        expected = np.maximum(X, 0) ** VECTOR[:, None, None]
    if expected is None:
        with pytest.raises(InvalidModelError, match="form for training"):
            run(tmp_path, old)
    else:
        np.testing.assert_allclose(run(tmp_path, old), np.asarray(expected, np.float32), rtol=1e-5)


@pytest.mark.parametrize(
    ("opset", "body", "weights", "words"),
    [
        (
            6,
            "y = Add(x, w)",
            VECTOR[:1],
            r"Add 'y' broadcasts as its opset does not: .*'N', 3, 4, 4\] and \[1\]",
        ),
        (6, "y = Add<broadcast = 1>(x, w)", VECTOR, "broadcasts as its opset does not"),
        (6, "y = Add<broadcast = 1>(x, w)", VECTOR[:, None, None], "broadcasts as its opset does not"),
        (6, "y = Add<broadcast = 1>(w, x)", PART[0], "broadcasts as its opset does not"),
        (6, "y = Add<broadcast = 1, axis = -3>(x, w)", VECTOR, "negative axis"),
        (6, "y = Max(x, w)", VECTOR[:1], "broadcasts as its opset does not"),
        (6, "f = Flatten(x) y = Gemm<transB = 1>(f, f, w)", PART[0], "Gemm 'y' broadcasts"),
        (6, "y = Softmax<axis = -1>(x)", None, "has a negative axis, which opset 6 does not know"),
        (6, "y = ReduceMean<axes = [2, -1]>(x)", None, "has a negative axis"),
        (6, "y = Erf(x)", None, "opset 6 has no operator Erf"),
        (4, "y = Reshape(x, w)", VECTOR, "Reshape 'y' has no attribute shape"),
        (6, "y = Dropout(x)", None, "form for training"),
        (6, "y = BatchNormalization(x, w, w, w, w)", VECTOR, "form for training"),
        (5, "y = Clip(x, w)", VECTOR[:1], "Clip"),
        (6, "y = Relu<other = 1>(x)", None, "other"),
        (4, STEPS.replace(", output_sequence = 1", ""), None, "no output_sequence to ask for it"),
    ],
)
def test_what_breaks_a_rule_of_its_opset_is_invalid(
    opset: int, body: str, weights: Values | None, words: str, tmp_path: Path
) -> None:
    old = model(opset, body, **({} if weights is None else {"w": weights}))
    with pytest.raises(InvalidModelError, match=words):
        run(tmp_path, old)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("y = Nothing(x)", "Nothing is not an operator of onnx"),
        ("y = other.Relu(x)", r"other\.Relu: other domains and subgraphs are not raised"),
        ("y = Selu(x)", "Selu of version 1 is not raised"),
        ("y = BatchNormalization<is_test = 1, spatial = 0>(x, x, x, x, x)", "spatial"),
    ],
)
def test_what_cannot_be_raised_is_unsupported(body: str, words: str) -> None:
    old = model(5, body)
    with pytest.raises(UnsupportedError, match=words):
        raise_to_9(old)


def test_the_raised_model_is_one_of_opset_9() -> None:
    raised = model(3, "s = Add<broadcast = 1, axis = 1>(x, w) y = Reshape<shape = [0, -1]>(s)", w=VECTOR)
    raise_to_9(raised)
    onnx.checker.check_model(raised, full_check=True)
    assert (raised.opset_import[0].version, raised.ir_version) == (9, 4)
    assert [value.name for value in raised.graph.input] == ["x"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_any_contiguous_part_is_broadcast_to_where_it_lies(shape: list[int], data: st.DataObject) -> None:
    """A second operand of the shape ``shape[axis:axis + length]`` lines up with those axes."""
    axis = data.draw(st.integers(0, len(shape) - 1))
    length = data.draw(st.integers(1, len(shape) - axis))
    part = shape[axis : axis + length]
    dimensions = [",".join(map(str, lengths)) for lengths in (shape, part)]
    raised = parser.parse_model(
        f'<ir_version: 3, opset_import: ["": 6]> g (float[{dimensions[0]}] a, float[{dimensions[1]}] b) '
        f"=> (float[{dimensions[0]}] y) {{ y = Add<broadcast = 1, axis = {axis}>(a, b) }}"
    )
    raise_to_9(raised)
    a = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    b = 100 * np.arange(np.prod(part), dtype=np.float32).reshape(part)
    evaluator = ReferenceEvaluator(raised)
    [actual] = evaluator.run(None, {"a": a, "b": b})
    np.testing.assert_array_equal(actual, a + b.reshape([*part, *[1] * (len(shape) - axis - length)]))


EARLY_PYTORCH = Path(onnx.__file__).parent / "backend/test/data"
INVALID = {
    "test_GLU": "negative axis",
    "test_log_softmax_lastdim": "negative axis",
    "test_MaxPool1d_stride_padding_dilation": "dilations",
    "test_MaxPool2d_stride_padding_dilation": "dilations",
}
"""Models of the onnx package that are not what their opset allows, and why."""


def _tensor(path: Path) -> Values:
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    array: Values = numpy_helper.to_array(tensor)
    return array


def _early_pytorch() -> list[Path]:
    """The models of opset 6 with one input, whose outputs early PyTorch computed."""
    folders = []
    for folder in sorted(
        [*EARLY_PYTORCH.glob("pytorch-converted/*"), *EARLY_PYTORCH.glob("pytorch-operator/*")]
    ):
        graph = onnx.load(folder / "model.onnx").graph
        weights = {tensor.name for tensor in graph.initializer}
        if len([value for value in graph.input if value.name not in weights]) == len(graph.output) == 1:
            folders.append(folder)
    return folders


@pytest.mark.parametrize("folder", _early_pytorch(), ids=lambda folder: folder.name)
def test_models_of_early_pytorch_compute_what_it_computed(folder: Path) -> None:
    data = folder / "test_data_set_0"
    x, expected = _tensor(data / "input_0.pb"), _tensor(data / "output_0.pb")
    if folder.name in INVALID:
        with pytest.raises(InvalidModelError, match=INVALID[folder.name]):
            onnxruntime_raised.run(folder / "model.onnx", {"x": [x]}, 1)
        return
    actual = onnxruntime_raised.run(folder / "model.onnx", {"x": [x]}, 1)["x"][0]
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-5)


def test_the_models_of_early_pytorch_are_there() -> None:
    assert len(_early_pytorch()) > 100

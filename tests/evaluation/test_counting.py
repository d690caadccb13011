"""Parameters and multiply-adds: by hand, the same at every opset, and without reading the weights."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper, parser

import opsets
from evaluation.counting import Figures, MultiplyAdds, count_figures

OPSETS = (12, 9, 7, 3)
GENERATOR = np.random.default_rng(0)


def drawn(*shape: int) -> npt.NDArray[np.float32]:
    return GENERATOR.normal(size=shape).astype(np.float32)


def model(text: str, opset: int = 12, **constants: npt.NDArray[np.generic]) -> onnx.ModelProto:
    network = parser.parse_model(f'<ir_version: 7, opset_import: ["": {opset}]> {text}')
    network.graph.initializer.extend(
        numpy_helper.from_array(array, name) for name, array in constants.items()
    )
    return network


def counted(network: onnx.ModelProto, folder: Path) -> Figures:
    """The figures of a file, which have to be those of the model in memory."""
    onnx.save(network, folder / "model.onnx")
    figures = count_figures(opsets.read_graph(folder / "model.onnx"))
    assert figures == count_figures(network)
    return figures


def at_all_opsets(network: onnx.ModelProto, folder: Path) -> Figures:
    """The figures, which have to be the same at every opset."""
    figures = {opset: counted(opsets.retarget(network, opset), folder) for opset in OPSETS}
    assert figures == dict.fromkeys(OPSETS, figures[12])
    return figures[12]


CONVOLUTIONS = """
net (float[N, 6, 20, 16] x) => (float[N, 10] y) {
  first = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (x, w1, b1)
  normal = BatchNormalization (first, scale, shift, mean, variance)
  active = Relu (normal)
  second = Conv <group = 4, dilations = [2, 2], pads = [2, 2, 2, 2]> (active, w2)
  wide = ConvTranspose <strides = [2, 2], group = 2> (second, w3, b3)
  pooled = GlobalAveragePool (wide)
  flat = Flatten (pooled)
  y = Gemm <transB = 1> (flat, w4, b4)
}"""


def test_a_network_of_convolutions_as_counted_by_hand(tmp_path: Path) -> None:
    network = model(
        CONVOLUTIONS,
        w1=drawn(8, 6, 3, 3),  # output 10 x 8
        b1=drawn(8),
        scale=np.ones(8, np.float32),
        shift=np.zeros(8, np.float32),
        mean=drawn(8),
        variance=np.abs(drawn(8)),
        w2=drawn(12, 2, 3, 3),  # output 10 x 8: a 3 x 3 kernel with dilation 2 reaches over 5 x 5
        w3=drawn(12, 3, 2, 2),  # two groups of 3 channels
        b3=drawn(6),
        w4=drawn(10, 6),
        b4=drawn(10),
    )
    figures = at_all_opsets(network, tmp_path)
    first, second = 80 * 8 * 6 * 9, 80 * 12 * 2 * 9
    transposed = 80 * 12 * 3 * 4  # every input element goes to 3 channels of a 2 x 2 patch
    assert figures.multiply_adds == MultiplyAdds(first + second + transposed, 6 * 10)
    assert figures.parameters == (432 + 8) + (8 + 8) + 216 + (144 + 6) + (60 + 10)


ATTENTION = """
net (float[N, 3, 8, 8] x) => (float[N, 5] y) {
  patches = Conv <kernel_shape = [2, 2], strides = [2, 2]> (x, patch)
  rows = Reshape (patches, to_rows)
  sequence = Transpose <perm = [0, 2, 1]> (rows)
  placed = Add (sequence, position)
  mean = ReduceMean <axes = [-1]> (placed)
  centred = Sub (placed, mean)
  squared = Mul (centred, centred)
  variance = ReduceMean <axes = [-1]> (squared)
  safe = Add (variance, epsilon)
  deviation = Sqrt (safe)
  normal = Div (centred, deviation)
  scaled = Mul (normal, gamma)
  keys = MatMul (scaled, key)
  turned = Transpose <perm = [0, 2, 1]> (keys)
  scores = MatMul (scaled, turned)
  shares = Softmax <axis = 2> (scores)
  mixed = MatMul (shares, scaled)
  averaged = ReduceMean <axes = [1], keepdims = 0> (mixed)
  y = MatMul (averaged, head)
}"""


def test_attention_counts_products_of_computed_tensors_apart(tmp_path: Path) -> None:
    network = model(
        ATTENTION,
        patch=drawn(6, 3, 2, 2),
        to_rows=np.array([0, 6, -1]),
        position=drawn(1, 16, 6),
        epsilon=np.array(1e-6, np.float32),
        gamma=drawn(6),
        key=drawn(6, 6),
        head=drawn(6, 5),
    )
    figures = at_all_opsets(network, tmp_path)
    products = 16 * 16 * 6 + 16 * 6 * 16
    assert figures.multiply_adds == MultiplyAdds(16 * 6 * 12, 16 * 6 * 6 + 6 * 5, products)
    assert figures.parameters == 72 + 96 + 6 + 36 + 30


def test_copying_along_axes_below_7_is_neither_learned_nor_a_multiply_add(tmp_path: Path) -> None:
    network = model(
        "net (float[N, 4, 6, 6] x) => (float[N, 4, 6, 6] y) {"
        "  pooled = GlobalAveragePool (x)  gate = Sigmoid (pooled)  gated = Mul (x, gate)"
        "  y = Mul (gated, gamma) }",
        gamma=drawn(4, 1, 1),
    )
    below = opsets.retarget(network, 3)
    assert "MatMul" in {node.op_type for node in below.graph.node}
    assert at_all_opsets(network, tmp_path) == Figures(4, MultiplyAdds())


def test_a_gemm_without_bias_gets_no_parameters_below_11(tmp_path: Path) -> None:
    network = model("net (float[N, 6] x) => (float[N, 5] y) { y = Gemm (x, w) }", w=drawn(6, 5))
    assert len(opsets.retarget(network, 9).graph.initializer) == 2
    assert at_all_opsets(network, tmp_path) == Figures(30, MultiplyAdds(0, 30))


def test_einsum_is_counted_as_what_stands_for_it_below_12(tmp_path: Path) -> None:
    network = model(
        "net (float[N, 2, 7, 4] x) => (float[N, 2, 7, 7] y) {"
        '  y = Einsum <equation = "nhqd,nhkd->nhqk"> (x, x) }'
    )
    assert at_all_opsets(network, tmp_path).multiply_adds == MultiplyAdds(matrix_products=2 * 7 * 7 * 4)


def test_constants_of_a_normalisation_without_parameters_are_not_learned(tmp_path: Path) -> None:
    """As exporters write a group normalisation: ones and zeros for the instances, then what is learned."""
    network = model(
        "net (float[N, 4, 6, 6] x) => (float[N, 4, 6, 6] y) {"
        "  grouped = Reshape (x, to_groups)  normal = InstanceNormalization (grouped, ones, zeros)"
        "  whole = Reshape (normal, back)  scaled = Mul (whole, gamma)  y = Clip (scaled, low, high) }",
        to_groups=np.array([0, 2, -1]),
        back=np.array([0, 4, 6, 6]),
        ones=np.ones(2, np.float32),
        zeros=np.zeros(2, np.float32),
        gamma=drawn(4, 1, 1),
        low=np.array(0, np.float32),
        high=np.array(6, np.float32),
    )
    assert at_all_opsets(network, tmp_path) == Figures(4, MultiplyAdds())


def test_interpolating_with_matrices_below_11_is_neither_learned_nor_a_multiply_add(tmp_path: Path) -> None:
    network = model(
        "net (float[N, 4, 6, 6] x) => (float[N, 5] y) {"
        '  larger = Resize <mode = "linear", coordinate_transformation_mode = "align_corners">'
        "    (x, region, scales)"
        "  pooled = GlobalAveragePool (larger)  flat = Flatten (pooled)  y = MatMul (flat, w) }",
        region=np.zeros(0, np.float32),
        scales=np.array([1, 1, 2, 2], np.float32),
        w=drawn(4, 5),
    )
    assert "MatMul" in [node.op_type for node in opsets.retarget(network, 9).graph.node][:-1]
    assert at_all_opsets(network, tmp_path) == Figures(20, MultiplyAdds(0, 20))


def test_shared_weights_count_once_and_products_each_time(tmp_path: Path) -> None:
    network = model(
        "net (float[N, 6] x) => (float[N, 6] y) { once = MatMul (x, w)  y = MatMul (once, w) }", w=drawn(6, 6)
    )
    assert counted(network, tmp_path) == Figures(36, MultiplyAdds(0, 72))


def test_what_is_computed_of_constants_is_no_work_for_a_picture(tmp_path: Path) -> None:
    network = model(
        "net (float[N, 6] x) => (float[N, 6] y) { both = MatMul (u, v)  y = MatMul (x, both) }",
        u=drawn(6, 3),
        v=drawn(3, 6),
    )
    assert counted(network, tmp_path) == Figures(36, MultiplyAdds(0, 36))


def test_figures_are_for_one_picture_whatever_the_batch(tmp_path: Path) -> None:
    network = model("net (float[8, 6] x) => (float[8, 5] y) { y = MatMul (x, w) }", w=drawn(6, 5))
    assert counted(network, tmp_path).multiply_adds == MultiplyAdds(0, 30)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("net (float[N, L, 6] x) => (float[N, L, 5] y) { y = MatMul (x, w) }", "shape of x"),
        (
            "net (float[L, N, 6] x) => (float[L, D, N, 5] y) { y = LSTM <hidden_size = 5> (x, w, r) }",
            "multiply-adds of LSTM",
        ),
    ],
)
def test_what_cannot_be_counted_is_said(tmp_path: Path, text: str, reason: str) -> None:
    figures = counted(model(text, w=drawn(6, 5), r=drawn(1, 20, 5)), tmp_path)
    assert figures.multiply_adds is None
    assert reason in figures.unknown


def test_weights_are_not_read(tmp_path: Path) -> None:
    network = model("net (float[N, 4096] x) => (float[N, 4096] y) { y = MatMul (x, w) }", w=drawn(4096, 4096))
    onnx.save(network, tmp_path / "model.onnx")
    tracemalloc.start()
    try:
        figures = count_figures(opsets.read_graph(tmp_path / "model.onnx"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert figures.parameters == 4096 * 4096
    assert peak < (4096 * 4096 * 4) / 20


def test_weights_beside_the_model_count_too(tmp_path: Path) -> None:
    network = model("net (float[N, 64] x) => (float[N, 64] y) { y = MatMul (x, w) }", w=drawn(64, 64))
    onnx.save(
        network, tmp_path / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0
    )
    graph = opsets.read_graph(tmp_path / "model.onnx")
    assert count_figures(graph) == Figures(4096, MultiplyAdds(0, 4096))

"""What ONNX Runtime's own quantiser writes, brought down: equal as it is written, and as users run it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

from opsets import retarget
from tests.opsets.comparing import Array, assert_same_numbers, noise, parse, run, run_onnxruntime

CONV = "y = Conv<kernel_shape=[3,3]>(x, w, b)"
NETWORKS = {
    "conv": ("float[N,4,4,4]", "float[4,3,3,3] w, float[4] b", CONV),
    "gemm": ("float[N,4]", "float[108,4] w, float[4] b", "f = Flatten(x) y = Gemm(f, w, b)"),
    "batch normalization": (
        "float[N,3,6,6]",
        "float[3] w, float[3] b, float[3] m, float[3] v",
        "y = BatchNormalization(x, w, b, m, v)",
    ),
}
IMAGES: Array = noise((2, 3, 6, 6))


class Images(CalibrationDataReader):  # type: ignore[misc]
    """The images, once."""

    def __init__(self) -> None:
        self.left = [{"x": IMAGES}]

    def get_next(self) -> dict[str, Array] | None:
        return self.left.pop() if self.left else None


def quantized(network: str, per_channel: bool, folder: Path) -> onnx.ModelProto:
    """The network at opset 13 with weights of very different size per channel, in QDQ form."""
    output, weights, body = NETWORKS[network]
    model = parse(13, f"g (float[N,3,6,6] x, {weights}) => ({output} y) {{ {body} }}")
    for seed, value in enumerate(list(model.graph.input)[1:]):
        shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        channels = [-1] + [1] * (len(shape) - 1) if network == "conv" else [1] * (len(shape) - 1) + [-1]
        sizes = np.geomspace(0.05, 1, shape[0 if network == "conv" else -1]).reshape(channels)
        array = (np.abs(noise(tuple(shape), np.float32, seed)) * sizes).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
    del model.graph.input[1:]
    onnx.save(model, folder / "float.onnx")
    quantize_static(
        folder / "float.onnx",
        folder / "quantized.onnx",
        Images(),
        per_channel=per_channel,
        activation_type=QuantType.QUInt8,
        op_types_to_quantize=["Conv", "Gemm", "BatchNormalization"],
    )
    return onnx.load(folder / "quantized.onnx")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("network", NETWORKS)
def test_quantised_networks_come_down(network: str, per_channel: bool, tmp_path: Path) -> None:
    model = quantized(network, per_channel, tmp_path)
    assert "DequantizeLinear" in {node.op_type for node in model.graph.node}
    for target in (12, 11, 10, 9, 7, 3):
        lowered = retarget(model, target)
        assert_same_numbers(model, lowered, {"x": IMAGES}, tolerance=2e-6)
        if target >= 10:
            assert {"QuantizeLinear", "DequantizeLinear"} < {node.op_type for node in lowered.graph.node}


def test_no_optimisation_quantises_a_scale_per_channel_again(tmp_path: Path) -> None:
    """Computed by a Cast, such weights are taken for floats that somebody forgot to quantise."""
    lowered = retarget(parse(13, PER_CHANNEL), 12)
    (written,) = run(lowered, {"x": IMAGES})
    (used,) = run_onnxruntime(lowered, {"x": IMAGES}, as_written=False)
    assert np.abs(used - written).max() < 0.31 < np.abs(written).max() / 50
    broken = onnx.ModelProto()
    broken.CopyFrom(lowered)
    (node,) = [node for node in broken.graph.node if node.name == "weights"]
    node.op_type, attribute = "Cast", onnx.helper.make_attribute("to", 1)
    node.attribute.append(attribute)
    del node.input[1:]
    (requantised,) = run_onnxruntime(broken, {"x": IMAGES}, as_written=False)
    assert np.abs(requantised - written).max() > 0.31


SIZES = np.random.default_rng(5).integers(-127, 128, (4, 3, 3, 3))
PER_CHANNEL = f"""g (float[N,3,6,6] x) => (float[N,4,4,4] y)
<float s = {{0.05}}, uint8 p = {{128}}, int8[4,3,3,3] w = {{{",".join(map(str, SIZES.ravel()))}}},
 float[4] t = {{0.001,0.004,0.02,0.08}}, float u = {{0.3}}, uint8 q = {{100}}> {{
    a = QuantizeLinear(x, s, p) b = DequantizeLinear(a, s, p)
    [weights] v = DequantizeLinear<axis=0>(w, t)
    c = Conv(b, v) d = QuantizeLinear(c, u, q) y = DequantizeLinear(d, u, q)
}}"""

"""Operators of Paddle with their attributes, each against what Paddle computes.

All of them are branches of one network, so that it is saved and converted once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from tests.converters.conftest import RunIn, run_lines

pytestmark = pytest.mark.paddle

SHAPE = (2, 4, 8, 9)
Computed = dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
OPERATORS = {
    # Activations, with other than their default attributes.
    "celu": "nn.CELU(0.8)",
    "elu": "nn.ELU(0.7)",
    "gelu": "nn.GELU()",
    "gelu_tanh": "nn.GELU(approximate=True)",
    "hardshrink": "nn.Hardshrink(0.7)",
    "hardswish": "nn.Hardswish()",
    "hardsigmoid": "lambda x: F.hardsigmoid(x, 0.25, 0.4)",
    "hardtanh": "nn.Hardtanh(-0.3, 0.4)",
    "leaky_relu": "nn.LeakyReLU(0.3)",
    "log_softmax": "nn.LogSoftmax(1)",
    "maxout": "nn.Maxout(2)",
    "mish": "nn.Mish()",
    "prelu": "nn.PReLU(4, 0.3)",
    "prelu_slashes": "nn.PReLU(4, 0.2, weight_attr=paddle.ParamAttr('block_1/act/slope'))",
    "relu6": "nn.ReLU6()",
    "rrelu": "nn.RReLU(0.1, 0.4)",
    "selu": "nn.SELU(1.2, 1.7)",
    "silu": "nn.Silu()",
    "softmax": "nn.Softmax(1)",
    "softplus": "nn.Softplus()",
    "softplus_beta": "nn.Softplus(2.0)",
    "softplus_threshold": "nn.Softplus(1.0, 0.5)",
    "softshrink": "nn.Softshrink(0.7)",
    "stanh": "lambda x: paddle.stanh(x, 0.5, 1.3)",
    "swish": "nn.Swish()",
    "thresholded_relu": "nn.ThresholdedReLU(0.6)",
    "thresholded_relu_value": "nn.ThresholdedReLU(0.6, 0.2)",
    # Normalisations, whose epsilon is of the size of what it is added to.
    "batch_norm": "nn.BatchNorm2D(4, epsilon=0.1)",
    "group_norm": "nn.GroupNorm(2, 4, epsilon=0.1)",
    "instance_norm": "nn.InstanceNorm2D(4, epsilon=0.1)",
    "layer_norm": "lambda x: F.layer_norm(x * 0.03, 9, epsilon=0.001)",
    "local_response_norm": "nn.LocalResponseNorm(3, alpha=0.1, beta=0.6, k=1.5)",
    "group_norm_of_a_line": "lambda x: F.group_norm(x[:, :, 0], 2, 0.1)",
    "normalize": "lambda x: F.normalize(x, 2, 1)",
    "norm_of_order_infinity": "lambda x: paddle.norm(x, float('inf'), 1)",
    # Arithmetic with numbers.
    "addmm": "lambda x: paddle.addmm(x[0, 0, :, :8], x[0, 1, :, :8], x[0, 2, :, :8], 0.3, 0.7)",
    "amax": "lambda x: paddle.amax(x, [1, 3])",
    "amin": "lambda x: paddle.amin(x, 2, keepdim=True)",
    "clip": "lambda x: paddle.clip(x, -0.3, 0.4)",
    "clip_above": "lambda x: paddle.clip(x, max=0.3)",
    "dropout": "nn.Dropout(0.3, mode='downscale_in_infer')",
    "expm1": "paddle.expm1",
    "full_like": "lambda x: x + paddle.full_like(x, 0.3)",
    "large_integers": "lambda x: x + (paddle.full([9], 16777217, 'int64') % 10).astype('float32')",
    "label_smooth": "lambda x: F.label_smooth(x, epsilon=0.2)",
    "lerp": "lambda x: paddle.lerp(x, x * x, 0.3)",
    "logit": "lambda x: paddle.logit(F.sigmoid(x), 0.3)",
    "masked_fill": "lambda x: paddle.masked_fill(x, x > 0, 0.7)",
    "pow": "lambda x: paddle.pow(paddle.abs(x), 1.7)",
    "scale": "lambda x: paddle.scale(x, 1.3, 0.7, bias_after_scale=False)",
    # Padding.
    "pad": "nn.Pad2D([1, 2, 3, 0], value=0.3)",
    "pad_reflect": "nn.Pad2D([1, 2, 3, 0], mode='reflect')",
    "pad_replicate": "nn.Pad2D([1, 2, 3, 0], mode='replicate')",
    "pad_all_axes": "lambda x: F.pad(x, [0, 0, 1, 1, 2, 0, 0, 3], value=0.7)",
    # Pooling.
    "average": "nn.AvgPool2D(3, 2, 1)",
    "average_ceil": "nn.AvgPool2D(3, 2, 1, ceil_mode=True)",
    "average_with_padding": "nn.AvgPool2D(3, 2, 1, exclusive=False)",
    "average_of_five": "nn.AvgPool2D(3, 2, 1, divisor_override=5)",
    "maximum": "nn.MaxPool2D(3, 2, [0, 1, 2, 1])",
    "maximum_ceil": "nn.MaxPool2D(2, 2, ceil_mode=True)",
    "adaptive": "nn.AdaptiveAvgPool2D((4, 3))",
    "adaptive_odd": "nn.AdaptiveAvgPool2D(5)",
    "adaptive_larger": "nn.AdaptiveAvgPool2D((11, 9))",
    "adaptive_one": "nn.AdaptiveAvgPool2D((1, 2))",
    "adaptive_maximum": "nn.AdaptiveMaxPool2D((3, 4))",
    "adaptive_line": "lambda x: F.adaptive_avg_pool1d(x[:, :, 0], 4)",
    # Moving about.
    "channel_shuffle": "nn.ChannelShuffle(2)",
    "pixel_shuffle": "nn.PixelShuffle(2)",
    "pixel_unshuffle": "lambda x: F.pixel_unshuffle(x[:, :, :, :8], 2)",
    "roll": "lambda x: paddle.roll(x, [-2, 3], [2, 3])",
    "temporal_shift": "lambda x: F.temporal_shift(x, 2, 0.3)",
    "unfold": "nn.Unfold([3, 2], 1, [1, 0, 0, 1], 2)",
    "expand_as": "lambda x: x[:, :1].expand_as(x)",
    "on_a_device": "lambda x: x.cuda()",
    "repeat_interleave": "lambda x: paddle.repeat_interleave(x, 2, 1)",
    "fold": "lambda x: F.fold(F.unfold(x[:, :, :, :8], 2, 2), [8, 8], 2, 2)",
    "fold_overlapping": "lambda x: F.fold(F.unfold(x, 3, 2, [1, 0, 0, 1]), [8, 9], 3, 2, [1, 0, 0, 1])",
    # Sizes by scale.
    "nearest": "nn.Upsample(scale_factor=2)",
    "nearest_down": "lambda x: F.interpolate(x, scale_factor=0.5)",
    "bilinear": "lambda x: F.interpolate(x, scale_factor=[2.0, 1.5], mode='bilinear')",
    "bilinear_corners": "nn.UpsamplingBilinear2D(scale_factor=2)",
    "bicubic": "lambda x: F.interpolate(x, scale_factor=1.5, mode='bicubic')",
    "area": "lambda x: F.interpolate(x, size=[5, 7], mode='area')",
}
SAVED = """\
import os, paddle
import numpy as np
import paddle.nn as nn
import paddle.nn.functional as F
import paddle_models, paddle_onnx, paddle_saving
class Branches(nn.Layer):
    def __init__(self):
        super().__init__()
        self.branches = [
{layers}]
        for position, branch in enumerate(self.branches):
            if isinstance(branch, nn.Layer):
                self.add_sublayer(str(position), branch)
    def forward(self, x):
        return paddle.concat([branch(x).reshape([-1]) for branch in self.branches])
network = Branches()
network.eval()
x = np.random.default_rng(0).standard_normal({shape}).astype('float32') * 2
parts = [branch(paddle.to_tensor(x)).numpy() for branch in network.branches]
np.savez('parts.npz', x, *parts)
paddle_saving.save(network, {shape}[1:], 'saved')
program, shape = os.path.join('saved', paddle_saving.PROGRAM), (None, *{shape}[1:])
files = paddle_saving.parameter_files('saved')
paddle_onnx.write(program, files, shape, 12, os.path.abspath('branches.onnx'))
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Computed:
    """What Paddle, and the file that it was converted to, make of the same picture, by operator."""
    folder = tmp_path_factory.mktemp("operators")
    layers = "".join(f"{layer},\n" for layer in OPERATORS.values())
    run_lines("paddle", SAVED.format(layers=layers, shape=SHAPE), folder)
    return _parts(folder)


def _parts(folder: Path) -> Computed:
    with np.load(folder / "parts.npz") as saved:
        x, *parts = saved.values()
    session = onnxruntime.InferenceSession(folder / "branches.onnx", providers=["CPUExecutionProvider"])
    [output] = session.run(None, {session.get_inputs()[0].name: x})
    pieces = np.split(output, np.cumsum([part.size for part in parts])[:-1])
    both = zip(parts, pieces, strict=True)
    return {name: (part.reshape(-1), piece) for name, (part, piece) in zip(OPERATORS, both, strict=True)}


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_computes_what_paddle_computes(computed: Computed, operator: str) -> None:
    expected, output = computed[operator]
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5)


REFUSED = """\
import os, paddle, paddle_onnx, paddle_saving
import paddle.nn as nn
from protocol import TaskError
class Network(nn.Layer):
    def __init__(self):
        super().__init__()
        self.layer = {layer}
    def forward(self, x):
        return self.layer(x)
network = Network()
paddle_saving.save(network, (4, 8, 4), 'saved')
program, files = os.path.join('saved', paddle_saving.PROGRAM), paddle_saving.parameter_files('saved')
try:
    paddle_onnx.write(program, files, (None, 4, 8, 4), 12, os.path.abspath('refused.onnx'))
except TaskError as error:
    open('reason', 'w').write(str(error))
"""


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("paddle.digamma", "paddle2onnx has no translation to ONNX of the operators digamma"),
        (
            "nn.Conv2D(4, 4, 3, data_format='NHWC')",
            "paddle2onnx could not convert this model: [OP: pd_op.conv2d] Cannot support input with NHWC",
        ),
    ],
)
def test_what_cannot_be_said_is_named(run_in: RunIn, tmp_path: Path, layer: str, reason: str) -> None:
    """paddle2onnx ends the process that it runs in, and says why on its output."""
    run_in("paddle", REFUSED.format(layer=layer))
    assert (tmp_path / "reason").read_text().startswith(reason)
    assert not (tmp_path / "refused.onnx").exists()


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("nn.LeakyReLU(0.3)", "paddle2onnx wrote no LeakyRelu with alpha = 0.3"),
        ("nn.GroupNorm(2, 4, 0.1)", "paddle2onnx wrote no InstanceNormalization with epsilon = 0.1"),
    ],
)
def test_a_number_that_is_read_wrongly_is_no_file(
    run_in: RunIn, tmp_path: Path, layer: str, reason: str
) -> None:
    """As paddle2onnx reads the doubles of Paddle 3.3."""
    run_in("paddle", "import paddle_program; paddle_program._narrow = print\n" + REFUSED.format(layer=layer))
    assert (tmp_path / "reason").read_text().startswith(reason)
    assert not (tmp_path / "refused.onnx").exists()

"""Pairs of Caffe2 nets, written by Caffe2 itself: the recipe that tests add their operators to."""

from __future__ import annotations

BEGIN = """\
import numpy as np, os
from caffe2.python import core
from caffe2.proto import caffe2_pb2

generator = np.random.default_rng(0)
predict_net, init_net = caffe2_pb2.NetDef(name="small"), caffe2_pb2.NetDef(name="init")
predict_net.external_input.append("data")


def given(name, *shape, low=-0.5, high=0.5):
    '''A parameter with uniformly drawn values.'''
    values = generator.uniform(low, high, shape).astype("float32")
    fill = core.CreateOperator("GivenTensorFill", [], [name], shape=shape, values=values)
    init_net.op.append(fill)
    predict_net.external_input.append(name)
    return name


def op(kind, inputs, outputs, **arguments):
    predict_net.op.append(core.CreateOperator(kind, inputs.split(), outputs.split(), **arguments))


def conv(source, target, inputs, outputs, kernel, **arguments):
    given(target + "_w", outputs, inputs // arguments.get("group", 1), kernel, kernel)
    given(target + "_b", outputs)
    op("Conv", source + f" {target}_w {target}_b", target, kernel=kernel, **arguments)


def fc(source, target, inputs, outputs):
    given(target + "_w", outputs, inputs)
    given(target + "_b", outputs)
    op("FC", source + f" {target}_w {target}_b", target)


def save(output, folder="pair"):
    predict_net.external_output.append(output)
    os.makedirs(folder, exist_ok=True)
    for name, net in (("predict_net", predict_net), ("init_net", init_net)):
        with open(os.path.join(folder, name + ".pb"), "wb") as stream:
            stream.write(net.SerializeToString())

"""
"""What comes before the recipe of every net; the input is ``data``."""

SMALL = """
conv("data", "conv1", 3, 4, 3, pad=1)
op("Relu", "conv1", "conv1")
op("MaxPool", "conv1", "pool1", kernel=2, stride=2)
op("Reshape", "pool1", "flat old_shape", shape=[-1, 4 * 6 * 5])
fc("flat", "scores", 4 * 6 * 5, 10)
op("Softmax", "scores", "probabilities")
"""
"""A net for pictures of 12 x 10, which the tests of bad folders spoil."""

CONVOLUTIONS = """
conv("data", "plain", 3, 8, 3)
conv("plain", "grouped", 8, 4, 3, group=2, pad=1, dilation=2, stride=1)
op("LeakyRelu", "grouped", "leaky", alpha=0.2)
given("uneven_w", 6, 4, 3, 2)
op("Conv", "leaky uneven_w", "uneven", kernels=[3, 2], strides=[2, 1], pads=[1, 0, 2, 1], dilations=[1, 2])
given("same_w", 6, 6, 3, 3)
op("Conv", "uneven same_w", "same", kernel_h=3, kernel_w=3, stride=2, legacy_pad=2, use_cudnn=1)
given("valid_w", 4, 6, 2, 2)
op("Conv", "same valid_w", "valid", kernel=2, legacy_pad=1, order="NCHW", exhaustive_search=0)
op("AveragePool", "valid", "mean", global_pooling=1)
save("mean")
"""

POOLINGS = """
conv("data", "x", 3, 3, 1)
op("MaxPool", "x", "a", kernel=3, stride=2, legacy_pad=3)
op("MaxPool", "x", "b", kernel=3, stride=2, pad=1, legacy_pad=3)
op("AveragePool", "x", "c", kernel=3, stride=2, legacy_pad=3)
op("AveragePool", "x", "d", kernel=3, stride=2, pad_t=1, pad_l=1, pad_b=1, pad_r=1)
op("AveragePool", "x", "e", kernel=3, stride=2, pad=1, count_include_pad=1)
op("AveragePool", "x", "f", kernel=3, stride_h=2, stride_w=2, legacy_pad=2)
op("MaxPool", "x", "g", kernel=2, stride=2, legacy_pad=3)
op("MaxPool", "x", "h", kernel=1, stride=2, pad=0, legacy_pad=3)
for name in "abcdefgh":
    op("Flatten", name, name + "_flat")
op("Concat", " ".join(name + "_flat" for name in "abcdefgh"), "all split_info", axis=1)
save("all")
"""

NORMALISATIONS = """
conv("data", "conv", 3, 9, 3)
op("LRN", "conv", "lrn lrn_scale", size=5, alpha=0.5, beta=0.75, bias=2.0, order="NCHW")
for name, low in (("s", 0.5), ("b", -0.5), ("rm", -0.5), ("riv", 0.5)):
    given("bn_" + name, 9, low=low, high=low + 1)
op("SpatialBN", "lrn bn_s bn_b bn_rm bn_riv", "bn", is_test=1, epsilon=0.01, momentum=0.9, order="NCHW")
op("Sigmoid", "bn", "bn")
op("Dropout", "bn", "dropped mask", is_test=1, ratio=0.4)
op("Dropout", "dropped", "dropped mask", is_test=1, ratio=0.4)
op("MaxPool", "dropped", "largest", global_pooling=1)
op("Softmax", "largest", "probabilities")
save("probabilities")
"""

ACTIVATIONS = """
conv("data", "conv", 3, 6, 3)
given("slopes", 6)
given("slope", 1)
op("PRelu", "conv slopes", "a")
op("PRelu", "conv slope", "b")
op("Tanh", "conv", "c")
op("Elu", "conv", "d", alpha=0.7)
op("HardSigmoid", "conv", "e", alpha=0.3, beta=0.4)
op("Swish", "conv", "f")
op("Clip", "conv", "g", min=-0.3, max=0.6)
op("Clip", "conv", "h", max=0.1)
op("StopGradient", "h", "i")
op("Relu", "i", "i")
op("Sum", "a b c", "sum")
op("Sum", "sum", "once")
op("Concat", "once d e f g h i", "all split_info", order="NCHW")
op("ReduceMean", "all", "mean", axes=[2, -1], keepdims=0)
given("last", 42)
op("PRelu", "mean last", "scores")
save("scores")
"""

ARITHMETIC = """
conv("data", "conv", 3, 4, 3)
given("channels", 4)
given("columns", 9)
given("pictures", 4, 11, 9, low=0.5, high=1.5)
given("number", 1)
given("channel_row", 4, 1, 1)
op("Add", "conv channels", "a", broadcast=1, axis=1)
op("Mul", "a channels", "b", broadcast=1, axis_str="C")
op("Sub", "b columns", "c", broadcast=1)
op("Div", "c pictures", "d", broadcast=1, axis=1)
op("Mul", "d number", "e", broadcast=1, axis=1)
op("Add", "e channel_row", "f")
op("Add", "f conv", "g")
op("ReduceMax", "g", "largest", axes=[3], keepdims=0)
op("ReduceMin", "g", "smallest", axes=[3], keepdims=0)
op("ReduceSum", "g", "sum", axes=[3], keepdims=1)
op("Squeeze", "sum", "sum_squeezed", dims=[3])
op("Concat", "largest smallest sum_squeezed", "joined split_info", axis=-1)
op("Concat", "largest smallest", "stacked split_info", axis=1, add_axis=1)
op("Flatten", "joined", "joined_flat", axis=1)
op("Flatten", "stacked", "stacked_flat")
op("Concat", "joined_flat stacked_flat", "scores split_info", axis=1)
save("scores")
"""

SHAPES = """
conv("data", "conv", 3, 12, 3)
op("ChannelShuffle", "conv", "shuffled", group=3, order="NCHW")
op("Transpose", "shuffled", "turned", axes=[0, 2, 3, 1])
op("Transpose", "turned", "reversed_all")
op("Transpose", "reversed_all", "turned")
op("Reshape", "turned", "rows old_shape", shape=[0, 11, -1])
op("ExpandDims", "rows", "wide", dims=[1, 4])
op("Squeeze", "wide", "rows", dims=[1, 4])
given("w3", 5, 9 * 12)
given("b3", 5)
op("FC", "rows w3 b3", "per_row", axis=2)
init_net.op.append(core.CreateOperator("GivenTensorInt64Fill", [], ["sizes"], shape=[2], values=[-1, 55]))
predict_net.external_input.append("sizes")
op("Reshape", "per_row sizes", "flat old_shape_2")
given("w4", 7, 5, 11)
given("b4", 7)
op("FC", "flat w4 b4", "scores")
given("w5", 7, 6)
given("b5", 6)
op("FCTransposed", "scores w5 b5", "last")
save("last")
"""

FILLED = """
conv("data", "conv", 3, 4, 3)
op("AveragePool", "conv", "mean", global_pooling=1)
for kind, name, arguments in (
    ("XavierFill", "w1", {"shape": [6, 4]}),
    ("ConstantFill", "b1", {"shape": [6], "value": 0.25}),
    ("GaussianFill", "w2", {"shape": [5, 6], "std": 0.5}),
    ("UniformFill", "b2", {"shape": [5], "min": -1.0, "max": 1.0}),
    ("MSRAFill", "w3", {"shape": [7, 5]}),
    ("ConstantFill", "b3", {"shape": [7]}),
    ("ConstantFill", "data", {"shape": [1]}),
):
    init_net.op.append(core.CreateOperator(kind, [], [name], **arguments))
    predict_net.external_input.append(name)
op("FC", "mean w1 b1", "one")
op("FC", "one w2 b2", "two")
op("FC", "two w3 b3", "data")
save("data")
"""
"""Parameters that are drawn, an input that is filled as well, and an output that overwrites it."""

NETS = {
    "convolutions": CONVOLUTIONS,
    "poolings": POOLINGS,
    "normalisations": NORMALISATIONS,
    "activations": ACTIVATIONS,
    "arithmetic": ARITHMETIC,
    "shapes": SHAPES,
    "filled": FILLED,
}
"""Nets for pictures of 13 x 11 that between them hold every operator that is translated."""

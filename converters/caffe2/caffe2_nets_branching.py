"""Caffe2's nets whose paths part and meet: GoogLeNet, ResNet, ShuffleNet and DenseNet.

Every builder adds its layers to ``model`` and returns its output blob. ``colours`` are the channels of the
pictures, and its further arguments the numbers of channels inside, by default the published ones.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

from caffe2.python import brew

from caffe2_layers import (
    CLASSES,
    COLOURS,
    batch_norm,
    conv_relu,
    convolution,
    local_response_norm,
    relu,
    scaled_batch_norm,
)

Module = Tuple[int, int, int, int, int, int]

INCEPTION_MODULES: Dict[str, Module] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""By name the channels of 1 x 1, 3 x 3 reduce, 3 x 3, 5 x 5 reduce, 5 x 5 and pool projection."""


def inception_v1(
    model: Any,
    data: Any,
    stem: Tuple[int, int, int] = (64, 64, 192),
    modules: Dict[str, Module] = INCEPTION_MODULES,
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """GoogLeNet of Szegedy et al. 2014 (arXiv:1409.4842), without its side classifiers.

    Caffe pools with sizes rounded up and so comes to 7 x 7 in the end. The net that the ONNX zoo took
    rounds down, comes to 6 x 6, and pads the last pooling, whose means leave the padding out.
    """
    blob = conv_relu(model, data, "conv1/7x7_s2", colours, stem[0], 7, stride=2, pad=3)
    blob = brew.max_pool(model, blob, "pool1/3x3_s2", kernel=3, stride=2)
    blob = local_response_norm(model, blob, "pool1/norm1", alpha=1e-4, bias=1.0)
    blob = conv_relu(model, blob, "conv2/3x3_reduce", stem[0], stem[1], 1, stride=1, pad=0)
    blob = conv_relu(model, blob, "conv2/3x3", stem[1], stem[2], 3, stride=1, pad=1)
    blob = local_response_norm(model, blob, "conv2/norm2", alpha=1e-4, bias=1.0)
    blob, inputs = brew.max_pool(model, blob, "pool2/3x3_s2", kernel=3, stride=2), stem[2]
    for name, channels in modules.items():
        blob = _inception_module(model, blob, "inception_" + name, inputs, channels)
        inputs = channels[0] + channels[2] + channels[4] + channels[5]
        if name in ("3b", "4e"):
            blob = brew.max_pool(model, blob, "pool%s/3x3_s2" % name[0], kernel=3, stride=2)
    ends = {"pad_t": 0, "pad_l": 0, "pad_b": 1, "pad_r": 1}
    blob = brew.average_pool(model, blob, "pool5/7x7_s1", kernel=7, stride=1, **ends)
    blob = brew.dropout(model, blob, "pool5/7x7_s1", ratio=0.4, is_test=True)
    blob = brew.fc(model, blob, "loss3/classifier", inputs, classes)
    return brew.softmax(model, blob, "prob")


def _inception_module(model: Any, data: Any, name: str, inputs: int, channels: Module) -> Any:
    direct, reduced_3, outputs_3, reduced_5, outputs_5, projected = channels
    paths = [conv_relu(model, data, name + "/1x1", inputs, direct, 1, stride=1, pad=0)]
    blob = conv_relu(model, data, name + "/3x3_reduce", inputs, reduced_3, 1, stride=1, pad=0)
    paths.append(conv_relu(model, blob, name + "/3x3", reduced_3, outputs_3, 3, stride=1, pad=1))
    blob = conv_relu(model, data, name + "/5x5_reduce", inputs, reduced_5, 1, stride=1, pad=0)
    paths.append(conv_relu(model, blob, name + "/5x5", reduced_5, outputs_5, 5, stride=1, pad=2))
    blob = brew.max_pool(model, data, name + "/pool", kernel=3, stride=1, pad=1)
    paths.append(conv_relu(model, blob, name + "/pool_proj", inputs, projected, 1, stride=1, pad=0))
    return brew.concat(model, paths, name + "/output", axis=1)


def resnet50(
    model: Any,
    data: Any,
    stem: int = 64,
    inner: Sequence[int] = (64, 128, 256, 512),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """ResNet-50 of He et al. 2015 (arXiv:1512.03385), which halves pictures in its 3 x 3 convolutions.

    ``inner`` are the channels inside the blocks of the four stages; the blocks give four times as many.
    """
    blob = convolution(model, data, "conv1", colours, stem, 7, bias=False, stride=2, pad=3)
    blob = relu(model, batch_norm(model, blob, "res_conv1_bn", stem))
    blob, inputs = brew.max_pool(model, blob, "pool1", kernel=3, stride=2, pad=1), stem
    for stage, (channels, depth) in enumerate(zip(inner, (3, 4, 6, 3)), start=2):
        for block in range(depth):
            stride = 2 if block == 0 and stage > 2 else 1
            blob = _bottleneck(model, blob, "res%d_%d" % (stage, block), inputs, channels, stride)
            inputs = 4 * channels
    blob = brew.average_pool(model, blob, "final_avg", kernel=7, stride=1)
    return brew.softmax(model, brew.fc(model, blob, "pred", inputs, classes), "softmax")


def _bottleneck(model: Any, data: Any, name: str, inputs: int, inner: int, stride: int) -> Any:
    outputs = 4 * inner

    def normalised(
        blob: Any, branch: str, input_channels: int, output_channels: int, kernel: int, stride: int
    ) -> Any:
        layer = name + "_branch" + branch
        blob = convolution(
            model,
            blob,
            layer,
            input_channels,
            output_channels,
            kernel,
            bias=False,
            stride=stride,
            pad=kernel // 2,
        )
        return batch_norm(model, blob, layer + "_bn", output_channels)

    blob = relu(model, normalised(data, "2a", inputs, inner, 1, 1))
    blob = relu(model, normalised(blob, "2b", inner, inner, 3, stride))
    blob = normalised(blob, "2c", inner, outputs, 1, 1)
    kept = inputs == outputs and stride == 1
    shortcut = data if kept else normalised(data, "1", inputs, outputs, 1, stride)
    return relu(model, brew.sum(model, [blob, shortcut], name + "_sum"))


def shufflenet(
    model: Any,
    data: Any,
    stem: int = 24,
    channels: Sequence[int] = (136, 272, 544),
    groups: int = 4,
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """Version 1 of Zhang et al. 2017 (arXiv:1707.01083), half as wide and with four groups.

    ``channels`` are what the units of the three stages give. Inside they have as many, where the paper
    has a quarter, and the first unit of a stage has those that its shortcut does not bring.
    """
    blob = convolution(model, data, "conv3_0", colours, stem, 3, bias=True, stride=2, pad=1)
    blob = relu(model, batch_norm(model, blob, "conv3_0_bn", stem))
    blob, inputs, unit = brew.max_pool(model, blob, "pool1", kernel=3, stride=2, pad=1), stem, 0
    for outputs, depth in zip(channels, (4, 8, 4)):
        for _ in range(depth):
            blob = _shuffle_unit(model, blob, unit, inputs, outputs, groups)
            inputs, unit = outputs, unit + 1
    blob = brew.average_pool(model, blob, "final_avg", kernel=7, stride=1)
    return brew.softmax(model, brew.fc(model, blob, "pred", inputs, classes), "softmax")


def _shuffle_unit(model: Any, data: Any, unit: int, inputs: int, outputs: int, groups: int) -> Any:
    """A unit that keeps the picture's size and adds its input, or halves the size and appends it."""
    halves = inputs != outputs
    inner = outputs - inputs if halves else outputs
    first, depthwise, last = "gconv1_%d" % (2 * unit), "gconv3_%d" % unit, "gconv1_%d" % (2 * unit + 1)
    blob = convolution(model, data, first, inputs, inner, 1, bias=False, stride=1, pad=0, group=groups)
    blob = relu(model, batch_norm(model, blob, first + "_bn", inner))
    blob = model.net.ChannelShuffle(blob, first + "_shuffle", group=groups, order="NCHW")
    stride = 2 if halves else 1
    blob = convolution(model, blob, depthwise, inner, inner, 3, bias=False, stride=stride, pad=1, group=inner)
    blob = batch_norm(model, blob, depthwise + "_bn", inner)
    blob = convolution(model, blob, last, inner, inner, 1, bias=False, stride=1, pad=0, group=groups)
    blob = batch_norm(model, blob, last + "_bn", inner)
    if not halves:
        return relu(model, brew.sum(model, [blob, data], "sum_%d" % unit))
    shortcut = brew.average_pool(model, data, "pool_%d" % unit, kernel=3, stride=2, pad=1)
    return relu(model, brew.concat(model, [blob, shortcut], "concat_%d" % unit, axis=1))


def densenet121(
    model: Any,
    data: Any,
    stem: int = 64,
    growth: int = 32,
    depths: Sequence[int] = (6, 12, 24, 16),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """DenseNet-121 of Huang et al. 2016 (arXiv:1608.06993); its output, (N, 1000, 1, 1), is logits.

    ``growth`` are the channels that every layer adds, ``depths`` the layers of the four blocks.
    """
    blob = convolution(model, data, "conv1", colours, stem, 7, bias=False, stride=2, pad=3)
    blob = relu(model, scaled_batch_norm(model, blob, "conv1/bn", stem))
    blob, inputs = brew.max_pool(model, blob, "pool1", kernel=3, stride=2, pad=1), stem
    for stage, depth in enumerate(depths, start=2):
        for layer in range(1, depth + 1):
            blob = _dense_layer(model, blob, "conv%d_%d" % (stage, layer), inputs, growth)
            inputs += growth
        name = "conv%d_blk" % stage
        blob = relu(model, scaled_batch_norm(model, blob, name + "/bn", inputs))
        if stage < len(depths) + 1:
            blob = convolution(model, blob, name, inputs, inputs // 2, 1, bias=False, stride=1, pad=0)
            blob, inputs = brew.average_pool(model, blob, "pool%d" % stage, kernel=2, stride=2), inputs // 2
    blob = brew.average_pool(model, blob, "pool%d" % (len(depths) + 1), global_pooling=True)
    return convolution(model, blob, "fc6", inputs, classes, 1, bias=True, stride=1, pad=0)


def _dense_layer(model: Any, data: Any, name: str, inputs: int, growth: int) -> Any:
    """Normalise, squeeze to four times ``growth`` channels, normalise, and append ``growth`` more."""
    inner = 4 * growth
    blob = relu(model, scaled_batch_norm(model, data, name + "/x1/bn", inputs))
    blob = convolution(model, blob, name + "/x1", inputs, inner, 1, bias=False, stride=1, pad=0)
    blob = relu(model, scaled_batch_norm(model, blob, name + "/x2/bn", inner))
    blob = convolution(model, blob, name + "/x2", inner, growth, 3, bias=False, stride=1, pad=1)
    return brew.concat(model, [data, blob], name + "/concat", axis=1)

"""Caffe2's nets of one path: VGG-19, AlexNet, ZFNet, and SqueezeNet, whose modules have two.

Every builder adds its layers to ``model`` and returns its output blob. ``colours`` are the channels of the
pictures, and its further arguments the numbers of channels inside, by default the published ones.
"""

from __future__ import annotations

from typing import Any, Sequence, Tuple

from caffe2.python import brew

from caffe2_layers import CLASSES, COLOURS, conv_relu, hidden, local_response_norm


def _classify(
    model: Any, data: Any, inputs: int, widths: Tuple[int, int], classes: int, *, dropout: bool, name: str
) -> Any:
    """The three fully connected layers of the nets before 2015, and the softmax called ``name``."""
    blob = hidden(model, data, "fc6", inputs, widths[0], dropout=dropout)
    blob = hidden(model, blob, "fc7", widths[0], widths[1], dropout=dropout)
    return brew.softmax(model, brew.fc(model, blob, "fc8", widths[1], classes), name)


def vgg19(
    model: Any,
    data: Any,
    channels: Sequence[int] = (64, 128, 256, 512, 512),
    widths: Tuple[int, int] = (4096, 4096),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """Configuration E of Simonyan and Zisserman 2014 (arXiv:1409.1556), for pictures of 224 x 224."""
    blob, inputs = data, colours
    for stage, (outputs, depth) in enumerate(zip(channels, (2, 2, 4, 4, 4)), start=1):
        for layer in range(1, depth + 1):
            blob = conv_relu(model, blob, "conv%d_%d" % (stage, layer), inputs, outputs, 3, stride=1, pad=1)
            inputs = outputs
        blob = brew.max_pool(model, blob, "pool%d" % stage, kernel=2, stride=2)
    return _classify(model, blob, inputs * 7 * 7, widths, classes, dropout=True, name="prob")


def bvlc_alexnet(
    model: Any,
    data: Any,
    channels: Tuple[int, int, int, int, int] = (96, 256, 384, 384, 256),
    widths: Tuple[int, int] = (4096, 4096),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks".

    Caffe's version for pictures of 227 x 227 pools with sizes rounded up. The one that the ONNX zoo took
    is for 224 x 224, rounds down, and pads the last pooling at the end so that 6 x 6 is left of it.
    """
    first, second, third, fourth, fifth = channels
    blob = conv_relu(model, data, "conv1", colours, first, 11, stride=4, pad=0)
    blob = local_response_norm(model, blob, "norm1", alpha=1e-4, bias=1.0)
    blob = brew.max_pool(model, blob, "pool1", kernel=3, stride=2)
    blob = conv_relu(model, blob, "conv2", first, second, 5, stride=1, pad=2, group=2)
    blob = local_response_norm(model, blob, "norm2", alpha=1e-4, bias=1.0)
    blob = brew.max_pool(model, blob, "pool2", kernel=3, stride=2)
    blob = conv_relu(model, blob, "conv3", second, third, 3, stride=1, pad=1)
    blob = conv_relu(model, blob, "conv4", third, fourth, 3, stride=1, pad=1, group=2)
    blob = conv_relu(model, blob, "conv5", fourth, fifth, 3, stride=1, pad=1, group=2)
    blob = brew.max_pool(model, blob, "pool5", kernel=3, stride=2, pad_t=0, pad_l=0, pad_b=1, pad_r=1)
    return _classify(model, blob, fifth * 6 * 6, widths, classes, dropout=True, name="prob")


def zfnet512(
    model: Any,
    data: Any,
    channels: Tuple[int, int, int, int, int] = (96, 256, 512, 512, 512),
    widths: Tuple[int, int] = (4096, 1024),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """The wide net of Zeiler and Fergus 2013 (arXiv:1311.2901), for pictures of 224 x 224."""
    first, second, third, fourth, fifth = channels
    blob = conv_relu(model, data, "conv1", colours, first, 7, stride=2, pad=0)
    blob = local_response_norm(model, blob, "norm1", alpha=5e-4, bias=2.0)
    blob = brew.max_pool(model, blob, "pool1", kernel=3, stride=2)
    blob = conv_relu(model, blob, "conv2", first, second, 5, stride=2, pad=0)
    blob = local_response_norm(model, blob, "norm2", alpha=5e-4, bias=2.0)
    blob = brew.max_pool(model, blob, "pool2", kernel=3, stride=2)
    blob = conv_relu(model, blob, "conv3", second, third, 3, stride=1, pad=1)
    blob = conv_relu(model, blob, "conv4", third, fourth, 3, stride=1, pad=1)
    blob = conv_relu(model, blob, "conv5", fourth, fifth, 3, stride=1, pad=1)
    blob = brew.max_pool(model, blob, "pool5", kernel=2, stride=2)
    return _classify(model, blob, fifth * 6 * 6, widths, classes, dropout=False, name="softmax")


def squeezenet(
    model: Any,
    data: Any,
    stem: int = 64,
    squeezed: Sequence[int] = (16, 16, 32, 32, 48, 48, 64, 64),
    classes: int = CLASSES,
    colours: int = COLOURS,
) -> Any:
    """Version 1.1 of Iandola et al. 2016 (arXiv:1602.07360); its output is (N, 1000, 1, 1).

    ``squeezed`` are the inner channels of the fire modules 2 to 9; each expands to eight times as many.
    """
    blob = conv_relu(model, data, "conv1", colours, stem, 3, stride=2, pad=0)
    blob, inputs = brew.max_pool(model, blob, "pool1", kernel=3, stride=2), stem
    for number, inner in enumerate(squeezed, start=2):
        blob, inputs = _fire(model, blob, "fire%d" % number, inputs, inner), 8 * inner
        if number in (3, 5):
            blob = brew.max_pool(model, blob, "pool%d" % number, kernel=3, stride=2)
    blob = brew.dropout(model, blob, str(blob), ratio=0.5, is_test=True)
    blob = conv_relu(model, blob, "conv10", inputs, classes, 1, stride=1, pad=0)
    blob = brew.average_pool(model, blob, "pool10", global_pooling=True)
    return brew.softmax(model, blob, "softmaxout")


def _fire(model: Any, data: Any, name: str, inputs: int, inner: int) -> Any:
    """Squeeze to ``inner`` channels, expand with 1 x 1 and 3 x 3 kernels to four times as many each."""
    blob = conv_relu(model, data, name + "/squeeze1x1", inputs, inner, 1, stride=1, pad=0)
    halves = [
        conv_relu(model, blob, name + "/expand1x1", inner, 4 * inner, 1, stride=1, pad=0),
        conv_relu(model, blob, name + "/expand3x3", inner, 4 * inner, 3, stride=1, pad=1),
    ]
    return brew.concat(model, halves, name + "/concat", axis=1)

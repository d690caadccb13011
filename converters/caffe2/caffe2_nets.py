"""The nets that the ONNX Model Zoo once took from Caffe2, built with Caffe2's own helpers."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

from caffe2.python import model_helper

import caffe2_nets_branching
import caffe2_nets_plain

Shape = Tuple[int, ...]

INPUT = "data"
INPUT_SIZE = (3, 224, 224)

BUILDERS: Dict[str, Callable[..., Any]] = {
    "vgg19": caffe2_nets_plain.vgg19,
    "bvlc_alexnet": caffe2_nets_plain.bvlc_alexnet,
    "squeezenet": caffe2_nets_plain.squeezenet,
    "zfnet512": caffe2_nets_plain.zfnet512,
    "inception_v1": caffe2_nets_branching.inception_v1,
    "resnet50": caffe2_nets_branching.resnet50,
    "shufflenet": caffe2_nets_branching.shufflenet,
    "densenet121": caffe2_nets_branching.densenet121,
}

NAMES: List[str] = list(BUILDERS)

FAMILIES = {
    "vgg19": "vgg",
    "bvlc_alexnet": "alexnet",
    "squeezenet": "squeezenet",
    "zfnet512": "zfnet",
    "inception_v1": "inception",
    "resnet50": "resnet",
    "shufflenet": "shufflenet",
    "densenet121": "densenet",
}
"""The nets' own names, without their sizes and makers."""


ANY_SIZE = ("squeezenet", "densenet121")
"""The nets that take the mean of whatever is left of a picture; all others end with 6 x 6 or 7 x 7."""


def build(name: str, **options: Any) -> Tuple[Any, Dict[str, Shape]]:
    """The net ``name`` of :data:`NAMES` in its form for inference, and its parameters' shapes.

    The net is a caffe2_pb2.NetDef with the external input ``data``, float32 (N, 3, 224, 224) for any N,
    and one external output, (N, 1000) or (N, 1000, 1, 1). No memory is taken for parameters; their names
    come in the order of their use, as they do behind ``data`` in the external inputs. ``options`` go to
    the net's builder, instead of the published numbers: ``classes``, ``colours`` and channels inside.
    """
    builder = BUILDERS[name]
    model = model_helper.ModelHelper(name=name, arg_scope={"order": "NCHW", "use_cudnn": False})
    output = builder(model, model.net.AddExternalInput(INPUT), **options)
    model.net.AddExternalOutput(output)
    net = model.net.Proto()
    net.name = name  # Caffe2 numbers the nets of a process that are called the same
    shapes = {
        str(filler.output[0]): tuple(argument.ints)
        for filler in model.InitProto().op
        for argument in filler.arg
        if argument.name == "shape"
    }
    return net, shapes


def _pixels(mean: Sequence[float], deviation: Sequence[float] = (1, 1, 1), **other: str) -> Dict[str, Any]:
    """Preprocessing by what is taken from, and then divides, values between 0 and 255."""
    return {
        "input_size": list(INPUT_SIZE),
        "resize": 256,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "mean": [value / 255 for value in mean],
        "std": [value / 255 for value in deviation],
        "colour": "BGR",
        **other,
    }


_VGG = (103.939, 116.779, 123.68)
"""What the authors of VGG take away, see https://gist.github.com/ksimonyan/3785162f95cd2d5fee77."""
_CAFFE = (104.0, 117.0, 123.0)
"""The mean colour of ImageNet in Caffe's own models, which squash their pictures to a square."""

_PREPROCESSING: Dict[str, Dict[str, Any]] = {
    "vgg19": _pixels(_VGG),
    # Caffe takes a mean picture away, whose mean colour this is.
    "bvlc_alexnet": _pixels(_CAFFE, crop_mode="squash"),
    # train_val.prototxt of SqueezeNet 1.1, for 227 x 227.
    "squeezenet": _pixels(_CAFFE, crop_mode="squash"),
    # The zoo is silent on it; Intel Neural Compressor measures the zoo's file so.
    "zfnet512": _pixels(_VGG, crop_mode="squash"),
    # train_val.prototxt of BVLC GoogLeNet, which this reproduces.
    "inception_v1": _pixels(_CAFFE, crop_mode="squash"),
    # The Open Model Zoo's resnet-50-caffe2.
    "resnet50": _pixels((103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
    # The ONNX zoo's card.
    "shufflenet": _pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), colour="RGB"),
    # The Open Model Zoo's densenet-121-caffe2, whose authors multiply by 0.017.
    "densenet121": _pixels((103.94, 116.78, 123.68), (1 / 0.017,) * 3),
}


def preprocessing(name: str) -> Dict[str, Any]:
    """How the net ``name`` of :data:`NAMES` wants its pictures, as the task ``catalogue`` answers it."""
    return dict(_PREPROCESSING[name])

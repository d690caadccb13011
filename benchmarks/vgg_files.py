"""The models that ``peak_memory.py`` measures, and how each framework itself writes the weights of its VGG.

The recipes run in the environment of their source, with its folder and ``converters/worker`` on the module
search path, and write to the working folder.
"""

from __future__ import annotations

from dataclasses import dataclass

TORCH = """
import export, safetensors.torch, torch
from networks import Network
network = export.build(Network({model!r}))
if hasattr(network, "init_weights"):
    network.init_weights()
state = network.state_dict()
moments = {{name: {{"exp_avg": value.clone(), "exp_avg_sq": value.clone()}} for name, value in state.items()}}
torch.save({{"state_dict": state, "optimizer": {{"state": moments}}}}, "training.pth")
torch.save(state, "old.pth", _use_new_zipfile_serialization=False)
safetensors.torch.save_file(state, "plain.safetensors")
"""
PADDLE = """
import paddle, paddle_models, pickle, safetensors.numpy
from networks import Network
network = paddle_models.build(Network({model!r}))
paddle.save(network.state_dict(), "plain.pdparams")
arrays = {{name: value.numpy() for name, value in network.state_dict().items()}}
pickle.dump(arrays, open("old.pdparams", "wb"), 2)
safetensors.numpy.save_file(arrays, "plain.safetensors")
spec = [paddle.static.InputSpec([None, 3, 224, 224], "float32", "x")]
paddle.jit.save(network, "folder/inference", input_spec=spec)
"""
MXNET = """
import mxnet as mx, safetensors.numpy
network = mx.gluon.model_zoo.vision.get_model({model!r})
network.initialize(mx.init.Xavier(magnitude=2))
network.hybridize()
network(mx.nd.ones((1, 3, 224, 224))).wait_to_read()
network.save_parameters("plain.params")
network.export("exported")
values = network._collect_params_with_prefix()
arrays = {{name: value.data().asnumpy() for name, value in values.items()}}
safetensors.numpy.save_file(arrays, "plain.safetensors")
"""
CAFFE2 = """
import caffe2_nets, numpy as np, os
from caffe2.proto import caffe2_pb2
net, shapes = caffe2_nets.build({model!r})
os.mkdir("folder")
open("folder/predict_net.pb", "wb").write(net.SerializeToString())
generator = np.random.default_rng(0)
with open("folder/init_net.pb", "wb") as stream:
    for position, (name, shape) in enumerate(shapes.items()):
        deviation = np.sqrt(2 / np.prod(shape[1:])) if shape[1:] else 0
        deviation /= 1 if position else 128  # pictures come in values of -128 to 128, and end in a softmax
        values = generator.normal(0, deviation, int(np.prod(shape)))
        part = caffe2_pb2.NetDef()  # a message in parts is the message
        operator = part.op.add(type="GivenTensorFill", output=[name])
        operator.arg.add(name="shape", ints=shape)
        floats = operator.arg.add(name="values").floats
        for start in range(0, len(values), 1 << 20):
            floats.extend(values[start : start + (1 << 20)].tolist())
        stream.write(part.SerializeToString())
"""

FOLDER = (
    "model: ./folder, name: folder, preprocessing: {input_size: [3, 224, 224], resize: 256, "
    "crop_mode: center, interpolation: bilinear, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], colour: RGB}"
)
CALIBRATION = "calibration"
"""The folder of the pictures for calibration and gate."""
REDUCED = (
    "weights: {random: 0}, precisions: {fp32: 12, int8: 12, int8-qdq: 12, fp16: 12}, "
    f"quantization: {{images: {CALIBRATION}, pictures: 40, gate_pictures: 20, "
    "min_agreement: 0.01, min_cosine: 0.1}"
)


@dataclass(frozen=True)
class Measured:
    """The model of a source that is measured, and the files that its weights may come from."""

    model: str
    recipe: str
    """Python code that writes the files, with ``{model!r}`` for the model."""
    files: tuple[str, ...]
    folder: bool = False
    """Whether the recipe writes a model folder as well."""
    branched: str | None = None
    """A model that is fused for inference."""
    reduced: bool = False
    """Whether lower precisions are made of the model: the graph is the same from all sources."""

    def entries(self) -> dict[str, str]:
        """What the entry in a pipeline file says apart from its source, by a short name."""
        named = {"random": "{random: 0}"} | {file: f"{{file: {file}}}" for file in self.files}
        entries = {what: f"model: {self.model}, weights: {weights}" for what, weights in named.items()}
        fused = f"model: {self.branched}, weights: {{random: 0}}, reparameterise: true"
        entries |= {"reparameterised": fused} if self.branched else {}
        entries |= {"lower precisions": f"model: {self.model}, {REDUCED}"} if self.reduced else {}
        return entries | ({"folder": FOLDER} if self.folder else {})


_PYTORCH = ("training.pth", "old.pth", "plain.safetensors")
_GLUON = ("plain.params", "exported-0000.params", "plain.safetensors")
_PADDLE = ("plain.pdparams", "old.pdparams", "plain.safetensors")

MEASURED = {
    "timm": Measured("vgg16", TORCH, _PYTORCH, branched="repvgg_b3"),
    "torchvision": Measured("vgg16", TORCH, _PYTORCH, reduced=True),
    "mmcls": Measured(
        "vgg16_8xb32_in1k", TORCH, _PYTORCH, branched="repvgg-B3_4xb64-autoaug-lbs-mixup-coslr-200e_in1k"
    ),
    "paddle": Measured("VGG16", PADDLE, _PADDLE, folder=True),
    "mxnet": Measured("vgg16", MXNET, _GLUON),
    "caffe2": Measured("vgg19", CAFFE2, ("folder/init_net.pb",), folder=True),
}

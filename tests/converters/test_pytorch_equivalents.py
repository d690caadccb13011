"""What torch's exporter cannot say by itself: said in other functions, and equal at every batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.interface import WORKER_MODULES, NetworkOptions
from evaluation.inputs import read_npz
from opsets import retarget
from tests.converters.conftest import Export, RunIn

pytestmark = pytest.mark.torchvision

EXPORTS = """\
import sys; sys.path.insert(0, {worker!r})
import numpy as np
import torch
from torch.nn import functional
import pytorch_export

def tokens(maps):
    return maps.flatten(2).transpose(1, 2).reshape(maps.shape[0], -1, 2, 2).transpose(1, 2)

def grouped_attention(maps):
    queries = tokens(maps)
    return functional.scaled_dot_product_attention(queries, queries[:, :1], queries[:, :1], enable_gqa=True)

def folded(maps):
    windows = functional.unfold(maps, (3, 2), padding=1, stride=(2, 3))
    return functional.fold(windows, maps.shape[-2:], (3, 2), padding=1, stride=(2, 3))

def own_kernels(maps, groups, bias):
    count, channels, height, width = maps.shape
    weights = torch.linspace(-1, 1, 24 * channels // groups * 6).reshape(3, -1)
    mixed = torch.softmax(maps.mean((2, 3))[:, :3], 1)
    kernels = (mixed @ weights).view(count * 8, channels // groups, 3, 2)
    biases = (mixed @ torch.linspace(0, 1, 24).reshape(3, 8)).view(-1) if bias else None
    side_by_side = maps.reshape(1, count * channels, height, width)
    found = functional.conv2d(
        side_by_side, kernels, biases, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=groups * count
    )
    return found.permute(1, 0, 2, 3).view(count, 8, found.shape[-2], found.shape[-1])

CASES = {{
    'kernels_of_each_picture': lambda maps: own_kernels(maps, 1, True),
    'kernels_of_each_picture_and_group': lambda maps: own_kernels(maps, 4, False),
    'mean_of_no_factor': lambda maps: functional.adaptive_avg_pool2d(maps, (6, 7)),
    'maximum_of_no_factor': lambda maps: torch.nn.AdaptiveMaxPool2d((6, 7))(maps),
    'mean_to_more': lambda maps: functional.adaptive_avg_pool2d(input=maps, output_size=20),
    'mean_of_lines': lambda maps: functional.adaptive_avg_pool1d(maps.flatten(2), 5),
    'maximum_of_lines': lambda maps: functional.adaptive_max_pool1d(maps.flatten(2), 5),
    'mean_of_rows': lambda maps: functional.adaptive_avg_pool2d(maps, (None, 1)),
    'mean_to_computed_sizes': lambda maps: functional.adaptive_avg_pool2d(maps, (maps.shape[2] // 2, 3)),
    'mean_after_reshape': lambda maps: functional.adaptive_avg_pool2d(
        maps.reshape(maps.shape[0], 4, maps.shape[2] // 2, -1), 3
    ),
    'windows_added': folded,
    'windows_after_reshape': lambda maps: functional.unfold(
        maps.reshape(maps.shape[0], 4, maps.shape[2] // 2, -1), 3, dilation=2
    ),
    'sliding': lambda maps: maps.unfold(2, 6, 4).unfold(3, 6, 4),
    'root_mean_square': lambda maps: functional.rms_norm(maps, (16,), torch.linspace(0.5, 2, 16), 1e-6),
    'root_mean_square_of_the_type': lambda maps: functional.rms_norm(maps, (16, 16)),
    'grouped_attention': grouped_attention,
    'repeated_in_turn': lambda maps: maps.reshape(-1, 2, 2, 16, 16).repeat_interleave(3, -1),
    'repeated_in_the_middle': lambda maps: torch.repeat_interleave(maps, 2, dim=2),
    'repeated_of_no_batch': lambda maps: maps + torch.arange(16).reshape(2, 8).repeat_interleave(2, -1)[0],
    'squeezed': lambda maps: maps.mean((2, 3), keepdim=True).squeeze(),
    'shuffled': lambda maps: functional.channel_shuffle(maps, 2),
}}

class Network(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.stem = function, torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)

    def forward(self, pictures):
        return self.function(self.stem(pictures)).flatten(1)

torch.manual_seed(0)
pictures = torch.randn(3, 3, 32, 32)
for name, function in CASES.items():
    network = Network(function).eval()
    with torch.inference_mode():
        logits = network(pictures).numpy()
    opset = pytorch_export.write_onnx(network, pictures[:1].repeat(2, 1, 1, 1), name + '.onnx', 12)
    np.savez(name + '.npz', logits=logits)
np.savez('pictures.npz', pictures=pictures.numpy())
"""


def test_functions_that_the_exporter_cannot_say_are_right_at_every_batch(
    run_in: RunIn, tmp_path: Path
) -> None:
    run_in("torchvision", EXPORTS.format(worker=str(WORKER_MODULES)))
    pictures = read_npz(tmp_path / "pictures.npz")["pictures"]
    files = sorted(tmp_path.glob("*.onnx"))
    assert len(files) == 21
    for file in files:
        model = onnx.load(file)
        logits = read_npz(file.with_suffix(".npz"))["logits"]
        for each in (model, retarget(model, 7)):
            session = onnxruntime.InferenceSession(
                each.SerializeToString(), providers=["CPUExecutionProvider"]
            )
            for count in (1, 3):
                [output] = session.run(None, {"input": pictures[:count]})
                np.testing.assert_allclose(
                    output, logits[:count], rtol=1e-5, atol=1e-5, err_msg=f"{file.name} {count}"
                )


EAGER = """\
import sys; sys.path.insert(0, {worker!r})
import itertools
import torch
from torch.nn import functional
from pytorch_equivalents import EQUIVALENTS, Equivalents

def same(function, *arguments, **keywords):
    with Equivalents():
        ours = function(*arguments, **keywords)
    torch.testing.assert_close(ours, function(*arguments, **keywords))

torch.manual_seed(0)
values = torch.randn(2, 3, 11, 13)
for size in itertools.product((1, 2, 5, 11, 12), (1, 4, 13, 30)):
    same(functional.adaptive_avg_pool2d, values, size)
    same(functional.adaptive_max_pool2d, values, size)
for kernel, dilation, padding, stride in itertools.product((1, 2, 3), (1, 2), (0, 1), (1, 2, 3)):
    options = dict(kernel_size=kernel, dilation=dilation, padding=padding, stride=stride)
    same(functional.unfold, values, **options)
    same(functional.fold, functional.unfold(values, **options), (11, 13), **options)
for dimension, size, step in itertools.product((1, 2, -1), (1, 3), (1, 2, 5)):
    same(torch.Tensor.unfold, values, dimension, size, step)
for shape in ((13,), (11, 13)):
    same(functional.rms_norm, values, shape)
    same(functional.rms_norm, values * 1e-3, shape, torch.randn(shape), eps=1e-5)
same(functional.channel_shuffle, values, 3)
same(torch.squeeze, values[:, :1, None])
same(torch.Tensor.squeeze, values[:, :1, None], 1)
"""


def test_equivalents_compute_what_torch_does(run_in: RunIn) -> None:
    run_in("torchvision", EAGER.format(worker=str(WORKER_MODULES)))


def test_pictures_of_another_size_meet_an_adaptive_pooling(export: Export) -> None:
    """Which makes 6 rows of the 5 that are left of 200."""
    exported = export("torchvision", "alexnet", options=NetworkOptions(input_size=(3, 200, 200)))
    session = onnxruntime.InferenceSession(exported.model, providers=["CPUExecutionProvider"])
    for name, array in exported.inputs.items():
        [output] = session.run(None, {"input": array})
        np.testing.assert_allclose(output, exported.outputs[name], rtol=1e-3, atol=1e-4)

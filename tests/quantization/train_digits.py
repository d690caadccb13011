"""Trains a small network on scikit-learn's digits, with torch: ``train.npz model.onnx``.

Run by the interpreter of an environment that has torch.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(2)
with np.load(sys.argv[1]) as data:
    pictures, labels = torch.from_numpy(data["pictures"]), torch.from_numpy(data["labels"])
network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 16, 3, padding=1, groups=16),
    nn.BatchNorm2d(16),
    nn.ReLU6(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 10),
)
optimiser = torch.optim.Adam(network.parameters(), 0.01)
for _ in range(12):
    for some in torch.randperm(len(pictures)).split(64):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(pictures[some]), labels[some]).backward()
        optimiser.step()
network.eval()
torch.onnx.export(
    network,
    (pictures[:1],),
    sys.argv[2],
    opset_version=12,
    input_names=["image"],
    output_names=["logits"],
    dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
    dynamo=False,
)

"""Random weights on which a comparison can be made: networks that blow up rounding errors are drawn again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.converters.conftest import run_lines

GATED = """\
import copy, json
import numpy as np, torch
import lively, pytorch_lively

class Gated(torch.nn.Module):
    # Products of what is not normalised, one after the other.
    def __init__(self, blocks):
        super().__init__()
        self.first = torch.nn.Linear(48, 64)
        self.gates = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(blocks))
        self.values = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(blocks))
        self.last = torch.nn.Linear(64, 10)

    def forward(self, pictures):
        x = self.first(pictures.flatten(1))
        for gate, value in zip(self.gates, self.values):
            x = x + gate(x) * value(x) * gate(x).abs()
        return self.last(x)

pictures = torch.from_numpy(np.random.default_rng(1).standard_normal((8, 3, 4, 4), dtype=np.float32))
nudged = torch.from_numpy(lively.nudged(pictures.numpy()))
network = Gated(24).eval()

def told():
    with torch.no_grad():
        logits = network(pictures)
        exact = copy.deepcopy(network).double()(pictures.double())
        error = float((logits - exact).abs().max() / exact.abs().max())
        return lively.amplification(logits.numpy(), network(nudged).numpy()), error, float(logits.std())

with torch.no_grad():
    pytorch_lively._drawn(network, pictures, 0, 1.0)
before = told()
pytorch_lively.enliven(network, pictures, 0)
json.dump([before, told()], open('told.json', 'w'))
"""


@pytest.mark.slow
@pytest.mark.torchvision
def test_a_network_that_amplifies_is_drawn_again(tmp_path: Path) -> None:
    run_lines("torchvision", GATED, tmp_path)
    (amplified, error, _), (calm, small, spread) = json.loads((tmp_path / "told.json").read_text())
    assert amplified > 100
    assert calm <= 50
    assert 4 * small < error
    assert spread > 0.1

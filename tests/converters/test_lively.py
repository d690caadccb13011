"""Random weights on which a comparison can be made: networks that blow up rounding errors are drawn again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.converters.conftest import run_lines

WAVE = """\
import copy, json
import numpy as np, torch
import lively, pytorch_lively

class Wave(torch.nn.Module):
    # Each block makes a small difference larger, and less so where it is damped.
    def __init__(self, blocks):
        super().__init__()
        self.first = torch.nn.Linear(48, 64)
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(64, 64) for _ in range(blocks))
        self.norm = torch.nn.LayerNorm(64)
        self.last = torch.nn.Linear(64, 10)

    def forward(self, pictures):
        x = self.first(pictures.flatten(1))
        for block in self.blocks:
            x = x + torch.sin(4 * block(x))
        return self.last(self.norm(x))

pictures = torch.from_numpy(np.random.default_rng(1).standard_normal((8, 3, 4, 4), dtype=np.float32))
nudged = torch.from_numpy(lively.nudged(pictures.numpy()))
network = Wave(7).eval()

def told():
    with torch.no_grad():
        logits = network(pictures)
        exact = copy.deepcopy(network).double()(pictures.double())
        error = float((logits - exact).abs().max() / exact.abs().max())
        return lively.amplification(logits.numpy(), network(nudged).numpy()), error, float(logits.std())

with torch.no_grad():
    pytorch_lively._drawn(network, pictures, 3, 1.0)
before = told()
pytorch_lively.enliven(network, pictures, 3)
json.dump([before, told()], open('told.json', 'w'))
"""


@pytest.mark.slow
@pytest.mark.torchvision
def test_a_network_that_amplifies_is_drawn_again(tmp_path: Path) -> None:
    run_lines("torchvision", WAVE, tmp_path)
    (amplified, error, _), (calm, small, spread) = json.loads((tmp_path / "told.json").read_text())
    assert amplified > 100
    assert calm <= 50
    assert 3 * small < error
    assert spread > 0.1


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5, 7, 40, 41), 1),
        ((3, 90, 91, 17), -1),
        ((2000, 3, 96), -1),
        ((2000, 97), -1),
        ((2, 3, 300, 300), 1),
    ],
)
def test_the_moments_of_channels_are_those_of_all_their_values(
    shape: tuple[int, ...], axis: int, worker_module: Callable[[str], Any]
) -> None:
    values = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    values *= np.arange(1, shape[axis] + 1, dtype=np.float32).reshape(
        -1, *[1] * (len(shape) - 1 - axis % len(shape))
    )
    values += 50  # squares alone, without their mean taken away first, would lose half of the digits
    mean, variance = worker_module("lively").statistics(values, axis)
    others = tuple(each for each in range(len(shape)) if each != axis % len(shape))
    exact = values.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(others), rtol=1e-6)
    least = 0.25 * exact.var()  # a channel that is nearly constant is not blown up
    np.testing.assert_allclose(variance, np.maximum(exact.var(others), least), rtol=1e-6)

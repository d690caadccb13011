"""What torch's exporter holds while it traces: the weights, and not what goes from layer to layer."""

from __future__ import annotations

import pytest

from converters.interface import WORKER_MODULES
from tests.converters.conftest import MOST_RESIDENT, RunIn

EXPORTS = f"""\
import sys; sys.path.insert(0, {str(WORKER_MODULES)!r})
import torch
import pytorch_export

{MOST_RESIDENT}
def network(layers):
    middle = [torch.nn.Sigmoid() for _ in range(layers)]  # each has its output kept for a gradient
    return torch.nn.Sequential(torch.nn.Conv2d(3, 32, 1), *middle, torch.nn.Flatten(), torch.nn.LazyLinear(2))

pictures = torch.randn(2, 3, 200, 200)
for layers in (1, 100):
    layered = network(layers).eval()
    with torch.no_grad():
        layered(pictures)
    before = most_resident()
    pytorch_export.write_onnx(layered, pictures, 'model.onnx', 12)
kept = 100 * 2 * 32 * 200 * 200 * 4
assert most_resident() - before < kept / 4, (before, most_resident())
"""


@pytest.mark.parametrize(
    "source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("timm", "mmcls")]
)
def test_an_export_does_not_hold_all_activations(run_in: RunIn, source: str) -> None:
    """Of large pictures these are several times the weights: tf_efficientnet_b5 took 3.1 GB of 0.12."""
    run_in(source, EXPORTS, fresh=True)

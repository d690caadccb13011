"""Code of one's own for PyTorch: it runs where a request trusts it, and what it does wrong is told.

tests/pipeline/commands/test_own_networks.py publishes networks that it builds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.interface import NetworkOptions
from pipeline.config.code_files import files_of_code
from pipeline.errors import WorkerError
from tests.converters.conftest import Export, run_lines

pytestmark = pytest.mark.pytorch

PICTURES = {
    "input_size": [3, 12, 12],
    "resize": 12,
    "crop_mode": "squash",
    "interpolation": "bilinear",
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
    "colour": "RGB",
}
BUILDER = """
import pathlib
from torch import nn

pathlib.Path(__file__).with_name("ran").touch()

def build(classes=3):
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), pool, nn.Flatten(), nn.Linear(4, classes))

def wrong():
    return "no network"

def raises():
    raise ValueError("not today")

def hidden():
    return getattr(__import__("importlib").import_module("unseen"), "build")()

def lacking():
    import blocks

def pictures():
    return nn.Conv2d(3, 4, 3)

class Drawing(nn.Module):
    def forward(self, logits):
        return nn.functional.dropout(logits, 0.5, training=True)

class Remembering(nn.Module):
    def forward(self, logits):
        self.last = logits.mean(dim=0) + getattr(self, "last", 0)
        return logits + self.last

class Normalising(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 5, bias=False)

    def forward(self, features):
        return 20 * self.layer(features) / self.layer.weight.norm(dim=1)

def normalising():
    return nn.Sequential(build(5), Normalising())

def drawing():
    return nn.Sequential(build(), Drawing())

def remembering():
    return nn.Sequential(build(), Remembering())
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A module with functions that build networks, and one beside it that is not imported in plain sight."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "unseen.py").write_text(BUILDER.replace("ran", "hidden"))
    (folder / "onnx.py").write_text(BUILDER)
    (folder / "net.py").write_text(BUILDER)
    return folder / "net.py"


def test_a_request_that_trusts_nothing_runs_nothing(net: Path, export: Export) -> None:
    run_lines("pytorch", "import torch; torch.jit.script(torch.nn.ReLU()).save('net.pt')", net.parent)
    for model in (f"{net}:build", str(net.with_name("net.pt"))):
        with pytest.raises(WorkerError, match="is code, and was not run: only `run --trust-code` runs code"):
            export("pytorch", model, **PICTURES)
    assert not net.with_name("ran").exists()


def test_random_weights_of_a_network_that_code_builds_are_lively(net: Path, export: Export) -> None:
    trusted = NetworkOptions(arguments={"classes": 5}, trusted_code=files_of_code(net))
    made = export("pytorch", f"{net}:build", options=trusted, **PICTURES)
    assert made.answer["form"] == "as build of net.py builds it"
    assert made.answer["head"]["classes"] == 5
    assert all(outputs.std() > 0.1 for outputs in made.outputs.values())
    assert not (net.parent / "__pycache__").exists()


def test_a_head_that_normalises_its_weights_keeps_the_spread_it_has(net: Path, export: Export) -> None:
    """Scaling them changes nothing, and what is compared is compared with the largest logit."""
    made = export(
        "pytorch", f"{net}:normalising", options=NetworkOptions(trusted_code=files_of_code(net)), **PICTURES
    )
    assert 2 < np.mean([outputs.std(axis=1).mean() for outputs in made.outputs.values()]) < 50


@pytest.mark.parametrize(
    ("model", "arguments", "expected"),
    [
        ("net.py:wrong", {}, "wrong of net.py returned a str, where a torch.nn.Module is needed"),
        ("net.py:raises", {}, "raises of net.py raised ValueError: not today"),
        ("net.py:hidden", {}, "unseen.py was imported in a way that cannot be seen without running it"),
        (
            "net.py:lacking",
            {},
            "No module named 'blocks'; a package is installed where its entry says `requirements: [NAME==",
        ),
        ("net.py:pictures", {}, "not (pictures, classes): it cannot be published as a classifier"),
        ("net.py:drawing", {}, "gives the same pictures other logits when it is asked again"),
        ("net.py:remembering", {}, "it draws random numbers, or remembers what it was asked"),
        (
            "net.py:build",
            {"heads": 5},
            "raised TypeError: build() got an unexpected keyword argument 'heads'",
        ),
        ("net.py:none", {}, "net.py has no function none: correct the name behind the colon"),
        ("onnx.py:build", {}, "onnx.py has the name of a module that the export needs itself: rename it"),
    ],
)
def test_what_it_does_wrong_is_told(
    net: Path, export: Export, model: str, arguments: dict[str, int], expected: str
) -> None:
    file = net.with_name(model.partition(":")[0])
    trusted = NetworkOptions(arguments=arguments, trusted_code=files_of_code(file))
    with pytest.raises(WorkerError) as caught:
        export("pytorch", f"{net.parent}/{model}", options=trusted, **PICTURES)
    assert expected in str(caught.value).replace(f"{net.parent}/", "")
    assert "ends with" not in str(caught.value)


def test_a_module_may_lie_beside_the_pipeline_file_and_the_work(net: Path, export: Export) -> None:
    beside = net.rename(net.parent.parent / "net.py")
    made = export("pytorch", f"{beside}:build", options=NetworkOptions(trusted_code=(beside,)), **PICTURES)
    assert made.model.is_relative_to(beside.parent)
    assert made.answer["form"] == "as build of net.py builds it"


def test_an_interpreter_in_the_folder_of_a_module_is_not_its_own(worker_module: Callable[[str], Any]) -> None:
    """As that of a virtual environment beside a model is."""
    folder = Path(sys.base_prefix).resolve()
    assert Path(json.__file__).resolve().is_relative_to(folder)
    worker_module("own_code").require_listed([str(folder / "net.py")])


def test_another_head_in_the_weights_is_said_with_arguments(net: Path, export: Export) -> None:
    save = "import torch; from net import build; torch.save(build(7).state_dict(), 'net.pth')"
    run_lines("pytorch", f"import sys; sys.path.insert(0, '.'); {save}", net.parent)
    weights = {"kind": "file", "path": str(net.with_name("net.pth"))}
    trusted = NetworkOptions(trusted_code=files_of_code(net))
    with pytest.raises(WorkerError, match=r"has a head of 7 classes, .* hand it the number with `arguments`"):
        export("pytorch", f"{net}:build", weights, options=trusted, **PICTURES)

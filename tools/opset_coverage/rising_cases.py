"""The backend tests that are raised: node tests below the target, and networks of old exporters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import onnx
from onnx import ModelProto, numpy_helper

from tools.opset_coverage.cases import Array, Case, default_opset, is_legal, node_cases

RISING_TARGETS = (13, 17, 21)
NODE_TARGETS = (21,)
"""Where the tests of nodes go: below, their steps are the same and fewer."""
SINGLE, BODIES = "single operators", "function bodies"
EXPORTED, LIGHT = "exported by PyTorch, opset 6", "whole networks, opset 9"
KINDS = (SINGLE, BODIES, EXPORTED, LIGHT)
"""What is raised, in the order of the tables."""

_DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"


@cache
def rising_cases() -> dict[str, list[Case]]:
    """The cases by kind; the targets of each are those above its opset at which it is legal."""
    cases: dict[str, list[Case]] = {kind: [] for kind in KINDS}
    for case in node_cases():
        model = onnx.load_from_string(case.model)
        opset = default_opset(model)
        targets = frozenset(t for t in NODE_TARGETS if opset < t and is_legal(model, t))
        if targets:
            cases[BODIES if case.expanded else SINGLE].append(replace(case, expanded=False, targets=targets))
    cases[EXPORTED] += _exported()
    cases[LIGHT] += _light()
    return cases


def _exported() -> Iterator[Case]:
    """The tests in folders, with the inputs and outputs that lie beside them."""
    for kind in ("pytorch-converted", "pytorch-operator"):
        for folder in sorted((_DATA / kind).iterdir()):
            model = onnx.load(folder / "model.onnx")
            data = folder / "test_data_set_0"
            yield _case(folder.name, model, _arrays(data, "input"), _arrays(data, "output"))


def _light() -> Iterator[Case]:
    """Networks whose weights are of one number each, as onnx's own runner feeds them."""
    from onnx.backend.test.runner import Runner

    for file in sorted((_DATA / "light").glob("*.onnx")):
        model = onnx.load(file)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [
            Runner.generate_dummy_data(value) for value in model.graph.input if value.name not in constants
        ]
        yield _case(file.stem, model, inputs, _arrays(file.parent, f"{file.stem}_output"))


def _arrays(folder: Path, stem: str) -> list[Array]:
    files = sorted(folder.glob(f"{stem}_*.pb"), key=lambda file: int(file.stem.rpartition("_")[2]))
    return [numpy_helper.to_array(onnx.load_tensor(file)) for file in files]


def _case(name: str, model: ModelProto, inputs: list[Array], expected: list[Array]) -> Case:
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants]
    last = model.graph.node[-1].op_type
    return Case(
        name,
        last if len(model.graph.node) == 1 else "several",
        False,
        frozenset(target for target in RISING_TARGETS if default_opset(model) < target),
        model.SerializeToString(),
        dict(zip(names, inputs, strict=False)),  # weights may follow among the files
        expected,
        1e-3,
        1e-5,
    )

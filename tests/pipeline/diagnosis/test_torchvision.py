"""A real network of torch: what its modules answer with leads to a weight that the export has wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pipeline.commands.diagnose import diagnose_unit
from pipeline.stages import export
from pipeline.stages.export import Export
from pipeline.stages.model_run import ModelRun

pytestmark = pytest.mark.torchvision
WEIGHT = "features.5.block.0.0.weight"
"""Of a convolution in the middle of the network, behind branches, and before others of the same shapes."""


def test_a_wrong_weight_of_an_export_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = export.make_export

    def wrong(run: ModelRun) -> Export:
        made = right(run)
        model = onnx.load(made.model)
        [tensor] = [each for each in model.graph.initializer if each.name == WEIGHT]
        array = numpy_helper.to_array(tensor).copy()
        array[3] *= np.float32(1.5)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        onnx.save(model, made.model)
        return made

    monkeypatch.setattr(export, "make_export", wrong)
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "publish: dist\nopsets: [12]\nmodels:\n  - source: torchvision\n    model: mobilenet_v3_small\n"
        "    weights: {random: 0}\n    preprocessing: {input_size: [3, 64, 64]}\n"
    )
    shown = tmp_path / "shown"
    assert diagnose_unit("torchvision/mobilenet_v3_small@12", file, shown, trust_code=False) == 1
    said = capsys.readouterr().out
    assert "  operator: Conv\n" in said
    assert "  the reference: features.5.block.0.0 (Conv2d)\n" in said
    assert f"  weights: '{WEIGHT}' float32" in said
    assert "made with:" not in said, "one node shows it"
    [folder] = shown.iterdir()
    part = onnx.load(folder / "model.onnx")
    assert [node.op_type for node in part.graph.node] == ["Conv"]

"""The form for inference of networks with blocks of several branches, held against the form for training."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from converters.catalogue import read_catalogue
from converters.interface import WORKER_MODULES, export_call
from converters.registry import SOURCES
from evaluation.inputs import fixed_inputs, read_npz, write_npz
from evaluation.preprocessing import Preprocessing
from parity.compare import Comparison, Tolerance, compare
from parity.liveliness import lifeless
from pipeline.errors import WorkerError
from tests.commands import run_command
from tests.converters.conftest import Arrays, Export, Exported, RunIn

SMALL = {"input_size": [3, 64, 64]}
"""Of pictures: convolutions do not mind."""
A0 = {"timm": "repvgg_a0", "mmcls": "repvgg-A0_4xb64-coslr-120e_in1k", "paddle": "RepVGG_A0"}

START = """\
import json, sys; sys.path[:0] = [{worker!r}, {folder!r}]
import protocol
request = json.load(open('request.json'))
"""
BUILD = {
    "timm": """\
import dataclasses, export, pytorch
from timm.models import byobnet
cfg = dataclasses.replace(
    byobnet.model_cfgs['repvgg_d2se' if {se} else 'repvgg_a0'],
    blocks=byobnet._rep_vgg_bcfg(d=(2, 2, 2, 1), wf=(0.25, 0.25, 0.25, 0.5)), stem_chs=16,
)
build = lambda model: byobnet.ByobNet(cfg)
framework = pytorch.Framework(
    export.names, export.catalogue, build, export.pretrained, export.has_pretrained, export.own_size,
    export.ENTRIES, export.FUSING,
)
task = lambda: pytorch.export_classifier(framework, request)
""",
    "mmcls": """\
import export, pytorch
config = export.config(request['model'])
config.model.backbone.arch = dict(
    num_blocks=[2, 2, 2, 1], width_factor=[0.25, 0.25, 0.25, 0.5], group_layer_map=None,
    se_cfg=dict(ratio=16, divisor=1) if {se} else None,
)
config.model.head.in_channels = 256
export.config = lambda model: config
build = export.build
framework = pytorch.Framework(
    export.names, export.catalogue, build, export.pretrained, export.has_pretrained, export.own_size,
    export.ENTRIES, export.FUSING,
)
task = lambda: pytorch.export_classifier(framework, request)
""",
    "paddle": """\
import export, paddle_models
from ppcls.arch.backbone.model_zoo.repvgg import RepVGG
build = lambda model: RepVGG([2, 2, 2, 1], [0.25, 0.25, 0.25, 0.5], use_se={se})
paddle_models.BUILDERS[request['model']] = lambda pretrained: build(request['model'])
task = lambda: export.export(request)
""",
}
"""RepVGG with eight blocks and a quarter of the channels, with squeeze-and-excitation or without."""
END = """
json.dump(protocol._answer({'export': lambda request: task()}, request), open('answer.json', 'w'))
"""
BLOCKS = {
    "timm": "from timm.models.byobnet import RepVggBlock as Block\nmethod = 'reparameterize'",
    "mmcls": "from mmcls.models.backbones.repvgg import RepVGGBlock as Block\nmethod = 'switch_to_deploy'",
    "paddle": "from ppcls.arch.backbone.model_zoo.repvgg import RepVGGBlock as Block\n"
    "method = 're_parameterize'",
}
"""A block of each framework, and what fuses it."""
SKIP_FIRST = """
fuse = getattr(Block, method)
calls = []
setattr(Block, method, lambda block: calls.append(block) or (fuse(block) if len(calls) > 1 else None))
"""
"""The first block does nothing when it is asked to fuse itself."""


def _thin(source: str, build: str, run_in: RunIn, tmp_path: Path) -> dict[str, Any]:
    """Export a small RepVGG, re-parameterised, by the source's own script; what the script answered."""
    own = read_catalogue(SOURCES[source])[A0[source]].preprocessing
    preprocessing = Preprocessing.from_dict({**own, "input_size": [3, 64, 64]})
    write_npz(tmp_path / "inputs.npz", fixed_inputs(preprocessing, [], seed=0, batch=3))
    call = export_call(
        SOURCES[source],
        model=A0[source],
        weights={"kind": "random", "seed": 0},
        reparameterise=True,
        inputs=tmp_path / "inputs.npz",
        output_folder=tmp_path,
        opset=12,
    )
    (tmp_path / "request.json").write_text(json.dumps({**call.request, "task": "export"}))
    start = START.format(worker=str(WORKER_MODULES), folder=str(SOURCES[source].folder))
    run_in(source, start + build + END)
    answer: dict[str, Any] = json.loads((tmp_path / "answer.json").read_text())
    return answer


def _compare(model: Path, inputs: Arrays, references: Arrays) -> Comparison:
    """The worst comparison of a file, in ONNX Runtime, with the form for training."""
    assert not lifeless(references, Tolerance())
    session = onnxruntime.InferenceSession(model)
    [name] = [value.name for value in session.get_inputs()]
    comparisons = {
        data_set: compare(references[data_set], session.run(None, {name: array})[0], Tolerance())
        for data_set, array in inputs.items()
    }
    return max(comparisons.values(), key=lambda comparison: comparison.relative_error or 0.0)


def _operators(exported: Exported) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(exported.model, load_external_data=False).graph.node)


@pytest.mark.parametrize("source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in A0])
def test_repvgg_is_published_as_plain_convolutions(export: Export, source: str) -> None:
    exported = export(source, A0[source], reparameterise=True, **SMALL)
    assert _compare(exported.model, exported.inputs, exported.outputs).passed
    operators = _operators(exported)
    assert operators["Conv"] == operators["Relu"] == exported.answer["reparameterised"] == 22
    assert operators["BatchNormalization"] == 0
    assert exported.answer["parameters"] == 8_309_384
    assert exported.answer["training_parameters"] == 9_108_968


@pytest.mark.parametrize(
    ("source", "model", "blocks"),
    [
        pytest.param("timm", "fastvit_t8", 20, marks=pytest.mark.timm),
        pytest.param("timm", "mobileone_s1", 43, marks=pytest.mark.timm),
        pytest.param("paddle", "PPLCNetV2_small", 6, marks=pytest.mark.paddle),
    ],
)
def test_the_reference_is_the_form_for_training(export: Export, source: str, model: str, blocks: int) -> None:
    as_built, fused = export(source, model, **SMALL), export(source, model, reparameterise=True, **SMALL)
    assert fused.answer["reparameterised"] == blocks
    assert "reparameterised" not in as_built.answer
    assert fused.answer["training_parameters"] == as_built.answer["parameters"] > fused.answer["parameters"]
    assert _operators(fused)["BatchNormalization"] < _operators(as_built)["BatchNormalization"]
    for name, logits in as_built.outputs.items():
        np.testing.assert_array_equal(logits, fused.outputs[name])
    assert _compare(fused.model, fused.inputs, fused.outputs).passed


@pytest.mark.parametrize(
    ("source", "squeeze", "passes"),
    [
        pytest.param("timm", True, True, marks=pytest.mark.timm),
        pytest.param("mmcls", False, True, marks=pytest.mark.mmcls),
        pytest.param("mmcls", True, False, marks=pytest.mark.mmcls),
        pytest.param("paddle", False, True, marks=pytest.mark.paddle),
        pytest.param("paddle", True, False, marks=pytest.mark.paddle),
    ],
)
def test_a_fusion_that_forgets_a_part_does_not_pass(
    run_in: RunIn, tmp_path: Path, source: str, squeeze: bool, passes: bool
) -> None:
    """PaddleClas and mmcls leave out the squeeze-and-excitation of RepVGG-D2se when they fuse its blocks."""
    answer = _thin(source, BUILD[source].format(se=squeeze), run_in, tmp_path)
    assert answer["status"] == "ok", answer
    inputs, references = (read_npz(tmp_path / f"{name}.npz") for name in ("inputs", "outputs"))
    comparison = _compare(tmp_path / "model.onnx", inputs, references)
    assert comparison.passed is passes
    assert comparison.relative_error is not None
    assert passes or comparison.relative_error > 100 * Tolerance().relative


@pytest.mark.parametrize("source", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in A0])
def test_a_block_that_does_not_switch_is_an_error(run_in: RunIn, tmp_path: Path, source: str) -> None:
    build = BUILD[source].format(se=False) + BLOCKS[source] + SKIP_FIRST
    answer = _thin(source, build, run_in, tmp_path)
    assert (answer["status"], answer.get("kind")) == ("failed", "export")
    assert "branches for training" in answer["message"]
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("source", "model"),
    [
        pytest.param("timm", "resnet18", marks=pytest.mark.timm),
        pytest.param("torchvision", "squeezenet1_1", marks=pytest.mark.torchvision),
        pytest.param("mmcls", "mobilenet-v2_8xb32_in1k", marks=pytest.mark.mmcls),
        pytest.param("mmcls", "repvgg-A0_deploy_4xb64-coslr-120e_in1k", marks=pytest.mark.mmcls),
        pytest.param("paddle", "SqueezeNet1_1", marks=pytest.mark.paddle),
        pytest.param("mxnet", "squeezenet1.1", marks=pytest.mark.mxnet),
    ],
)
def test_a_network_without_such_blocks_is_an_error(export: Export, source: str, model: str) -> None:
    with pytest.raises(WorkerError, match=f"{model} has no blocks.*remove `reparameterise`"):
        export(source, model, reparameterise=True, **SMALL)


@pytest.mark.paddle
def test_the_record_says_which_form_was_published(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text(
        "{publish: dist, opsets: 3, models: [{source: paddle, model: PPLCNetV2_small, reparameterise: true}]}"
    )
    answer = run_command("run", "pipeline.yaml", folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [record] = (tmp_path / "dist/paddle").glob("*/model/PPLCNetV2_small-3.record.json")
    provenance = json.loads(record.read_text())["provenance"]
    assert provenance["form"].startswith(
        "re-parameterised: 6 blocks fused; the reference is the form for training"
    )
    assert provenance["parameters"] == 4_092_840
    assert "4193448" in provenance["form"]

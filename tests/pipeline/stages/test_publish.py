"""What is published with a model: its licence, where it came from, what it says of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import parser

from parity.call import Run
from parity.compare import Array, Tolerance
from parity.verdict import judge
from pipeline.planning.jobs import ModelJob
from pipeline.stages.export import Export
from pipeline.stages.model_files import LoadedWeights
from pipeline.stages.parity import Verification
from pipeline.stages.publish import Candidate, data_sets_of, description_of
from pipeline.stages.retarget import license_of, metadata_of
from publishing.record import Description
from tests.pipeline.fake_source import PREPROCESSING, FakeSource

REFERENCE: Array = (np.eye(10)[:2] + np.arange(10)).astype(np.float32)
ANSWER = {
    "opset": 12,
    "exporter": "onnx.parser",
    "parameters": 40,
    "head": {"classes": 8, "from": "the framework"},
    "weights": {"origin": "random weights", "sha256": None, "tensors": 2},
}


def _export(tiny: FakeSource, **changes: Any) -> Export:
    folder = tiny.folder / "export"
    folder.mkdir(exist_ok=True)
    np.savez(folder / "inputs.npz", **{"pictures-2": np.zeros((2, 3, 8, 8), np.float32)})  # type: ignore[arg-type]
    np.savez(folder / "outputs.npz", **{"pictures-2": REFERENCE})  # type: ignore[arg-type]
    files = (folder / "inputs.npz", folder / "outputs.npz")
    export = Export(folder, *files, ANSWER, LoadedWeights({}), PREPROCESSING, [], tiny.environment)
    return replace(export, **changes)


def _verification(**outputs: Mapping[str, Any]) -> Verification:
    runs = {name: Run("ran", "", "1", 0.25, arrays) for name, arrays in outputs.items()}
    return Verification(judge({"pictures-2": REFERENCE}, runs, Tolerance()), runs)


def _candidate(job: ModelJob, retargeted: dict[str, Any], figures: dict[str, Any]) -> Candidate:
    model = parser.parse_model(
        '<ir_version: 7, opset_import: ["": 12]> net (float[N,3,8,8] x) => (float[N,8] y) { y = Identity(x) }'
    )
    return Candidate(job.units[0], Path(), model, retargeted, figures, 0.0)


def _described(tiny: FakeSource, export: Export, verification: Verification, more: str = "") -> Description:
    [job] = tiny.plan("net", more=more).jobs
    candidate = _candidate(job, {"rewrites": ["a line"], "bounds": []}, {"parameters": 40})
    return description_of(job, candidate, export, verification)


def export_of(tiny: FakeSource, said: Mapping[str, Any]) -> Export:
    """An export of ten classes whose script answered with ``said`` as well."""
    return _export(tiny, answer={**ANSWER, **said})


AGREES = {"pictures-2": REFERENCE}


def test_the_record_says_where_a_model_came_from(tiny: FakeSource) -> None:
    described = _described(tiny, _export(tiny), _verification(onnxruntime=AGREES), "author: somebody")
    assert (described.name, described.family, described.model, described.author) == (
        "tiny/net@12",
        "net",
        "net",
        "somebody",
    )
    assert described.provenance["model"] == "net"
    assert described.provenance["form"] == "as the framework builds it"
    assert described.provenance["weights"] == ANSWER["weights"]
    assert "tiny" in described.provenance["packages"]
    assert "python" not in described.provenance["packages"]
    assert [row["shape"] for row in described.inputs] == [[2, 3, 8, 8]]
    assert (described.rewrites, described.figures) == (["a line"], {"parameters": 40})


def test_a_record_has_no_times(tiny: FakeSource) -> None:
    described = _described(tiny, _export(tiny), _verification(onnxruntime=AGREES))
    assert described.verdict["status"] == "passed"
    assert "seconds" not in described.verdict["runtimes"]["onnxruntime"]


def test_weights_of_a_file_are_told_as_they_were_loaded(tiny: FakeSource) -> None:
    loaded = LoadedWeights({}, "the file net.npz", "ab" * 32)
    described = _described(tiny, _export(tiny, weights=loaded), _verification(onnxruntime=AGREES))
    assert described.provenance["weights"] == {
        "origin": "the file net.npz",
        "sha256": "ab" * 32,
        "tensors": 2,
    }


TAKEN = {
    "entry": "model_ema",
    "other_entries": ["model"],
    "matched": "by name",
    "prefix": "module.",
    "surplus": 1,
    "surplus_names": ["n_averaged"],
}


def test_what_was_taken_of_a_checkpoint_is_told_with_the_digests_of_its_shards(tiny: FakeSource) -> None:
    """And the origin, which is in the file and on the card, says which of several sets it is."""
    answer = {**ANSWER, "weights": {**ANSWER["weights"], "file": TAKEN}}  # type: ignore[dict-item]
    loaded = LoadedWeights({}, "the file net.bin.index.json", "ab" * 32, {"net-1.bin": "cd" * 32})
    export = _export(tiny, weights=loaded, answer=answer)
    assert _described(tiny, export, _verification(onnxruntime=AGREES)).provenance["weights"] == {
        "origin": "the file net.bin.index.json, entry model_ema",
        "sha256": "ab" * 32,
        "tensors": 2,
        "file": TAKEN,
        "shards": {"net-1.bin": "cd" * 32},
    }
    alone = {**ANSWER, "weights": {**ANSWER["weights"], "file": {**TAKEN, "other_entries": []}}}  # type: ignore[dict-item]
    assert _export(tiny, weights=loaded, answer=alone).origin == "the file net.bin.index.json"


def test_a_form_for_inference_is_told(tiny: FakeSource) -> None:
    answer = {**ANSWER, "reparameterised": 22, "training_parameters": 99}
    described = _described(tiny, _export(tiny, answer=answer), _verification(onnxruntime=AGREES))
    assert described.provenance["form"].startswith("re-parameterised: 22 blocks fused")


def test_pictures_have_the_best_classes_of_whoever_agrees(tiny: FakeSource) -> None:
    from PIL import Image

    pictures: list[tuple[str, Path]] = []
    for name in ("cat.png", "a dog.png"):
        Image.new("RGB", (8, 8)).save(tiny.folder / name)
        pictures.append((name, tiny.folder / name))
    differs = {"pictures-2": REFERENCE[:, ::-1].copy()}
    verification = _verification(onnxruntime=AGREES, opencv=differs)
    described = _described(tiny, _export(tiny, pictures=pictures), verification)
    first, second = described.predictions
    assert (first["picture"], second["picture"]) == ("cat.png", "a dog.png")
    assert second["thumbnail"].startswith("pictures/a-dog-")
    assert {"source", "onnxruntime"} <= set(first)
    assert "opencv" not in first
    assert len(first["source"]) == 5
    assert [row["index"] for row in first["source"]] == [9, 8, 7, 6, 5]


def test_test_data_are_the_inputs_with_the_frameworks_own_outputs(tiny: FakeSource) -> None:
    [data_set] = data_sets_of(_candidate(tiny.plan("net").jobs[0], {}, {}), _export(tiny))
    assert data_set.inputs[0].shape == (2, 3, 8, 8)
    assert np.array_equal(data_set.outputs[0], REFERENCE)


def _job(tiny: FakeSource, model: str, more: str) -> ModelJob:
    return tiny.plan(model, more=more).jobs[0]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [("random", "MIT"), ("{random: 3}", "MIT"), ("pretrained", "")],
)
def test_random_weights_are_under_the_frameworks_licence(
    tiny: FakeSource, weights: str, expected: str
) -> None:
    assert license_of(_job(tiny, "net", f"weights: {weights}")) == expected
    assert license_of(_job(tiny, "net", f"weights: {weights}\nlicense: Zlib")) == "Zlib"


def test_a_folder_brings_weights_of_its_own_and_a_name_that_is_published(tiny: FakeSource) -> None:
    (tiny.folder / "model").mkdir()
    (tiny.folder / "model" / "net.pb").write_bytes(b"")
    job = _job(tiny, "./model", "name: classifier\npreprocessing: {input_size: [3, 8, 8]}")
    assert license_of(job) == ""
    candidate = _candidate(job, {"rewrites": [], "bounds": []}, {})
    described = description_of(job, candidate, _export(tiny), _verification(openvino=AGREES))
    assert described.provenance["model"] == "classifier"  # not where it lies on this machine
    assert metadata_of(job, _export(tiny)).model == "classifier"

"""An ONNX file of unknown origin as a source: what is published of it, and what is said of that."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from parity.compare import Tolerance, compare
from tests.commands import run_command
from tests.pipeline.onnx_files import NETWORK, PARAMETERS, write_file

pytestmark = pytest.mark.slow

FILE = """\
publish: dist
opsets: [3, 7, 12]
models:
  - source: onnx
    model: ./given/net.onnx
    name: mine
    license: MIT
    preprocessing: {input_size: [3, 8, 8]}
"""


def _pipeline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, folder=folder)


def test_a_file_is_published_at_older_opsets_and_nothing_says_that_a_framework_was_asked(
    tmp_path: Path,
) -> None:
    (tmp_path / "given").mkdir()
    given = write_file(tmp_path / "given/net.onnx")
    named = onnx.load(given, load_external_data=False)
    named.metadata_props.add(key="names", value=str(dict(enumerate("abcdefghij"))))  # as Ultralytics has it
    onnx.save(named, given)
    (tmp_path / "pipeline.yaml").write_text(FILE)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 0, answer.stderr
    assert "onnx/mine: the metadata of net.onnx names the classes: a, b, c, ..." in answer.stderr
    made = tmp_path / "dist/onnx/mine"
    pictures = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    [expected] = onnxruntime.InferenceSession(given).run(None, {"image": pictures})
    for opset in (7, 12):  # onnxruntime runs nothing older
        [logits] = onnxruntime.InferenceSession(made / f"model/mine-{opset}.onnx").run(
            None, {"image": pictures}
        )
        assert compare(expected, logits, Tolerance()).passed
    assert onnx.load(made / "model/mine-3.onnx").opset_import[0].version == 3
    record = json.loads((made / "model/mine-3.record.json").read_text())
    provenance = record["provenance"]
    assert (record["framework"], record["license"]) == ("an ONNX file of unknown origin", "MIT")
    assert provenance["form"] == "as the file came; no framework was asked"
    assert provenance["exporter"] == "the file as it came, written by somebody"
    assert (provenance["native_opset"], provenance["parameters"]) == (13, PARAMETERS)
    assert "net.onnx as it came, and of net.data, sha256 " in provenance["weights"]["origin"]
    assert "onnxruntime" in provenance["packages"]
    labels = {"names": list("abcdefghij"), "origin": "the metadata of net.onnx", "sha256": None}
    assert record["labels"] == labels
    properties = {entry.key: entry.value for entry in onnx.load(made / "model/mine-3.onnx").metadata_props}
    assert list(json.loads(properties["names"]).values()) == labels["names"]
    for page in ("README.md", "mine.html"):
        text = (made / page).read_text()
        assert "No framework was asked. This was made from an ONNX file of unknown origin" in text
        assert "converted to ONNX" not in text
    assert "no framework asked" in (tmp_path / "dist/index.html").read_text()
    assert "All is well" in _pipeline(tmp_path, "verify", "dist").stdout
    assert "all 3 units are published" in _pipeline(tmp_path, "run", "pipeline.yaml").stderr


def test_one_of_several_outputs_of_a_file_with_a_fixed_batch_is_published(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    several = NETWORK.replace("10] logits)", "10] logits, float[batch, 16] pooled)").replace("[batch,", "[1,")
    given = write_file(tmp_path / "given/net.onnx", several)
    asked = FILE.replace("    name: mine\n", "    name: mine\n    output: pooled\n    batches: 1\n")
    (tmp_path / "pipeline.yaml").write_text(asked.replace("[3, 7, 12]", "7"))
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "onnx/mine: of its 2 outputs the one at position 1, counted from 0: pooled" in answer.stderr
    made = tmp_path / "dist/onnx/mine"
    pictures = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    [expected] = onnxruntime.InferenceSession(given).run(["pooled"], {"image": pictures})
    session = onnxruntime.InferenceSession(made / "model/mine-7-batch1.onnx")
    [pooled] = session.run(None, {"image": pictures})
    assert compare(expected, pooled, Tolerance()).passed
    published = onnx.load(made / "model/mine-7-batch1.onnx").graph
    assert [port.name for port in published.output] == ["pooled"]
    assert {tensor.name for tensor in published.initializer} == {"filters"}
    record = json.loads((made / "model/mine-7-batch1.record.json").read_text())
    assert record["provenance"]["output"] == {"index": 1, "name": "pooled", "of": 2}
    assert record["provenance"]["parameters"] == 16 * 3 * 9
    assert [port["shape"] for port in record["io_ports"]["outputs"]] == [[1, 16]]
    statement = json.loads((made / "model/mine-7-batch1.intoto.json").read_text())
    asked_for = statement["predicate"]["buildDefinition"]["externalParameters"]
    assert asked_for["output"] == {"index": 1, "name": "pooled", "of": 2}
    card = " ".join((made / "README.md").read_text().split())
    assert "of its 2 outputs the one at position 1, counted from 0: pooled" in card


def test_a_file_that_onnxruntime_cannot_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    path = write_file(tmp_path / "given/net.onnx")
    model = onnx.load(path)
    model.graph.node[1].op_type, model.graph.node[1].domain = "Unheard", "of.somebody"
    model.opset_import.append(onnx.helper.make_opsetid("of.somebody", 1))
    onnx.save(model, path)
    (tmp_path / "pipeline.yaml").write_text(FILE)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 1
    assert "onnxruntime cannot run the file as it came" in " ".join(answer.stdout.split())
    assert "Traceback" not in answer.stdout + answer.stderr


def test_a_file_that_takes_one_picture_and_says_that_it_takes_any_is_told(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    inside = "pooled = ReduceSum <keepdims = 0> (active, axes)"
    assert inside in NETWORK
    summed = inside.replace("pooled", "summed")
    one = "one = Constant <value = int64[2] {1, 16}> ()\n  pooled = Reshape (summed, one)"
    write_file(tmp_path / "given/net.onnx", NETWORK.replace(inside, f"{summed}\n  {one}"))
    (tmp_path / "pipeline.yaml").write_text(FILE)
    answer = _pipeline(tmp_path, "run", "pipeline.yaml")
    assert answer.returncode == 1
    assert "onnxruntime cannot run the file as it came on 3 pictures: " in " ".join(answer.stdout.split())
    assert "Traceback" not in answer.stdout + answer.stderr


def test_no_list_and_no_environment_belong_to_it(tmp_path: Path) -> None:
    for arguments, expected in (
        (("models", "onnx"), "onnx lists no models: its models are files of yours"),
        (("environments", "build", "onnx"), "onnx has no environment"),
    ):
        answer = _pipeline(tmp_path, *arguments)
        assert answer.returncode == 2
        assert expected in answer.stderr

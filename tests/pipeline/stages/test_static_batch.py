"""Files of a fixed batch beside those of an open one, or instead, through the real stages of a source."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper, parser
from PIL import Image

from evaluation.inputs import in_batches
from pipeline.errors import PipelineError, UsageError
from pipeline.stages.export import make_export
from pipeline.stages.model import run_model
from pipeline.stages.retarget import retarget_unit, retargeting_of
from tests.pipeline.fake_source import FakeSource

pytestmark = pytest.mark.slow


def _place(tiny: FakeSource, version: str, ending: str) -> Path:
    return tiny.folder / f"dist/tiny/net/model/net-{version}.{ending}"


def _record(tiny: FakeSource, version: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(_place(tiny, version, "record.json").read_text())
    return record


def _first_axes(tiny: FakeSource, version: str) -> list[int | str]:
    """The first axes of input and output of a published file, in that order."""
    graph = onnx.load(_place(tiny, version, "onnx")).graph
    weights = {tensor.name for tensor in graph.initializer}
    ports = [*(port for port in graph.input if port.name not in weights), *graph.output]
    axes = [port.type.tensor_type.shape.dim[0] for port in ports]
    return [axis.dim_value or axis.dim_param for axis in axes]


def _test_data(tiny: FakeSource, version: str) -> dict[str, list[npt.NDArray[Any]]]:
    """The inputs and the outputs in an archive, in the order of its data sets."""
    found: dict[str, list[npt.NDArray[Any]]] = {"input_0.pb": [], "output_0.pb": []}
    with tarfile.open(_place(tiny, version, "tar.gz")) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            kind, file = member.name.rpartition("/")[2], archive.extractfile(member)
            if kind in found and file:
                found[kind].append(numpy_helper.to_array(onnx.TensorProto.FromString(file.read())))
    return found


@pytest.fixture
def pictures(tiny: FakeSource) -> list[str]:
    """Three pictures of one colour each."""
    names = []
    for number, colour in enumerate([(250, 10, 10), (10, 250, 10), (10, 10, 250)]):
        Image.new("RGB", (12, 12), colour).save(tiny.folder / f"{number}.png")
        names.append(f"{number}.png")
    return names


def test_open_and_fixed_batches_are_published_and_the_same_pictures_give_the_same_logits(
    tiny: FakeSource, pictures: list[str]
) -> None:
    more = f"batches: [open, 1, 2]\nimages: {{files: [{', '.join(pictures)}]}}"
    path = tiny.write("net", opsets="3, 7, 12", more=more)
    answer = tiny.command("run", path.name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    versions = [f"{opset}{form}" for opset in (3, 7, 12) for form in ("", "-batch1", "-batch2")]
    assert tiny.published == sorted(f"net-{version}.onnx" for version in versions)
    for opset in (3, 7, 12):
        assert _first_axes(tiny, str(opset)) == ["batch", "batch"]
        for batch in (1, 2):
            version = f"{opset}-batch{batch}"
            assert _first_axes(tiny, version) == [batch, batch]
            onnx.checker.check_model(str(_place(tiny, version, "onnx")), full_check=True)
            record, data = _record(tiny, version), _test_data(tiny, version)
            assert record["io_ports"]["inputs"][0]["shape"][0] == batch
            assert {len(array) for arrays in data.values() for array in arrays} == {batch}
    fixed, whole = _test_data(tiny, "12-batch1"), _test_data(tiny, "12")
    for kind, arrays in fixed.items():  # one of noise, three of noise, the first picture, all of them
        rows = np.concatenate([whole[kind][0], whole[kind][1], whole[kind][3]])
        np.testing.assert_array_equal(np.concatenate(arrays), rows)
    names = [entry["name"] for entry in _record(tiny, "7-batch1")["inputs"]]
    assert names == [*(f"noise-1-{n}" for n in range(1, 5)), *(f"pictures-1-{n}" for n in range(1, 4))]
    best = [
        [row["source"][0]["index"] for row in _record(tiny, v)["predictions"]] for v in ("12", "12-batch2")
    ]
    assert best[0] == best[1]
    assert len(best[0]) == 3
    checked = tiny.command("verify", "dist")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    card = (tiny.folder / "dist/tiny/net/README.md").read_text()
    assert "`net-3-batch1`: takes one picture at a time and no other number" in card
    assert "all 9 units are published" in tiny.command("run", path.name).stderr.replace("\n", " ")
    assert not (tiny.folder / "work/tiny/net").exists()


def test_a_fixed_batch_may_stand_instead_of_the_open_one(tiny: FakeSource, pictures: list[str]) -> None:
    plan = tiny.plan("net", more=f"batches: 2\nimages: {{files: [{', '.join(pictures)}]}}")
    [result] = run_model(tiny.run(plan))
    assert (result.unit, result.status) == ("tiny/net@12-batch2", "published"), result.reason
    assert tiny.published == ["net-12-batch2.onnx"]
    [unit] = tiny.plan("net", more=f"batches: 2\nimages: {{files: [{', '.join(pictures)}]}}").units
    assert unit.done


def test_what_is_published_with_a_fixed_batch_is_timed_and_classified(tiny: FakeSource) -> None:
    [result] = run_model(tiny.run(tiny.plan("net", more="batches: 2")))
    assert result.status == "published", result.reason
    answer = tiny.command("benchmark", "tiny/net@12-batch2", "--rounds", "1", "--format", "json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [times] = json.loads(answer.stdout)
    assert {batch for runtime in times["runtimes"].values() for batch in runtime["batches"]} == {"2"}


def test_the_graph_at_another_batch_is_another_unit_and_leaves_the_others_alone(tiny: FakeSource) -> None:
    keys = {unit.name: unit.key for unit in tiny.plan("net", more="batches: [open, 1, 2]").units}
    assert set(keys) == {"tiny/net@12", "tiny/net@12-batch1", "tiny/net@12-batch2"}
    assert len(set(keys.values())) == 3
    alone = {unit.name: unit.key for unit in tiny.plan("net").units}
    assert alone == {"tiny/net@12": keys["tiny/net@12"]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("batches: []", "batches are open, a number of pictures, or a list such as [open, 1]"),
        ("batches: [opne]", "'opne' is no batch: give open, for any number of pictures, or 1 to 64"),
        ("batches: [open, 0]", "0 is no batch"),
        ("batches: 65", "65 is no batch"),
        ("batches: true", "true is no batch"),
        ("batches: 8", "a batch of 8 is verified on as many different inputs. Give batch: 7, which makes so"),
        ("batches: [open, 1]\nprecisions: {fp16: 12}", "a fixed batch is published in float32 alone"),
        ("batches: 1\nprecisions: [fp32, fp16]", "fp16: such files are made with an open batch alone"),
        ("batches: 1\nsimplify: true", "simplify: such files are made with an open batch alone"),
    ],
)
def test_batches_that_cannot_be_are_told_when_the_file_is_read(
    tiny: FakeSource, more: str, words: str
) -> None:
    with pytest.raises(UsageError) as raised:
        tiny.plan("net", more=more)
    assert words in str(raised.value)


def test_where_a_fixed_batch_leads_on_the_key_for_it_is_named(tiny: FakeSource) -> None:
    run = tiny.run(tiny.plan("net", opsets="7"))
    export, [unit] = make_export(run), run.job.units
    model = parser.parse_model(
        """<ir_version: 7, opset_import: ["": 12]> g (float[batch,4] x) => (float[batch,4] y) {
            axis = Constant<value = int64 {0}>() y = CumSum(x, axis)
        }"""
    )
    onnx.save(model, tiny.folder / "model.onnx")
    refused = replace(export, folder=tiny.folder)
    with pytest.raises(PipelineError) as raised:
        retarget_unit(run, unit, refused, retargeting_of(run, refused))
    assert str(raised.value).endswith(
        "fixing axis 0 (batch) of the input 'x' would help; a fixed batch is published with batches: [1] in "
        "the pipeline file"
    )
    fixed = replace(refused, batch=2)
    another = replace(unit, retarget_key="another")
    folder, _ = retarget_unit(run, another, fixed, retargeting_of(run, fixed))
    assert "CumSum" not in {node.op_type for node in onnx.load(folder / "model.onnx").graph.node}


def _rows(values: list[list[int]]) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def test_data_sets_are_cut_in_their_order_and_filled_up_from_the_front() -> None:
    arrays = {
        "noise-1": _rows([[0]]),
        "noise-2": _rows([[1], [2]]),
        "pictures-1": _rows([[5]]),
        "pictures-3": _rows([[5], [6], [7]]),
    }
    cut = {name: rows.reshape(-1).tolist() for name, rows in in_batches(arrays, 2).items()}
    assert cut == {"noise-2-1": [0, 1], "noise-2-2": [2, 0], "pictures-2-1": [5, 6], "pictures-2-2": [7, 5]}
    alone = in_batches({"noise-1": _rows([[0]]), "pictures-1": _rows([[5]])}, 2)
    assert {name: rows.reshape(-1).tolist() for name, rows in alone.items()} == {
        "noise-2-1": [0, 0],
        "pictures-2-1": [5, 5],
    }

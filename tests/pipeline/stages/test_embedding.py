"""Files with steps inside, through the real stages of a source: what they take, give, and are refused for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from PIL import Image

from evaluation.inputs import read_npz
from evaluation.preprocessing import Preprocessing
from parity.compare import Tolerance, compare
from pipeline.errors import UsageError
from pipeline.stages.embedding import embedded_export
from pipeline.stages.export import Export, make_export
from pipeline.stages.model import run_model
from pipeline.stages.retarget import retarget_unit, retargeting_of
from pipeline.stages.static_batch import export_of_batch
from tests.commands import run_command
from tests.pipeline.evaluations.labelled import colours, make_labelled
from tests.pipeline.fake_source import FakeSource
from tests.pipeline.onnx_files import NETWORK, write_file

LEVELS = (
    "preprocessing: {mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3], colour: BGR}\nimages: {files: [a.png]}"
)
NETWORK_OF_TINY = ["GlobalAveragePool", "Flatten", "Gemm"]
BOTH = f"embed: [normalise, softmax]\n{LEVELS}"


def _place(tiny: FakeSource, version: str, ending: str) -> Path:
    return tiny.folder / f"dist/tiny/net/model/net-{version}.{ending}"


def _record(tiny: FakeSource, version: str = "12") -> dict[str, Any]:
    record: dict[str, Any] = json.loads(_place(tiny, version, "record.json").read_text())
    return record


def _test_data(tiny: FakeSource, version: str, kind: str) -> list[npt.NDArray[Any]]:
    """The arrays ``input_0`` or ``output_0`` of an archive, in the order of its data sets."""
    with tarfile.open(_place(tiny, version, "tar.gz")) as archive:
        members = sorted(
            (m for m in archive.getmembers() if m.name.endswith(f"{kind}.pb")), key=lambda m: m.name
        )
        files = [archive.extractfile(member) for member in members]
        return [numpy_helper.to_array(onnx.TensorProto.FromString(file.read())) for file in files if file]


@pytest.fixture
def picture(tiny: FakeSource) -> npt.NDArray[np.uint8]:
    """The levels of a picture of the size of the network's, which is not resized where ``resize`` is 8."""
    levels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(levels).save(tiny.folder / "a.png")
    return levels


@pytest.mark.slow
def test_a_file_takes_levels_and_gives_probabilities_and_all_that_hands_it_pictures_knows(
    tiny: FakeSource, picture: npt.NDArray[np.uint8]
) -> None:
    path = tiny.write("net", opsets="3, 12", more=BOTH.replace("colour", "resize: 8, colour"))
    answer = tiny.command("run", path.name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    plain = picture.transpose(2, 0, 1)[None].astype(np.float32)
    weight = np.random.default_rng(0).normal(size=(3, 10)).astype(np.float32)
    means = (plain[:, ::-1].mean(axis=(2, 3)) / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.25, 0.3]
    powers = np.exp(means @ weight + np.arange(10) / 10)
    for version in ("3", "12"):
        assert (_test_data(tiny, version, "input_0")[-1] == plain).all()
        expected = _test_data(tiny, version, "output_0")[-1]
        np.testing.assert_allclose(expected, powers / powers.sum(), rtol=1e-5)
        largest = max(array.max() for array in _test_data(tiny, version, "input_0"))
        assert 200 < largest <= 255
    record = _record(tiny, "3")
    assert record["provenance"]["embedded"] == {
        "normalise": {"largest": 255, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "colour": "BGR"},
        "softmax": "embedded",
    }
    assert (record["preprocessing"]["colour"], record["preprocessing"]["mean"]) == ("RGB", [0, 0, 0])
    assert record["figures"]["parameters"] == 40
    said = {entry.key: entry.value for entry in onnx.load(_place(tiny, "12", "onnx")).metadata_props}
    assert said["Image.NominalPixelRange"] == "NominalRange_0_255"
    assert said["Image.BitmapPixelFormat"] == "Rgb8"
    card = (tiny.folder / "dist/tiny/net/README.md").read_text()
    assert "Leave the values as they are, from 0 to 255. The channels are in the order red, green" in card
    assert (
        "The file itself normalises them: it turns the channels round to blue, green, red, then subtracts "
        "(102, 127.5, 153) and divides by (51, 63.75, 76.5)."
    ) in card
    assert "for each picture a probability for each of 10 classes" in card
    assert "the file ends with a softmax" in card
    script = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert script
    shown = subprocess.run(
        [sys.executable, "-c", script[1], str(tiny.folder / "a.png")],
        cwd=tiny.folder / "dist/tiny/net",
        capture_output=True,
        text=True,
        check=True,
    )
    best = int(powers.argmax())
    assert shown.stdout.split()[:2] == [str(best), f"{(powers / powers.sum()).max():.6f}"]
    assert record["predictions"][0]["source"][0]["index"] == best
    assert record["predictions"][0]["openvino"][0]["probability"] == pytest.approx(
        float(shown.stdout.split()[1]), abs=1e-6
    )
    assert tiny.command("verify", "dist").returncode == 0


@pytest.mark.slow
def test_commands_hand_a_file_what_it_takes_and_the_framework_what_it_takes(tiny: FakeSource) -> None:
    make_labelled(tiny.folder / "data", 12, wrong=3)
    [result] = run_model(tiny.run(tiny.plan("net", more="embed: [normalise, softmax]")))
    assert result.status == "published", result.reason
    made = tiny.command("dataset", "npz", "data", "out", "--for", "tiny/net@12")
    assert made.returncode == 0, made.stdout + made.stderr
    [array] = read_npz(tiny.folder / "out/000.npz").values()
    assert array[0, :, 0, 0].tolist() == list(colours(1)[0])
    answer = tiny.command("evaluate", "pipeline.yaml", "--data", "data", "--against-source")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("75.00% (46.77 to 91.11), 9 of 12") == 2
    assert "another most probable class on 0 pictures" in answer.stdout
    times = tiny.command("benchmark", "tiny/net@12", "--rounds", "1", "--batch", "1", "--format", "json")
    assert times.returncode == 0, times.stdout + times.stderr


def _made(tiny: FakeSource, more: str) -> tuple[Export, list[str]]:
    """The export of an entry, and the operators of its file, which computes what it is verified against."""
    run = tiny.run(tiny.plan("net", more=more))
    export = embedded_export(run, make_export(run))
    folder, _ = retarget_unit(run, run.job.units[0], export, retargeting_of(run, export))
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    for name, array in export.input_arrays().items():
        [answer] = session.run(None, {"image": array})
        assert compare(export.references()[name], answer, Tolerance()).passed
    return export, [node.op_type for node in onnx.load(folder / "model.onnx").graph.node]


@pytest.mark.parametrize(
    ("embed", "largest", "nodes"),
    [
        ("{normalise: 1, softmax: true}", 1, ["Gather", "Sub", "Div", *NETWORK_OF_TINY, "Softmax"]),
        ("[normalise: 1]", 1, ["Gather", "Sub", "Div", *NETWORK_OF_TINY]),
        ("normalise", 255, ["Gather", "Sub", "Div", *NETWORK_OF_TINY]),
        ("[softmax]", None, [*NETWORK_OF_TINY, "Softmax"]),
        ("[]", None, NETWORK_OF_TINY),
    ],
)
def test_the_range_of_pixels_can_be_said_and_each_step_can_be_alone(
    tiny: FakeSource, picture: npt.NDArray[np.uint8], embed: str, largest: int | None, nodes: list[str]
) -> None:
    export, operators = _made(tiny, f"embed: {embed}\n{LEVELS}")
    assert operators == nodes
    assert Preprocessing.from_dict(export.preprocessing).pixel_range == largest
    values = export.input_arrays()["pictures-1"]
    if largest:
        assert 0.8 * largest < values.max() <= largest
        assert values.min() >= 0
    else:
        assert values.min() < -1


def test_grey_pictures_are_normalised_in_the_file(tiny: FakeSource) -> None:
    export, operators = _made(tiny, "embed: [normalise]\nchannels: 1")
    assert operators == ["Sub", "Div", *NETWORK_OF_TINY]
    assert export.input_arrays()["noise-3"].shape == (3, 1, 8, 8)


def test_of_a_network_of_levels_only_the_mean_is_taken_off(tiny: FakeSource) -> None:
    levels = ", ".join(["0.00392156862745098"] * 3)
    _, operators = _made(tiny, f"embed: normalise\npreprocessing: {{mean: [0.4, 0.5, 0.6], std: [{levels}]}}")
    assert operators == ["Sub", *NETWORK_OF_TINY]


def test_a_fixed_batch_is_cut_from_what_the_file_takes(
    tiny: FakeSource, picture: npt.NDArray[np.uint8]
) -> None:
    run = tiny.run(tiny.plan("net", more=f"batches: [open, 1]\n{BOTH}"))
    export = embedded_export(run, make_export(run))
    cut = export_of_batch(run, export, 1)
    assert (cut.steps, cut.preprocessing) == (export.steps, export.preprocessing)
    np.testing.assert_array_equal(cut.input_arrays()["noise-1-1"], export.input_arrays()["noise-1"])
    assert all(abs(rows.sum(axis=1) - 1).max() < 1e-6 for rows in cut.references().values())


def test_a_changed_step_is_made_anew_of_the_same_export(tiny: FakeSource) -> None:
    jobs = [
        tiny.plan("net", more=more).jobs[0]
        for more in ("", "embed: []", "embed: softmax", "embed: normalise", "embed: [normalise: 1]")
    ]
    assert len({job.export_key for job in jobs}) == 1
    assert jobs[0].units == jobs[1].units
    assert len({job.units[0].key for job in jobs}) == len({job.base_key for job in jobs}) == 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("embed: [normalize]", "unknown step 'normalize'; did you mean 'normalise'?"),
        ("embed: [argmax, softmax]", "unknown step 'argmax'; there are normalise, softmax"),
        ("embed: {normalise: 2}", "2 is not the largest value of pixels; give 255 for levels of 0 to 255"),
        ("embed: 5", "steps are a list such as [normalise, softmax]"),
        ("embed: {softmax: 3}", "softmax: input should be a valid boolean"),
        (
            "embed: normalise\npreprocessing: {crop_mode: border}",
            "crop_mode border fills with the mean colour",
        ),
    ],
)
def test_steps_that_cannot_be_are_told_when_the_file_is_read(tiny: FakeSource, more: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        tiny.plan("net", more=more)
    assert words in str(raised.value)


FILE = """\
publish: dist
opsets: [7]
models:
  - source: onnx
    model: ./net.onnx
    name: mine
    embed: [normalise, softmax]
    preprocessing: {input_size: [3, 8, 8]%s}
"""
KNOWN = ", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25]"


LAST = "logits = Gemm (pooled, weight, bias)"


def _ending_with(operator: str) -> str:
    """The network of an ONNX file with one more operator behind its logits."""
    return NETWORK.replace(LAST, f"{LAST.replace('logits', 'raw')}\n  logits = {operator} (raw)")


def _line(answer: subprocess.CompletedProcess[str]) -> str:
    return " ".join((answer.stdout + answer.stderr).split())


def _run(folder: Path, network: str, preprocessing: str = KNOWN) -> subprocess.CompletedProcess[str]:
    write_file(folder / "net.onnx", network)
    (folder / "pipeline.yaml").write_text(FILE % preprocessing)
    return run_command("run", "pipeline.yaml", folder=folder)


@pytest.mark.slow
def test_a_file_of_unknown_origin_is_normalised_as_is_said_and_its_own_softmax_is_not_taken_twice(
    tmp_path: Path,
) -> None:
    answer = _run(tmp_path, _ending_with("Softmax <axis = 1>"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "the network ends with a softmax of its own: none is embedded" in _line(answer)
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8)).astype(np.float32)
    given = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    [expected] = given.run(None, {"image": (levels / 255 - 0.5) / 0.25})
    made = onnxruntime.InferenceSession(tmp_path / "dist/onnx/mine/model/mine-7.onnx")
    [shares] = made.run(None, {"image": levels})
    assert compare(expected, shares, Tolerance()).passed
    record = json.loads((tmp_path / "dist/onnx/mine/model/mine-7.record.json").read_text())
    assert record["provenance"]["embedded"]["softmax"] == "the network's own"


@pytest.mark.slow
def test_how_pictures_of_a_file_are_normalised_has_to_be_said(tmp_path: Path) -> None:
    answer = _run(tmp_path, NETWORK, "")
    assert answer.returncode == 2
    assert "is not known without preprocessing: {mean: [...], std: [...]}" in _line(answer)


@pytest.mark.slow
def test_softmax_is_not_taken_of_what_are_no_logits(tmp_path: Path) -> None:
    answer = _run(tmp_path, _ending_with("Sigmoid"))
    assert answer.returncode == 1
    assert "the network ends with Sigmoid, which says of each class alone how probable it is" in _line(answer)
    assert "Leave softmax out of embed" in _line(answer)
    assert not list((tmp_path / "dist").rglob("*.onnx"))

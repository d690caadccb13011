"""Names of classes on a model's way: who says them, where they arrive, and what they make run again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from PIL import Image

from evaluation.label_files import Labels
from evaluation.labels import imagenet_labels
from pipeline.errors import PipelineError
from pipeline.evaluations.evaluation import grouped
from pipeline.evaluations.targets import file_target
from pipeline.planning.jobs import ModelJob
from pipeline.planning.own_models import ConfigModel
from pipeline.stages.class_names import labels_of
from pipeline.stages.model import run_model
from publishing.pages.snippet import snippet
from publishing.record import from_json
from tests.pipeline.fake_source import FakeSource
from tests.pipeline.stages.test_publish import export_of
from tests.publishing.pages.card_markdown import fences, section

pytestmark = pytest.mark.slow

HOSTILE = "<b>dog</b> | `x` \x1b[2J\u202e"
NAMES = ("chat", "猫", "crane", "crane", HOSTILE, 'a "quoted" \\ name', "g", "h", "i", "j")
MORE = "labels: labels.json\nimages: {files: [grey.png]}"


def _write(tiny: FakeSource, names: tuple[str, ...], name: str = "labels.json") -> None:
    (tiny.folder / name).write_text(json.dumps(names), encoding="utf-8")
    Image.new("RGB", (12, 10), (90, 120, 200)).save(tiny.folder / "grey.png")


def _run(tiny: FakeSource, opsets: str = "12", more: str = MORE) -> list[tuple[str, str]]:
    results = run_model(tiny.run(tiny.plan("net", opsets=opsets, more=more)))
    return [(result.status, result.reason) for result in results]


def _announced(tiny: FakeSource, more: str = MORE, opsets: str = "3,12") -> Path:
    path = tiny.write("net", opsets=opsets, more=more)
    done = tiny.command("run", path.name)
    assert done.returncode == 0, done.stdout + done.stderr
    return tiny.folder / "dist/tiny/net"


def _metadata(folder: Path, stem: str) -> dict[str, str]:
    model = onnx.load(folder / f"model/{stem}.onnx")
    return {entry.key: entry.value for entry in model.metadata_props}


def _script(folder: Path, source: str) -> list[str]:
    (folder / "classify.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "classify.py", "../../../grey.png"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_names_that_a_file_gives_are_wherever_the_model_is_described(tiny: FakeSource) -> None:
    _write(tiny, NAMES)
    folder = _announced(tiny)
    record: dict[str, Any] = tiny.record()
    labels = record["labels"]
    assert (labels["names"], labels["origin"]) == (list(NAMES), "the file labels.json")
    assert re.fullmatch("[0-9a-f]{64}", labels["sha256"])
    [picture] = record["predictions"]
    for who in ("source", "onnxruntime", "openvino"):
        assert [one["label"] for one in picture[who]] == [NAMES[one["index"]] for one in picture[who]]
    for opset in (3, 12):
        assert json.loads(_metadata(folder, f"net-{opset}")["names"]) == {
            str(index): name for index, name in enumerate(NAMES)
        }
    target = file_target(folder / "model/net-12.onnx", None, {})
    for name in ("猫", "CHAT"):
        (tiny.folder / f"data/{name}").mkdir(parents=True)
        (tiny.folder / f"data/{name}/a.png").touch()
    [(_, dataset)] = grouped([target], tiny.folder / "data", None)
    assert [one.label for one in dataset.pictures] == [0, 1], "not in the order of the alphabet"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "10 classes, as the file labels.json (sha256 " in section(card, "Classes")
    assert r"chat, 猫, crane, crane, \<b\>dog" in section(card, "Classes")
    assert "\x1b" not in card
    assert "\u202e" not in card
    shown = [NAMES[one["index"]].replace("\x1b", "?").replace("\u202e", "?") for one in picture["source"]]
    old = from_json((folder / "model/net-3.record.json").read_text(encoding="utf-8"))
    for runtime, script in (("onnxruntime", fences(card, "python")[0]), ("openvino", snippet(old))):
        assert f"import {runtime}" in script
        printed = _script(folder, script)
        assert [int(line.split()[0]) for line in printed] == [one["index"] for one in picture["source"]]
        assert [line.split("  ")[-1] for line in printed] == shown
    page = (folder / "net.html").read_text(encoding="utf-8")
    assert "<li>猫</li>" in page
    assert "&lt;b&gt;dog&lt;/b&gt;" in page
    assert "<b>dog" not in page


def test_a_network_of_as_many_classes_as_imagenet_is_not_described_with_its_names(tiny: FakeSource) -> None:
    own = tuple(f"kind {index}" for index in range(1000))
    _write(tiny, own)
    folder = _announced(tiny, f"{MORE}\nclasses: 1000", "12")
    record: dict[str, Any] = tiny.record()
    [picture] = record["predictions"]
    labels = [one["label"] for who in ("source", "onnxruntime") for one in picture[who]]
    assert all(re.fullmatch(r"kind \d+", label) for label in labels)
    texts = [(folder / page).read_text(encoding="utf-8") for page in ("README.md", "net.html")]
    for text in texts:
        assert "imagenet" not in text.lower()
        assert [name for name in (imagenet_labels(1000) or ()) if f"<li>{name}</li>" in text] == []
    [script] = fences(texts[0], "python")
    assert all(" kind " in line for line in _script(folder, script))


def test_names_of_another_number_publish_nothing(tiny: FakeSource) -> None:
    _write(tiny, NAMES[:7])
    for status, reason in _run(tiny, "3,12"):
        assert status == "failed"
        assert "the file labels.json names 7 classes, and the model has 10. Give labels: FILE" in reason
    assert tiny.published == []
    _write(tiny, NAMES)
    assert [status for status, _ in _run(tiny, "3,12")] == ["published", "published"]


def test_other_names_make_again_what_has_them_and_nothing_else(tiny: FakeSource) -> None:
    _write(tiny, NAMES)
    before = tiny.plan("net", more=MORE).jobs[0]
    _write(tiny, NAMES[::-1])
    after = tiny.plan("net", more=MORE).jobs[0]
    assert (before.inputs_key, before.export_key) == (after.inputs_key, after.export_key)
    [old], [new] = before.units, after.units
    assert len({old.retarget_key, new.retarget_key}) == len({old.key, new.key}) == 2
    _write(tiny, NAMES, "renamed.json")
    [renamed] = tiny.plan("net", more=MORE.replace("labels.json", "renamed.json")).jobs[0].units
    assert renamed == old


def test_what_a_model_says_itself_counts_where_the_file_says_nothing(tiny: FakeSource) -> None:
    _write(tiny, NAMES)
    said = {"labels": {"names": list("abcdefghij"), "origin": "the checkpoint net.pth"}}
    [plain] = tiny.plan("net").jobs
    labels = labels_of(plain, export_of(tiny, said))
    assert labels
    assert ("".join(labels.names), labels.origin, labels.sha256) == (
        "abcdefghij",
        "the checkpoint net.pth",
        None,
    )
    [given] = tiny.plan("net", more=MORE).jobs
    labels = labels_of(given, export_of(tiny, said))
    assert labels
    assert labels.names == NAMES
    assert labels_of(plain, export_of(tiny, {})) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], "the checkpoint names 2 classes, and the model has 10. Give labels: FILE"),
        (
            [*"abcdefghi", ""],
            "that tiny/net brings cannot be used: class 9 has no name; give it one. Say labels:",
        ),
        ([*"abcdefghi", 7], "class 9 has no name"),
        ([], "it names no class"),
    ],
)
def test_what_a_model_says_itself_has_to_fit_too(tiny: FakeSource, names: list[Any], expected: str) -> None:
    [job] = tiny.plan("net").jobs
    with pytest.raises(PipelineError) as error:
        labels_of(job, export_of(tiny, {"labels": {"names": names, "origin": "the checkpoint"}}))
    assert expected in str(error.value)


def test_names_in_a_file_beside_a_config_count_where_nobody_else_says_them(tiny: FakeSource) -> None:
    _write(tiny, NAMES)
    (tiny.folder / "names.txt").write_text("\n".join("abcdefghij"))
    config, names = tiny.folder / "mine.py", tiny.folder / "names.txt"
    [plain] = tiny.plan("net").jobs
    [given] = tiny.plan("net", more=MORE).jobs
    model = ConfigModel((config,), (), (names, tiny.folder / "none.txt"))

    def said(file: Path, job: ModelJob = plain) -> Labels | None:
        answer = {"labels": {"file": str(file), "origin": "the config mine.py"}}
        return labels_of(replace(job, model=model), export_of(tiny, answer))

    labels = said(names)
    assert labels
    assert ("".join(labels.names), labels.origin) == ("abcdefghij", "the file names.txt")
    assert labels.sha256
    for file, expected in (
        (tiny.folder / "none.txt", "there is no file"),
        (tiny.folder / "labels.json", "its config computes the name of their file"),
        (Path("/etc/hostname"), "they are in /etc/hostname, which is not beside its config: copy it there"),
    ):
        with pytest.raises(PipelineError, match=f"that tiny/net brings cannot be used: .*{expected}"):
            said(file)
        labels = said(file, given)  # nobody needs it
        assert labels
        assert labels.names == NAMES

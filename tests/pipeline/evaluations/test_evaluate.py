"""``python -m pipeline evaluate`` on models that are published, single files and what devices saved."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.cli.app import app
from pipeline.commands.evaluate import Request, evaluate
from pipeline.errors import UsageError
from tests.pipeline.evaluations.labelled import make_labelled
from tests.pipeline.fake_source import FakeSource, fake_source
from tests.pipeline.verify.verifying import Verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a pipeline file, and the zoo that it makes: one model at the opsets 6 and 12."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        fake_source(tmp_path_factory.mktemp("published"), monkeypatch) as source,
    ):
        source.write("net", opsets="6, 12")
        ran = source.command("run", "pipeline.yaml")
        assert ran.returncode == 0, ran.stderr
        yield source.folder


@pytest.fixture
def zoo(tiny: FakeSource, published: Path) -> FakeSource:
    """A copy of that folder, for one test."""
    shutil.copytree(published, tiny.folder, dirs_exist_ok=True)
    return tiny


def request(zoo: FakeSource, what: str = "tiny/net", **more: Any) -> Request:
    return Request(what, zoo.folder / "data", zoo=str(zoo.folder / "dist"), **more)


def accuracies(zoo: FakeSource, opset: int = 12) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = zoo.record("net", opset)["accuracy"]  # type: ignore[assignment]
    return found


def test_what_is_right_is_counted_and_noted_and_the_zoo_stays_whole(
    zoo: FakeSource, verified: Verify, capsys: pytest.CaptureFixture[str]
) -> None:
    make_labelled(zoo.folder / "data", 40, wrong=10)
    key = zoo.record()["key"]
    assert evaluate(request(zoo, name="colours"))
    printed = capsys.readouterr().out
    assert "75.00% (59.81 to 85.81), 30 of 40" in printed
    assert "openvino" in printed  # opset 6, which ONNX Runtime does not run
    for opset, runtime in ((12, "onnxruntime"), (6, "openvino")):
        [figure] = accuracies(zoo, opset)
        assert (figure["runtime"], figure["top1"]["right"], figure["top1"]["percent"]) == (runtime, 30, 75.0)
        assert figure["data_set"]["name"] == "colours"
        assert figure["data_set"]["pictures"] == 40
    assert zoo.record()["key"] == key
    card = (zoo.folder / "dist/tiny/net/README.md").read_text()
    assert "75.00%" in card
    assert "colours" in card
    well, lines = verified(zoo.folder / "dist")
    assert well, lines
    again = zoo.command("run", "pipeline.yaml")
    assert "published in" in again.stderr  # nothing had to be done


def test_the_same_again_changes_no_byte_and_another_data_set_stands_beside(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 5)
    assert evaluate(request(zoo, "tiny/net@12"))
    dist = zoo.folder / "dist"
    before = {path: path.read_bytes() for path in dist.rglob("*") if path.is_file()}
    assert evaluate(request(zoo, "tiny/net@12"))
    assert {path: path.read_bytes() for path in dist.rglob("*") if path.is_file()} == before
    assert evaluate(request(zoo, "tiny/net@12", name="another"))
    assert [figure["data_set"]["name"] for figure in accuracies(zoo)] == ["another", "data"]
    assert accuracies(zoo, 6) == []


def test_a_later_publication_of_the_same_bytes_keeps_the_figures(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 5)
    assert evaluate(request(zoo, str(zoo.folder / "pipeline.yaml")))
    figures = accuracies(zoo)
    assert figures
    assert zoo.command("run", "pipeline.yaml", "--fresh").returncode == 0
    assert accuracies(zoo) == figures
    zoo.write("net", opsets="6, 12", more="license: BSD-3-Clause")
    assert zoo.command("run", "pipeline.yaml").returncode == 0
    assert accuracies(zoo) == []  # the licence stands in the file: its bytes are others


def test_a_single_file_says_itself_how_it_wants_its_pictures(
    zoo: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    make_labelled(zoo.folder / "data", 20, wrong=1)
    file = zoo.folder / "dist/tiny/net/model/net-12.onnx"
    assert evaluate(request(zoo, str(file)))
    assert "19 of 20" in capsys.readouterr().out
    assert evaluate(request(zoo, str(file), runtime="openvino"))
    assert "19 of 20" in capsys.readouterr().out
    assert accuracies(zoo) == []


def test_the_source_itself_answers_to_the_same_bits(
    zoo: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    make_labelled(zoo.folder / "data", 20, wrong=3)
    assert evaluate(request(zoo, str(zoo.folder / "pipeline.yaml"), only=("*@12",), against_source=True))
    assert "Tiny itself on the same bits: top-1 85.00%" in capsys.readouterr().out
    [figure] = accuracies(zoo)
    assert figure["source"]["top1"]["right"] == 17
    assert figure["source"]["differing"] == []


def test_pictures_on_which_the_source_differs_are_listed(
    zoo: FakeSource, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = make_labelled(zoo.folder / "data", 20)
    zoo.write("net", more="weights: {random: 5}")  # the zoo has those of seed 0
    assert evaluate(request(zoo, str(zoo.folder / "pipeline.yaml"), against_source=True))
    [figure] = accuracies(zoo)
    differing = figure["source"]["differing"]
    assert len(differing) == 20 - figure["source"]["top1"]["right"] > 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "in the source, labelled" in line]
    assert [line.split(":")[0].strip() for line in lines] == differing
    index = int(differing[0].removesuffix(".png"))
    assert f"class {labels[index]} here" in lines[0]


def killed_after_a_stride(zoo: FakeSource) -> list[Path]:
    """Evaluate on ``data``, and kill that once the first stride is done; what was kept of it."""
    running = zoo.start("evaluate", "tiny/net@12", "--data", "data")
    done: list[Path] = []
    while running.poll() is None and not done:
        time.sleep(0.02)
        done = list((zoo.cache / "evaluations").glob("*/0-*.npz"))
    running.kill()
    running.communicate()
    return done


def test_a_killed_run_goes_on_from_the_strides_that_are_done(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 700)
    [stride] = killed_after_a_stride(zoo)
    assert accuracies(zoo) == []
    with np.load(stride) as kept:
        arrays = {name: kept[name] for name in kept.files}
    np.savez(stride, **arrays | {"rank": arrays["rank"] + 9})  # only a run that takes it up can know of it
    again = zoo.command("evaluate", "tiny/net@12", "--data", "data")
    assert again.returncode == 0, again.stderr
    [figure] = accuracies(zoo)
    assert figure["top1"]["right"] == 700 - len(arrays["rank"]) == 700 - 256
    assert not list((zoo.cache / "evaluations").glob("*/*"))


@pytest.mark.parametrize("damaged", ["0-*.npz", "0.json"])
def test_what_is_done_and_damaged_is_done_again(zoo: FakeSource, damaged: str) -> None:
    make_labelled(zoo.folder / "data", 300)
    [stride] = killed_after_a_stride(zoo)
    [file] = stride.parent.glob(damaged)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    again = zoo.command("evaluate", "tiny/net@12", "--data", "data")
    assert again.returncode == 0, again.stderr
    [figure] = accuracies(zoo)
    assert figure["data_set"]["pictures"] == 300


def test_a_broken_picture_is_counted_and_named_and_nothing_is_noted(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 20)
    (zoo.folder / "data/003.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    (zoo.folder / "data/007.png").write_bytes(b"")
    ran = zoo.command("evaluate", "tiny/net@12", "--data", "data")
    assert ran.returncode == 1
    assert "18 of 18" in ran.stdout
    assert "broken picture: 003.png: " in ran.stdout
    assert "broken picture: 007.png: " in ran.stdout
    assert accuracies(zoo) == []


def test_a_file_that_no_runtime_runs_is_told_with_the_reason(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 5)
    model = onnx.load(zoo.folder / "dist/tiny/net/model/net-12.onnx")
    model.graph.node[0].domain, model.graph.node[0].op_type = "org.example", "Unknown"
    model.opset_import.add(domain="org.example", version=1)
    onnx.save(model, zoo.folder / "unknown.onnx")
    ran = zoo.command("evaluate", "unknown.onnx", "--data", "data")
    assert ran.returncode == 1
    assert "unknown.onnx: unsupported: " in ran.stdout


MISTAKES = {
    "no such unit": (["evaluate", "tiny/nett", "--data", "data"], "Did you mean tiny/net"),
    "no such zoo": (["evaluate", "tiny/net", "--data", "data", "--zoo", "none"], "nothing is published in"),
    "no such file": (["evaluate", "none.onnx", "--data", "data"], "none.onnx: there is no such file"),
    "no such folder": (["evaluate", "tiny/net", "--data", "none"], "none: there is no such folder"),
    "no picture": (["evaluate", "tiny/net", "--data", "empty"], "empty: there is no picture in it"),
    "labels too short": (
        ["evaluate", "tiny/net", "--data", "data", "--labels", "short.txt"],
        "1 labels for 5",
    ),
    "no such class": (
        ["evaluate", "tiny/net", "--data", "data", "--labels", "beyond.txt"],
        "the classes 0 to 9",
    ),
    "old opset": (
        ["evaluate", "tiny/net@6", "--data", "data", "--runtime", "onnxruntime"],
        "does not run opset 6",
    ),
    "no such runtime": (
        ["evaluate", "tiny/net", "--data", "data", "--runtime", "x"],
        "'x' is not one of exact",
    ),
    "no source": (["evaluate", "tiny/net", "--data", "data", "--against-source"], "needs the pipeline file"),
    "no model": (["evaluate", "--data", "data"], "name a model and --data DIR"),
    "too much": (["evaluate", "x", "--outputs", "o", "--datalist", "l", "--labels", "l"], "--outputs takes"),
    "no YAML": (
        ["evaluate", "tiny/net", "--data", "data", "--preprocessing", "{"],
        "--preprocessing: not YAML",
    ),
    "no key": (
        ["evaluate", "tiny/net", "--data", "data", "--preprocessing", "{x: 1}"],
        "--preprocessing: x: ",
    ),
    "no ONNX": (["evaluate", "no.onnx", "--data", "data"], "no ONNX file that can be read"),
    "nothing published": (["evaluate", "other.yaml", "--data", "data"], "none of its 1 units is published"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_before_anything_is_computed(
    zoo: FakeSource, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    make_labelled(zoo.folder / "data", 5)
    (zoo.folder / "empty").mkdir()
    (zoo.folder / "short.txt").write_text("1\n")
    (zoo.folder / "beyond.txt").write_text("1\n2\n3\n4\n10\n")
    (zoo.folder / "no.onnx").write_bytes(b"\xff\xff")
    text = (zoo.folder / "pipeline.yaml").read_text()
    (zoo.folder / "other.yaml").write_text(text.replace("model: net", "model: other").replace("6, 12", "12"))
    monkeypatch.chdir(zoo.folder)
    with pytest.raises(UsageError) as caught:
        app(arguments, standalone_mode=False)
    assert words in str(caught.value)
    assert len(caught.value.lines) == 1
    assert caught.value.exit_code == 2
    assert not (zoo.cache / "evaluations").exists()


def test_a_devices_outputs_are_scored_like_ours(zoo: FakeSource) -> None:
    make_labelled(zoo.folder / "data", 20, wrong=2)
    wrote = zoo.command("dataset", "npz", "data", "prepared", "--for", "tiny/net@12")
    assert wrote.returncode == 0, wrote.stderr
    assert "20 prepared pictures for tiny/net, listed in datalist.txt" in wrote.stdout
    names = (zoo.folder / "prepared/datalist.txt").read_text().split()
    assert names == [f"{index:03}.npz" for index in range(20)]
    session = onnxruntime.InferenceSession(zoo.folder / "dist/tiny/net/model/net-12.onnx")
    (zoo.folder / "saved").mkdir()
    rows = []
    for name in names:
        with np.load(zoo.folder / "prepared" / name) as prepared:
            [array] = [prepared[key] for key in prepared.files]
        assert (array.dtype, array.shape) == (np.float32, (1, 3, 8, 8))
        [logits] = session.run(None, {session.get_inputs()[0].name: array})
        rows.append(logits[0])
        np.savez(zoo.folder / "saved" / name, logits)
    np.save(zoo.folder / "all.npy", np.stack(rows))
    lists = ("--datalist", "prepared/datalist.txt", "--labels", "prepared/val_label.txt")
    for place in ("saved", "all.npy"):
        scored = zoo.command("evaluate", "--outputs", place, *lists)
        assert scored.returncode == 0, scored.stderr
        assert "18 of 20" in scored.stdout
    (zoo.folder / "saved/003.npz").unlink()
    missing = zoo.command("evaluate", "--outputs", "saved", *lists)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "1 of 20 outputs are missing: 003" in missing.stderr
    (zoo.folder / "data/004.png").write_bytes(b"")
    broken = zoo.command("dataset", "npz", "data", "again", "--for", "tiny/net@12")
    assert broken.returncode == 1
    assert "004.png" in broken.stderr
    assert not (zoo.folder / "again/datalist.txt").exists()
    full = zoo.command("dataset", "npz", "data", "prepared", "--for", "tiny/net@12")
    assert (full.returncode, full.stderr.count("\n")) == (2, 1)
    assert "there is something already" in full.stderr

"""The cards are parsed as readers' programs parse them, and their scripts and commands are run."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from evaluation.labels import imagenet_labels
from publishing.manifest import CHECKSUMS, MANIFEST, checksums
from publishing.pages.cards import cards
from publishing.pages.snippet import snippet
from publishing.record import RECORD_SUFFIX, PublishedFile, Record
from tests.publishing.pages.card_markdown import (
    downloads,
    fences,
    headings,
    links,
    parsed,
    plain,
    section,
    tables,
)
from tests.publishing.pages.card_records import PREPROCESSING, comparison, record, runtime
from tests.publishing.pages.test_snippet import write_model

CARD = "timm/repvgg/README.md"
DOCUMENT = {"document": "table of timm's models", "files": [], "top1": 72.4, "top5": 90.5}


def zoo() -> list[Record]:
    """A zoo of three families, of two sources that share a model's name."""
    wide = PREPROCESSING | {"input_size": [3, 320, 320], "resize": 320}
    many = [record(f"timm/repvgg_a{number}@{opset}") for number in (10, 2) for opset in (12, 3, 7)]
    return [
        *many,
        record("timm/repvgg_d2se@12", preprocessing=wide),
        record("timm/vgg16@7", family="vgg", reported=[DOCUMENT]),
        record("mxnet/vgg16@7", family="vgg", framework="MXNet Gluon", origin="vgg16.params", author="Alice"),
    ]


def lay_out(folder: Path, records: Sequence[Record]) -> None:
    """Write a zoo's cards, and beside them a file for everything that a zoo has."""
    files = [file.path for some in records for file in some.files.values()]
    files += [f"{some.folder}/{some.stem}{RECORD_SUFFIX}" for some in records]
    files += [f"{posixpath.dirname(some.folder)}/{some.model}.html" for some in records]
    files += [str(prediction["thumbnail"]) for some in records for prediction in some.predictions]
    files += ["index.html", "imagenet_classes.txt", MANIFEST, CHECKSUMS]
    for path, text in {**dict.fromkeys(files, "x"), **cards(records)}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def test_every_family_has_a_card_and_so_has_the_zoo() -> None:
    assert set(cards(zoo())) == {"README.md", CARD, "timm/vgg/README.md", "mxnet/vgg/README.md"}


def test_the_order_of_the_records_does_not_matter() -> None:
    records = zoo()
    shuffled = [*records[1::2], *records[::-2]]
    assert len(shuffled) == len(records)
    assert shuffled != records
    assert cards(shuffled) == cards(records)


def test_the_bytes_are_the_same_in_another_process_time_zone_and_locale() -> None:
    code = (
        "import hashlib, tests.publishing.pages.test_cards as t; from publishing.pages.cards import cards;"
        "print(hashlib.sha256(repr(cards(t.zoo())).encode()).hexdigest())"
    )
    ours = hashlib.sha256(repr(cards(zoo())).encode()).hexdigest()
    for changes in ({"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}, {"LC_ALL": "C", "PYTHONHASHSEED": "2"}):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **changes, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == ours


def test_every_link_leads_to_a_file_of_the_zoo(tmp_path: Path) -> None:
    records = zoo()
    lay_out(tmp_path, records)
    for path, text in cards(records).items():
        targets = links(text)
        assert len(targets) >= 5
        for target in targets:
            file, _, anchor = unquote(target).partition("#")
            reached = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
            assert not reached.startswith(("..", "/")), target
            assert (tmp_path / reached).is_file(), target
            slugs = {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings(text)}
            assert not anchor or anchor in slugs, target


def test_every_file_of_a_unit_has_its_link() -> None:
    records = [some for some in zoo() if some.family == "repvgg"]
    targets = links(cards(records)[CARD])
    for some in records:
        own = [file.path for file in some.files.values()] + [f"{some.folder}/{some.stem}{RECORD_SUFFIX}"]
        assert {path.removeprefix("timm/repvgg/") for path in own} <= set(targets)


def test_the_table_has_the_zoos_columns_and_a_row_for_each_file() -> None:
    head, *rows = downloads(cards(zoo())[CARD])
    assert head == [
        "Model",
        "Download",
        "Download (with sample test data)",
        "ONNX version",
        "Opset version",
        "Top-1 accuracy",
        "Top-5 accuracy",
    ]
    assert [(row[0], row[4]) for row in rows] == [
        *(("repvgg_a2", opset) for opset in ("3", "7", "12")),
        *(("repvgg_a10", opset) for opset in ("3", "7", "12")),
        ("repvgg_d2se", "12"),
    ]
    assert rows[0] == ["repvgg_a2", "33.4 MB", "33.4 MB", "1.1", "3", "–", "–"]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(999, "999 B"), (5_240_000, "5.24 MB"), (574_000_000, "574 MB"), (1000, "1.00 kB")],
)
def test_sizes_are_those_of_the_files(count: int, shown: str) -> None:
    some = record()
    files = {**some.files, "tar.gz": PublishedFile(some.files["tar.gz"].path, count, "00" * 32)}
    assert downloads(cards([replace(some, files=files)])[CARD])[1][1:3] == ["33.4 MB", shown]


def test_sections_are_those_of_the_zoo() -> None:
    names = headings(cards(zoo())["mxnet/vgg/README.md"])
    assert names == [
        "vgg from MXNet Gluon",
        "Use cases",
        "Description",
        "Model",
        "Source",
        "Inference",
        "Test data",
        "Parity",
        "Dataset",
        "Validation accuracy",
        "Quantization",
        "References",
        "License",
    ]
    assert "MXNet Gluon vgg ==> ONNX vgg" in plain(parsed(cards(zoo())["mxnet/vgg/README.md"]))


def test_a_family_is_called_as_its_models_spell_it() -> None:
    texts = cards([record("paddle/RepVGG_A0@12"), record("paddle/RepVGG_A1@12")])
    assert texts["paddle/repvgg/README.md"].startswith("# RepVGG from ")


def test_random_weights_are_said_before_anything_else() -> None:
    text = cards([record()])[CARD]
    tokens = parsed(text)
    quote = next(index for index, token in enumerate(tokens) if token.type == "blockquote_open")
    assert quote == 3  # right behind the heading
    assert "weights are random" in plain(tokens[quote : quote + 4])
    assert "not for classifying" in plain(tokens[quote : quote + 4])
    assert "Classifying pictures" not in text
    assert "not for classifying" in cards([record()])["README.md"]


def test_the_card_says_which_weights_are_random_where_some_are() -> None:
    trained = record("timm/repvgg_a1@12", origin="https://example.org/a1.pth")
    texts = cards([record(), trained])
    assert "This is so of `repvgg_a0`." in texts[CARD]
    assert "Weights of `repvgg_a1`: https://example.org/a1.pth" in texts[CARD]
    assert "This is so of 1 of the 2 models" in texts["README.md"]
    alone = cards([trained])
    assert all("random" not in alone[path].lower().replace("random weights | ", "") for path in (CARD,))
    assert "not for classifying" not in alone["README.md"]


def test_reported_accuracies_name_their_documents() -> None:
    other = DOCUMENT | {
        "document": "the ONNX zoo's table",
        "top1": None,
        "top5": None,
        "files": [{"opset": 7, "top1": 72.62, "top5": None}],
    }
    records = [
        record("timm/repvgg_a0@7", reported=[DOCUMENT, other]),
        record("timm/repvgg_a0@12", reported=[other]),
    ]
    text = cards(records)[CARD]
    assert [row[5:] for row in downloads(text)[1:]] == [
        ["72.4% reported (1), 72.62% reported (2)", "90.5% reported (1)"],
        ["–", "–"],
    ]
    assert section(text, "References") == "1. table of timm's models\n2. the ONNX zoo's table"
    words = plain(parsed(section(text, "Model")))
    assert "own weights" in words
    assert "not those of the random weights in these files" in words


def test_without_documents_the_card_says_that_nothing_was_measured() -> None:
    text = cards([record()])[CARD]
    assert "No accuracy was measured" in section(text, "Model")
    assert section(text, "Validation accuracy") == "Not measured."


def test_the_script_of_the_card_is_the_snippet_of_the_newest_opset() -> None:
    records = [some for some in zoo() if some.family == "repvgg"]
    newest = {some.model: some for some in records if some.opset == 12}
    scripts = fences(cards(records)[CARD], "python")
    assert scripts == [snippet(newest["repvgg_a2"]), snippet(newest["repvgg_d2se"])]
    assert "for `repvgg_a10`" in cards(records)[CARD]


def test_the_script_of_the_card_runs_in_the_folder_of_the_card(tmp_path: Path) -> None:
    some = record("timm/repvgg_a0@9", preprocessing=PREPROCESSING | {"input_size": [3, 16, 16], "resize": 18})
    some.io_ports["inputs"][0]["name"] = "picture"
    lay_out(tmp_path, [some])
    write_model(tmp_path / some.files["onnx"].path, [3, 16, 16], 1000, 9, softmax=False)
    names = imagenet_labels(1000) or ()
    (tmp_path / "imagenet_classes.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    folder = tmp_path / "timm" / "repvgg"
    (script,) = fences((folder / "README.md").read_text(encoding="utf-8"), "python")
    (folder / "classify.py").write_text(script, encoding="utf-8")
    Image.radial_gradient("L").save(folder / "picture.png")
    commands = script.split('"""')[1].splitlines()
    assert commands[3] == "python classify.py picture.jpg"
    done = subprocess.run(
        [sys.executable, "classify.py", "picture.png"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert len(rows) == 5
    assert all(names[int(index)] == name for index, _, name in rows)


def test_the_zoos_card_tells_how_to_check_it(tmp_path: Path) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("there is no sha256sum here: the command that the card gives was NOT run")
    lay_out(tmp_path, zoo())
    paths = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != CHECKSUMS]
    digests = {
        path.relative_to(tmp_path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
    (tmp_path / CHECKSUMS).write_text(checksums(digests), encoding="utf-8")
    check, verify = fences(cards(zoo())["README.md"], "sh")
    assert verify == "python -m pipeline verify .\n"
    assert subprocess.run(check.split(), cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "index.html").write_text("changed", encoding="utf-8")
    done = subprocess.run(check.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "index.html" in done.stdout


def test_the_zoos_card_lists_families_and_what_the_hub_cannot_tell_apart() -> None:
    text = cards(zoo())["README.md"]
    rows = tables(text)[0]
    assert [(row[0], row[1], row[2], row[3]) for row in rows[1:]] == [
        ("vgg", "MXNet Gluon", "1", "1"),
        ("repvgg", "PyTorch Image Models (timm)", "3", "7"),
        ("vgg", "PyTorch Image Models (timm)", "1", "1"),
    ]
    assert [row[-1] for row in rows[1:]] == ["none", "all", "all"]
    assert "more than one source has them: `vgg16`." in text
    (code,) = fences(text, "python")
    assert 'hub.load("repvgg_a2", repository, opset=12' in code
    compile(code, "card", "exec")


def test_an_empty_zoo_has_a_card() -> None:
    assert set(cards([])) == {"README.md"}
    assert "nothing" in cards([])["README.md"]


def test_test_data_are_told_folder_by_folder() -> None:
    rows = next(rows for rows in tables(cards([record()])[CARD]) if rows[0][0] == "Folder")
    assert rows[1:] == [
        ["test_data_set_0", "smooth noise from a seed, one picture", "1×3×224×224"],
        ["test_data_set_1", "smooth noise from a seed, 3 pictures at a time", "3×3×224×224"],
        ["test_data_set_2", "chelsea.png, prepared as above", "1×3×224×224"],
        ["test_data_set_3", "chelsea.png, coffee.png and rocket.jpg, prepared as above", "3×3×224×224"],
    ]
    assert "with the network in its form for training" in cards([record()])[CARD]


def test_parity_has_every_runtimes_worst_figure() -> None:
    runtimes = {
        "openvino": runtime("2026.4.1", comparisons={"a": comparison(3e-6), "b": comparison(4.2e-5)}),
        "opencv": runtime("5.0", comparisons={"a": comparison(0.25, passed=False)}),
        "caffe2": runtime("", outcome="missing", reason="no such environment", comparisons={}),
        "onnxruntime": runtime(comparisons={"a": comparison(None, passed=True)}),
        "abacus": runtime("1", comparisons={"a": comparison(0.0)}),
    }
    some = record(runtimes=runtimes)
    some.verdict.update(dissent="opencv disagrees with the reference on a")  # type: ignore[attr-defined]
    text = cards([replace(some, bounds=["Resize may be off by 1e-6"])])[CARD]
    rows = next(rows for rows in tables(text) if rows[0][:2] == ["Model", "Opset"])
    assert rows[0][2:-1] == ["ONNX Runtime", "OpenVINO", "OpenCV", "Caffe2", "abacus"]
    assert rows[1][2:-1] == ["same", "4.2e-5", "differs: 2.5e-1", "missing", "0"]
    assert "repvgg_a0-12: opencv disagrees with the reference on a" in plain(parsed(text))
    assert "repvgg_a0-12: Resize may be off by 1e-6" in plain(parsed(text))


def test_what_onnx_runtime_does_not_run_is_said_with_what_does() -> None:
    both = cards([record("timm/repvgg_a0@3"), record("timm/repvgg_a0@7")])[CARD]
    assert "does not run opset 3; OpenVINO ran it here." in section(both, "Parity")
    assert "import onnxruntime" in both
    old = cards([record("timm/repvgg_a0@3")])[CARD]
    assert "does not run opset 3; OpenVINO ran it here." in section(old, "Inference")
    assert "import openvino" in old
    new = cards([record("timm/repvgg_a0@7")])[CARD]
    assert "does not run" not in new


def test_quantised_files_are_named_and_float32_stands_for_the_model() -> None:
    records = [
        record("timm/repvgg_a0@9"),
        record("timm/repvgg_a0@12-int8"),
        record("timm/repvgg_a0@12-int8-qdq"),
    ]
    text = cards(records)[CARD]
    assert [row[0] for row in downloads(text)[1:]] == ["repvgg_a0", "repvgg_a0 int8", "repvgg_a0 int8-qdq"]
    assert "in float32, int8 and int8-qdq:" in section(text, "Quantization")
    assert 'MODEL = "model/repvgg_a0-9.onnx"' in text
    assert section(cards(records[:1])[CARD], "Quantization") == "None: all files compute in float32."


def test_licences_are_told_model_by_model_where_they_differ() -> None:
    one, other = record(), record("timm/repvgg_a1@12", license="", author="")
    assert section(cards([replace(one, author="Alice")])[CARD], "License").startswith(
        "Apache-2.0. Author of the weights: Alice."
    )
    words = section(cards([one, other])[CARD], "License")
    assert "`repvgg_a0`: Apache-2.0." in words
    assert "`repvgg_a1`: Nobody stated one" in words


def test_classes_with_names_of_their_own_are_told_beside_those_of_imagenet() -> None:
    labels = {"names": [f"kind {index}" for index in range(1000)], "origin": "the file a.txt", "sha256": None}
    own = record("timm/repvgg_a0@12", labels=labels, origin="a.pth")
    usual = record("timm/repvgg_a1@12", origin="b.pth")
    text = cards([own, usual])[CARD]
    assert "into 1000 classes; and" in section(text, "Use cases")
    assert "`repvgg_a1`: The names of the 1000 classes are those of ImageNet" in section(text, "Dataset")
    told = "`repvgg_a0`: 1000 classes, as the file a.txt names them: kind 0, kind 1, kind 2,"
    assert told in section(text, "Classes")
    alone = cards([usual])[CARD]
    assert "## Classes" not in alone
    assert "1000 classes, those of ImageNet;" in section(alone, "Use cases")
    assert "ImageNet" not in cards([own])[CARD]

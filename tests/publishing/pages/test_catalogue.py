"""The catalogue's pages as text: the same each time, whole links, and nothing that a record says is code."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from publishing.errors import PublishError
from publishing.pages import prose
from publishing.pages.catalogue import catalogue
from publishing.pages.catalogue_model import answers, for_snippet, models_of
from publishing.pages.snippet import snippet
from publishing.record import Record, from_json, to_json
from tests.publishing.pages.catalogue_zoo import DISSENT, THUMBNAIL, unit, write, zoo

MODEL = "timm/efficientnet/tf_efficientnet_lite0.html"
HOSTILE = (
    "</script></title><script>alert(1)</script><img src=x onerror='alert(2)'>\" onclick=\"x&amp;{{7*7}}"
    "| `a` | [x](javascript:alert(3)) ::error::\x1b[2J\r\x00\x9b\u202eo"
)
SHOWN = HOSTILE.partition("\x1b")[0] + r"\x1b[2J\r\x00\x9b\u202eo"


class Page(HTMLParser):
    """A page's elements and its text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, *names: str) -> list[str]:
        return [attributes[name] for _, attributes in self.elements for name in names if name in attributes]


def html(pages: dict[str, bytes]) -> Iterator[tuple[str, Page]]:
    yield from ((path, Page(content)) for path, content in pages.items() if path.endswith(".html"))


def test_the_pages_are_those_of_the_models() -> None:
    assert set(catalogue(zoo())) == {
        "index.html",
        "assets/catalogue.css",
        "assets/catalogue.js",
        "assets/icon.svg",
        MODEL,
        "paddle/repvgg/RepVGG_A0.html",
        "mxnet/vgg/vgg16_bn.html",
    }


def test_the_same_records_give_the_same_bytes_in_any_order() -> None:
    read_again = [from_json(to_json(record)) for record in reversed(zoo())]
    assert list(catalogue(zoo()).items()) == list(catalogue(read_again).items())


def test_an_empty_zoo_has_a_page_too() -> None:
    assert "0 files of 0 image classifiers" in Page(catalogue([])["index.html"]).text


def test_every_link_leads_to_a_file_of_the_zoo(tmp_path: Path) -> None:
    index = write(tmp_path, zoo())
    seen = set()
    for path, page in html(catalogue(zoo())):
        for link in page.values("href", "src"):
            parts = urlsplit(link)
            assert not parts.scheme
            assert not parts.netloc, link
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
            if parts.path:
                assert (tmp_path / target).is_file(), f"{path}: {link}"
                seen.add(target)
            elif parts.fragment:
                assert parts.fragment in page.values("id"), f"{path}: {link}"
    offered = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert offered - seen <= {index.name}, "a file that no page offers"


def test_references_within_a_page_hold() -> None:
    for path, page in html(catalogue(zoo())):
        ids = page.values("id")
        assert len(ids) == len(set(ids)), path
        wanted = page.values("for", "popovertarget", "aria-labelledby", "aria-describedby", "data-copy-from")
        assert set(wanted) <= set(ids), path


def test_every_control_has_a_label_and_every_picture_a_text() -> None:
    for path, page in html(catalogue(zoo())):
        labelled = page.values("for")
        for tag, attributes in page.elements:
            if tag in ("input", "select"):
                assert attributes["id"] in labelled, path
            if tag == "img":
                assert attributes["alt"], path


def test_nothing_comes_from_elsewhere_and_no_code_is_in_a_page() -> None:
    pages = catalogue(zoo())
    for content in pages.values():
        assert set(re.findall(rb"https?://[^\"' )<]+", content)) <= {b"http://www.w3.org/2000/svg"}
    for path, page in html(pages):
        policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv"))
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not page.values("style"), path
        assert [attributes for tag, attributes in page.elements if tag == "style"] == []
        assert [attributes.get("src") for tag, attributes in page.elements if tag == "script"] == [
            f"{'' if path == 'index.html' else '../../'}assets/catalogue.js"
        ]


def hostile() -> Record:
    """A record that says code wherever a record may say anything."""

    def spoil(value: Any) -> Any:
        if isinstance(value, str):
            return value + HOSTILE
        if isinstance(value, dict):
            return {spoil_key(key): spoil(inner) for key, inner in value.items()}
        return [spoil(inner) for inner in value] if isinstance(value, list) else value

    def spoil_key(key: str) -> str:
        return key + HOSTILE if key in ("onnxruntime", "openvino", "noise-1", "torch") else key

    kept = {"status": "passed", "outcome": "ran"}
    honest = unit(
        "timm/resnet18@12", reported=[{"document": "a table", "files": [], "top1": 7.5, "top5": None}]
    )
    changes: dict[str, Any] = {"license": HOSTILE, "author": HOSTILE, "framework": HOSTILE}
    for field in ("verdict", "predictions", "rewrites", "inputs", "figures", "provenance", "io_ports"):
        changes[field] = spoil(getattr(honest, field))
    changes["bounds"] = [HOSTILE]
    changes["labels"] = {"names": [f"named{HOSTILE}"], "origin": f"labelled{HOSTILE}", "sha256": None}
    changes["verdict"]["status"] = kept["status"]
    for name, verdict in changes["verdict"]["runtimes"].items():
        verdict["outcome"] = kept["outcome"] if "onnx" in name else verdict["outcome"]
    changes["preprocessing"] = {**honest.preprocessing, "note": HOSTILE}
    changes["files"] = {
        kind: dataclasses.replace(file, sha256=HOSTILE, path=f"javascript:alert(1)//{HOSTILE}")
        for kind, file in honest.files.items()
    }
    return dataclasses.replace(honest, **changes)


def test_what_a_record_says_is_text_and_never_code() -> None:
    labels = {"names": ["cat"], "origin": "a file", "sha256": None}
    tame, wild = catalogue([unit("timm/resnet18@12", labels=labels)]), catalogue([hostile()])
    assert set(tame) == set(wild)
    for path, page in html(wild):
        assert all(char.isprintable() or char == "\n" for char in wild[path].decode()), path
        assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(tame[path]).elements} | {
            "code",
            "h3",
        }
        assert [tag for tag, _ in page.elements].count("script") == 1
        names = {name for _, attributes in page.elements for name in attributes}
        assert not [name for name in names if name.startswith("on")]
        assert [link for link in page.values("href", "src") if urlsplit(link).scheme] == []
    shown = Page(wild["timm/resnet18.html".replace("/", "/repvgg/")]).text
    for field in (
        "Egyptian cat",
        "cat.png",
        "noise-1",
        "licence ",
        "random weights, seed 0",
        "a table",
        "named",
    ):
        assert field + SHOWN in shown, field


def test_a_model_is_shown_with_all_that_its_records_say() -> None:
    page = Page(catalogue(zoo())[MODEL])
    for words in (
        "opsets 3 to 5, 7, 12",
        "✗ disagrees 8.3e-1",
        "✗ relative error 0.83 is above 0.0001",
        f"Dissent at opset 5, fp32: {DISSENT}",
        "OpenCV 1.31.1 at opset 3: unsupported. A second opinion. no layer Sigmoid_3",
        "Caffe2 at opset 3: missing.",
        "not asked",
        "74.83% reported",
        "92.17% reported; not measured here",
        "Egyptian cat 70.0%",
        "fp32, in ONNX Runtime",
        "int8, in ONNX Runtime",
        "18.7 MB",
        "42" * 32,
        "lite0.pth of the package weights==0.1.0, 46 tensors",
    ):
        assert words in page.text, words
    assert prose.RANDOM_WEIGHTS not in page.text
    assert f"../../{THUMBNAIL}" in page.values("src")


def test_random_weights_are_told_and_have_no_accuracy() -> None:
    reported = [{"document": "a table", "files": [], "top1": 71.31, "top5": 90.16}]
    pages = catalogue([unit("paddle/RepVGG_A0@12", reported=reported)])
    page = Page(pages["paddle/repvgg/RepVGG_A0.html"])
    assert prose.RANDOM_WEIGHTS in page.text
    assert "71.31% reported, of the framework's own weights and not of these; not measured here" in page.text
    index = Page(pages["index.html"]).text
    assert "random weights" in index
    assert "71.31" not in index


def test_the_snippet_is_that_of_the_newest_file_and_whole() -> None:
    records = zoo()
    newest = next(record for record in records if record.name == "timm/tf_efficientnet_lite0@12")
    page = Page(catalogue(records)[MODEL])
    assert " ".join(snippet(newest).split()) in page.text


def test_the_file_to_show_is_one_that_onnx_runtime_runs_where_there_is_one() -> None:
    old, older = unit("timm/a@6"), unit("timm/a@3")
    assert for_snippet([older, unit("timm/a@7"), old]).opset == 7
    assert for_snippet([older, old]).opset == 6


def test_models_stand_in_the_order_of_their_families_and_names() -> None:
    names = ["timm/vgg16@7", "timm/VGG9@7", "timm/vgg16@9", "paddle/vgg16@7"]
    models = models_of([unit(name, family="vgg") for name in names] + [unit("timm/z@7", family="alexnet")])
    assert [model.path for model in models] == [
        "timm/alexnet/z.html",
        "timm/vgg/VGG9.html",
        "paddle/vgg/vgg16.html",
        "timm/vgg/vgg16.html",
    ]
    assert models[3].opsets == (7, 9)


def test_full_precision_stands_for_a_model_and_comes_first() -> None:
    [model] = models_of([unit(f"timm/a@{version}") for version in ("12-int8", "7", "13-qdq", "9", "10-int8")])
    assert model.main.name == "timm/a@9"
    assert [record.name for record in model.newest_first] == [
        f"timm/a@{version}" for version in ("9", "7", "12-int8", "10-int8", "13-qdq")
    ]
    [(_, picture_answers)] = answers(model)
    assert [(answer.who, answer.detail.split(",")[0]) for answer in picture_answers[1:]] == [
        ("ONNX, opset 9", "fp32"),
        ("ONNX, opset 12", "int8"),
        ("ONNX, opset 13", "qdq"),
    ]


@pytest.mark.parametrize("field", ["figures", "provenance", "preprocessing"])
def test_a_record_that_lacks_something_is_named(field: str) -> None:
    lacking: dict[str, Any] = {field: {}}
    bare = dataclasses.replace(unit("timm/a@7"), **lacking)
    with pytest.raises(PublishError, match=r"^timm/a@7: .*publish the model again"):
        catalogue([unit("timm/b@7"), bare])


@pytest.mark.parametrize("changes", [{"family": "../../etc"}, {"source": "a/b"}, {"model": ".."}])
def test_a_record_cannot_lead_out_of_the_folder(changes: dict[str, Any]) -> None:
    with pytest.raises(PublishError):
        catalogue([dataclasses.replace(unit("timm/a@7"), **changes)])


def _labelled(name: str, names: list[str]) -> Record:
    labels = {"names": names, "origin": "the file labels.txt", "sha256": "ab" * 32}
    return unit(name, labels=labels, classes=len(names))


def test_classes_can_be_asked_for_only_where_models_differ_in_them() -> None:
    assert "<template" not in catalogue(zoo(), (), ["tench", "tabby"])["index.html"].decode()
    pets = [_labelled(f"timm/pets{number}@12", ["Cat", "dog"]) for number in range(3)]
    index = catalogue([*zoo(), *pets], (), ["tench", "tabby"])["index.html"].decode()
    assert index.count("<template") == 2, "models share what they share"
    assert "<i>tench</i><i>tabby</i>" in index
    assert "<i>Cat</i><i>dog</i>" in index


def test_the_page_of_a_model_has_the_names_of_its_classes_and_who_said_them() -> None:
    names = ["Cat", "dog", "eel", "fox", "gnu", "hen"]
    page = Page(catalogue([_labelled("timm/pets@12", names)])["timm/repvgg/pets.html"])
    assert f"6 classes, as the file labels.txt (sha256 {'ab' * 32}) names them: Cat, dog, eel" in page.text
    assert "hen" in page.text
    assert "imagenet" not in page.text.lower()


def test_an_answer_without_names_has_the_number_of_its_class() -> None:
    nameless = unit("timm/resnet18@12", classes=10)
    for row in nameless.predictions[0].values():
        for answer in row if isinstance(row, list) else ():
            answer["label"] = None
    page = catalogue([nameless])["timm/repvgg/resnet18.html"].decode()
    assert '<span class="label">class 4</span>' in page
    assert '<span class="label">None</span>' not in page

"""Whatever a record says stays text in a card, and a record that says too little is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

from publishing.errors import PublishError
from publishing.pages import card_tables
from publishing.pages.cards import cards
from publishing.pages.markdown import fenced, link
from publishing.record import Record
from tests.publishing.pages.card_markdown import inner, links, parsed, plain
from tests.publishing.pages.card_records import record, runtime
from tests.publishing.pages.test_cards import CARD, DOCUMENT

HOSTILE = (
    "a|b `c` <b onclick=x>d</b>\n\n# e\n- f [g](http://h) ![i](j) *k* _l_ ~~m~~ &lt; \\| $n$ \u202e\x00o"
)


def hostile(words: str) -> list[Record]:
    """A family that says ``words`` wherever a record can say something."""
    verdict = runtime(f"1 {words}")
    some = record(
        framework=words,
        license=words,
        author=words,
        origin=words,
        bounds=[words],
        onnx_version=words,
        runtimes={
            "onnxruntime": verdict,
            "opencv": runtime("1", outcome=words, comparisons={}),
            "own": verdict,
        },
        reported=[DOCUMENT | {"document": words}],
        predictions=[{"picture": words, "thumbnail": "pictures/a-09bb7324d554.jpg", "source": []}],
    )
    some.labels.update(names=[words, words], origin=words, sha256=words)  # type: ignore[attr-defined]
    some.verdict.update(dissent=words)  # type: ignore[attr-defined]
    some.provenance.update(exporter=words, form=words, python=words)  # type: ignore[attr-defined]
    for port in (*some.io_ports["inputs"], *some.io_ports["outputs"]):
        port.update(name=words, type=words)
    return [some]


def structure(text: str) -> list[tuple[str, str, int]]:
    """What a document is made of, without its words."""
    kinds = ("text", "text_special", "softbreak")
    return [(token.type, token.tag, token.level) for token in inner(parsed(text)) if token.type not in kinds]


@pytest.mark.parametrize(
    "words",
    [
        HOSTILE,
        "| x |",
        "`",
        "```\n# x",
        "<script>",
        "<!--",
        "- x",
        "1. x",
        "# x",
        "===",
        "---",
        "[x]: y",
        "](x)",
        "**x",
        "__x__",
        "\\",
        "x  \ny",
        "&#35;",
        "{{ 1 }}{% x %}",
        "![x](y)",
        "<http://x>",
        "$$x$$",
        "x](javascript:alert(1)) [y](javascript:alert(2))",
        "</td></tr></table><img src=x onerror=alert(1)>",
        "::error::x",
        "\x1b[2J\rx\x9b",
        "\u2028# x",
    ],
)
def test_what_a_record_says_stays_text(words: str) -> None:
    calm_cards, hostile_cards = cards(hostile("calm words")), cards(hostile(words))
    assert set(calm_cards) == set(hostile_cards)
    for path in calm_cards:
        assert structure(hostile_cards[path]) == structure(calm_cards[path])
        assert links(hostile_cards[path]) == links(calm_cards[path])
    shown = " ".join(words.split()).replace("\u202e", r"\u202e").replace("\x00", r"\x00")
    shown = shown.replace("\x1b", r"\x1b").replace("\x9b", r"\x9b")
    assert all(char.isprintable() or char == "\n" for text in hostile_cards.values() for char in text)
    text = plain([token for token in parsed(hostile_cards[CARD]) if token.type != "fence"])
    assert text.count(shown) >= text.count("calm words") + 10


def test_a_thumbnail_elsewhere_is_not_shown() -> None:
    for path in ("../secret.png", "pictures/../x.png", "https://x/y.png", "pictures/a b.jpg"):
        predictions: list[dict[str, Any]] = [{"picture": "a", "thumbnail": path, "source": []}]
        assert not card_tables.thumbnails([record(predictions=predictions)])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"family": "../.."}, "family"),
        ({"source": "other"}, "source"),
        ({"verdict": {"status": "failed"}}, "failed"),
        ({"provenance": {}}, "'weights'"),
        ({"figures": {}}, "'parameters'|'reported'"),
        ({"io_ports": {"inputs": [], "outputs": []}}, "index"),
        ({"preprocessing": {}}, "'input_size'"),
        ({"inputs": [None]}, "NoneType"),
    ],
)
def test_a_record_that_cannot_be_told_of_is_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(PublishError, match=rf"(?s)timm/repvgg_a0@12.*({reason})"):
        cards([replace(record(), **changes)])


def test_no_line_of_a_script_ends_its_block() -> None:
    source = "a\n```\n````\n# b\n"
    (block,) = parsed(fenced(source, "python"))
    assert (block.type, block.info, block.content) == ("fence", "python", source)


@pytest.mark.parametrize("path", ["a b.html", "a(b).html", "a+b.html", "ä#?.html", "<a>.html", "a]b.html"])
def test_a_link_leads_to_its_path_whatever_the_characters(path: str) -> None:
    (target,) = links(link(HOSTILE, path))
    assert unquote(target) == path
    assert not {"#", "?"} & set(target)

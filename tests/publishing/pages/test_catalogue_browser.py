"""The list of models in a real Chromium, from disk and over HTTP: searching, filtering, sharing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from publishing.pages.catalogue import catalogue
from tests.publishing.pages.browsing import MODELS, everywhere, expect_models
from tests.publishing.pages.catalogue_zoo import many, unit, zoo

pytestmark = pytest.mark.slow


@everywhere
def test_search_finds_names_whatever_their_separators(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    expect_models(page, MODELS)
    for typed, names in (
        ("vgg", MODELS[1:]),
        ("VGG16bn", ["vgg16_bn"]),
        ("lite timm", ["tf_efficientnet_lite0"]),
        ("repvgg-a0", ["RepVGG_A0"]),
        ("gluon", ["vgg16_bn"]),
        ("resnet", []),
    ):
        page.get_by_label("Search").fill(typed)
        expect_models(page, names, typed)
    expect(page.locator("#count")).to_have_text("0 of 3 models")
    page.get_by_role("button", name="Show all models").click()
    expect_models(page, MODELS)
    expect(page.get_by_label("Search")).to_be_focused()


@pytest.mark.parametrize(
    ("label", "value", "names"),
    [
        ("Source", "paddle", ["RepVGG_A0"]),
        ("Family", "vgg", ["vgg16_bn"]),
        ("Opset", "12", MODELS[:2]),
        ("Opset", "4", MODELS[:1]),
        ("Precision", "int8", MODELS[:1]),
    ],
)
def test_a_filter_leaves_what_fits(
    page: Page, address: str, label: str, value: str, names: list[str]
) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label(label).select_option(value)
    expect_models(page, names)
    expect(page.locator("#count")).to_have_text(f"{len(names)} of 3 models")
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#count")).to_have_text("3 models")
    expect_models(page, MODELS)


def test_size_is_that_of_the_file_that_the_other_filters_ask_for(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label("Largest size in MB").fill("20")
    expect_models(page, MODELS[:1])
    page.get_by_label("Largest size in MB").fill("10")
    expect_models(page, MODELS[:1], "its int8 file is as small")
    page.get_by_label("Precision").select_option("fp32")
    expect_models(page, [])
    page.get_by_label("Largest size in MB").fill("33.2")
    expect_models(page, MODELS[:2])


@everywhere
def test_a_filter_can_be_shared(page: Page, context: BrowserContext, address: str) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label("Search").fill("vgg a&b=c #1")
    page.get_by_label("Opset").select_option("7")
    page.wait_for_url(re.compile("opset=7"))
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_label("Search")).to_have_value("vgg a&b=c #1")
    expect(other.get_by_label("Opset")).to_have_value("7")
    other.goto(f"{address}index.html#source=mxnet&family=vgg")
    expect_models(other, ["vgg16_bn"])
    other.goto(f"{address}index.html#main")
    expect_models(other, ["vgg16_bn"], "a link to a place in the page is no filter")
    page.get_by_role("button", name="Reset").click()
    page.wait_for_url(re.compile("index.html$"))


def test_a_thousand_models_are_filtered_right(browser: Browser, tmp_path: Path) -> None:
    """1,000 models, made so that the answer to each question is known."""
    for path, content in catalogue(many(1000, (3, 12))).items():
        if path.startswith(("index", "assets/")):
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(content)
    index = tmp_path / "index.html"
    page = browser.new_page()
    page.goto(index.as_uri())
    expect(page.locator("#count")).to_have_text("1000 models")
    for query, count in (
        ("q=bn", 334),
        ("source=timm", 250),
        ("family=family3", 100),
        ("size=250", 250),
        ("opset=3&precision=fp32", 1000),
        ("q=net99&source=paddle&size=996", 2),  # net990 and net994, of 991 and 995 MB
        ("q=net12_bn&opset=12", 1),
    ):
        page.goto(f"{index.as_uri()}#{query}")
        expect(page.locator("#count")).to_have_text(
            f"{count} of 1000 models" if count < 1000 else "1000 models"
        )
        expect(page.locator(".models > li:visible")).to_have_count(count)
    page.close()


def test_models_are_found_by_the_names_of_their_classes(browser: Browser, tmp_path: Path) -> None:
    labels = {"names": ["Golden Retriever", "猫"], "origin": "the file labels.txt", "sha256": "ab" * 32}
    pets = unit("timm/pets@12", labels=labels, classes=2)
    for path, content in catalogue([*zoo(), pets], (), ["tench", "tabby"]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    for typed, names in (
        ("golden-retriever", ["pets"]),
        ("retriever猫", []),  # of two names
        ("猫", ["pets"]),
        ("TABBY", MODELS),
        ("pets", []),
    ):
        page.get_by_label("Class").fill(typed)
        expect_models(page, names, typed)
    page.close()

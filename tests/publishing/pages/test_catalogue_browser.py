"""The catalogue in a real Chromium, from disk and over HTTP: what a person does with it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from publishing.pages.catalogue import catalogue
from tests.loopback import served
from tests.publishing.pages.catalogue_zoo import DISSENT, many, write, zoo

MODEL = "timm/efficientnet/tf_efficientnet_lite0.html"
MODELS = ["tf_efficientnet_lite0", "RepVGG_A0", "vgg16_bn"]
PHONE = {"width": 360, "height": 740}
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
TABS = 40
"""More than any walk here needs: a place that cannot be reached ends the test."""

# Contrast as WCAG 2.2 defines it; backgrounds are those of the nearest element that has one.
CONTRASTS = """() => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = numbers(colour).map(channel);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    if (!own || element.tagName === "title") continue;
    if (!element.checkVisibility() && !element.closest("[popover]")) continue;
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [luminance(colour), luminance(ground(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.outerHTML.slice(0, 120)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; without it these tests prove nothing, and say so."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("NOT TESTED: the catalogue in a browser. Install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published zoo."""
    return write(tmp_path_factory.mktemp("zoo"), zoo()).parent


@pytest.fixture(scope="module")
def disk(folder: Path) -> str:
    """Where the zoo is on disk, for what does not depend on how a page comes."""
    return f"{folder.as_uri()}/"


@pytest.fixture(scope="module", params=["file", "http"])
def address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Where the zoo is: on disk, or at a server on loopback."""
    if request.param == "file":
        yield f"{folder.as_uri()}/"
        return
    with served(folder) as server:
        yield f"{server}/"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page that must not complain, nor ask for anything outside the zoo."""
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))
    opened.on(
        "request",
        lambda request: None if request.url.startswith(address) else troubles.append(f"asked: {request.url}"),
    )
    yield opened
    assert troubles == []


def expect_models(page: Page, names: list[str], why: str | None = None) -> None:
    """Wait until exactly these models are shown: a form is reset only after its event."""
    expect(page.locator(".models > li:visible h2 a"), why).to_have_text(names)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on what ``selector`` finds."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{selector} cannot be reached with the Tab key")


def test_search_finds_names_whatever_their_separators(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    expect_models(page, MODELS)
    for typed, found in (
        ("vgg", MODELS[1:]),
        ("VGG16bn", ["vgg16_bn"]),
        ("lite timm", ["tf_efficientnet_lite0"]),
        ("repvgg-a0", ["RepVGG_A0"]),
        ("gluon", ["vgg16_bn"]),
        ("resnet", []),
    ):
        page.get_by_label("Search").fill(typed)
        expect_models(page, found, typed)
    expect(page.locator("#count")).to_have_text("0 of 3 models")
    page.get_by_role("button", name="Show all models").click()
    expect_models(page, MODELS)
    expect(page.get_by_label("Search")).to_be_focused()


@pytest.mark.parametrize(
    ("label", "value", "found"),
    [
        ("Source", "paddle", ["RepVGG_A0"]),
        ("Family", "vgg", ["vgg16_bn"]),
        ("Opset", "12", MODELS[:2]),
        ("Opset", "4", MODELS[:1]),
        ("Precision", "int8", MODELS[:1]),
    ],
)
def test_a_filter_leaves_what_fits(
    page: Page, address: str, label: str, value: str, found: list[str]
) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label(label).select_option(value)
    expect_models(page, found)
    expect(page.locator("#count")).to_have_text(f"{len(found)} of 3 models")
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


def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the models")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Skip to the models")).to_be_focused()
    tab_to(page, "input[type=search]")
    page.keyboard.type("lite0")
    tab_to(page, ".models a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}{MODEL}")
    for selector in (".downloads a", ".downloads button.copy"):
        tab_to(page, selector)
    page.locator("#downloads ~ * button.copy").last.focus()
    tab_to(page, "button.verdict")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is visible"
    figures = page.locator(".figures:popover-open")
    expect(figures).to_have_count(1)
    expect(figures).to_contain_text("ONNX Runtime 1.31.1 at opset 12: agrees")
    expect(figures.locator("tr", has_text="noise-1")).to_contain_text("3.0e-6")
    page.keyboard.press("Tab")
    expect(figures).to_contain_text("OpenVINO 1.31.1 at opset 12")
    page.keyboard.press("Escape")
    expect(figures).to_have_count(0)
    tab_to(page, "summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("details[open]")).to_have_count(2)


def test_the_skip_link_leads_on_from_the_models_and_keeps_the_filter(page: Page, address: str) -> None:
    page.goto(f"{address}index.html#family=vgg")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".models a:visible").first).to_be_focused()
    expect_models(page, ["vgg16_bn"])


def test_the_errors_of_a_cell_come_with_the_pointer_and_stay_under_it(page: Page, address: str) -> None:
    page.goto(f"{address}{MODEL}")
    cell = page.locator("button.verdict.differs")
    assert cell.inner_text().split() == ["✗", "disagrees", "8.3e-1"], "no colour is needed to tell"
    cell.hover()
    figures = page.locator(".figures:popover-open")
    expect(figures).to_contain_text("relative error 0.83 is above 0.0001")
    figures.hover()
    page.wait_for_timeout(500)  # longer than figures stay without a pointer
    expect(figures).to_be_visible()
    page.locator("h1").hover()
    expect(figures).to_have_count(0)
    expect(page.locator(".note")).to_contain_text(DISSENT)


def test_a_listener_hears_what_a_cell_says(page: Page, address: str) -> None:
    page.goto(f"{address}{MODEL}")
    cell = page.get_by_role("button", name="agrees, error 3.0e-6").first
    expect(cell).to_have_accessible_description(re.compile(r"ONNX Runtime .* noise-1 3\.0e-6"))
    expect(page.get_by_role("img", name=re.compile("Largest relative error of .* from"))).to_have_count(2)
    page.goto(f"{address}index.html")
    expect(page.get_by_role("status").first).to_have_text("3 models")
    expect(page.get_by_role("search", name="Models").get_by_role("combobox")).to_have_count(4)


def test_a_digest_and_the_script_can_be_copied(page: Page, context: BrowserContext, address: str) -> None:
    if address.startswith("http"):
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.goto(f"{address}{MODEL}")
    button = page.get_by_role("button", name="the digest of tf_efficientnet_lite0-12.onnx")
    button.click()
    expect(button).to_contain_text("Copied")
    expect(page.locator("#said")).to_have_text("Copied")
    if address.startswith("http"):
        assert page.evaluate("navigator.clipboard.readText()") == "42" * 32
        page.get_by_role("button", name="Copy the script").click()
        page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('onnxruntime'))")


def test_a_touch_shows_the_errors_on_a_phone(browser: Browser, disk: str) -> None:
    with browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as phone:  # type: ignore[arg-type]
        page = phone.new_page()
        page.goto(f"{disk}{MODEL}")
        page.locator("button.verdict.differs").tap()
        figures = page.locator(".figures:popover-open")
        expect(figures).to_contain_text("relative error 0.83")
        expect(figures).to_be_in_viewport()
        box = figures.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        page.locator("h1").tap()
        expect(figures).to_have_count(0)


@pytest.mark.parametrize("path", ["index.html", MODEL, "paddle/repvgg/RepVGG_A0.html"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, disk: str, path: str) -> None:
    with browser.new_context(viewport=PHONE) as phone:  # type: ignore[arg-type]
        page = phone.new_page()
        page.goto(f"{disk}{path}")
        page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("path", ["index.html", MODEL, "paddle/repvgg/RepVGG_A0.html"])
def test_every_text_has_contrast_in_light_and_in_dark(browser: Browser, disk: str, path: str) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        with browser.new_context(color_scheme=scheme) as context:
            page = context.new_page()
            page.goto(f"{disk}{path}")
            page.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))")
            contrasts = page.evaluate(CONTRASTS)
            assert len(contrasts) > 20
            assert [found for found in contrasts if found[0] < 4.5] == []
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_models_and_figures_can_be_read_without_scripts(browser: Browser, disk: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{disk}index.html")
        expect(page.locator(".models > li:visible")).to_have_count(3)
        expect(page.locator("form")).to_be_hidden()
        expect(page.get_by_text("need JavaScript")).to_be_visible()
        page.goto(f"{disk}{MODEL}")
        page.locator("button.verdict.differs").click()
        expect(page.locator(".figures").filter(has_text="relative error 0.83")).to_be_visible()
        expect(page.locator("button.copy:visible")).to_have_count(0)


def test_pictures_and_bars_are_there(page: Page, address: str) -> None:
    page.goto(f"{address}{MODEL}")
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 100)")
    sides = page.locator(".side")
    expect(sides).to_have_count(3)
    widths = [
        [bar.evaluate("(bar) => bar.getBoundingClientRect().width") for bar in side.locator("rect").all()]
        for side in sides.all()[:2]
    ]
    assert widths[0] == pytest.approx(widths[1], abs=0.1)
    assert widths[0][0] / widths[0][1] == pytest.approx(4, rel=0.05)


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
    for asked, count in (
        ("q=bn", 334),
        ("source=timm", 250),
        ("family=family3", 100),
        ("size=250", 250),
        ("opset=3&precision=fp32", 1000),
        ("q=net99&source=paddle&size=996", 2),  # net990 and net994, of 991 and 995 MB
        ("q=net12_bn&opset=12", 1),
    ):
        page.goto(f"{index.as_uri()}#{asked}")
        expect(page.locator("#count")).to_have_text(
            f"{count} of 1000 models" if count < 1000 else "1000 models"
        )
        expect(page.locator(".models > li:visible")).to_have_count(count)
    page.close()

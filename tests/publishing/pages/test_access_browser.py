"""Whom the pages serve: the keyboard alone, phones, those who listen, light and dark, and no JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.publishing.pages.browsing import MODEL, PHONE, expect_models, tab_to

pytestmark = pytest.mark.slow

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


def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the models")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Skip to the models")).to_be_focused()
    tab_to(page, "input[type=search]")
    page.keyboard.type("lite0")
    tab_to(page, ".models a")
    page.wait_for_load_state("networkidle")  # a picture that is still asked for would count as failed
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
    tab_to(page, "[aria-labelledby=record] summary")
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


def test_a_listener_hears_what_a_cell_says(page: Page, address: str) -> None:
    page.goto(f"{address}{MODEL}")
    cell = page.get_by_role("button", name="agrees, error 3.0e-6").first
    expect(cell).to_have_accessible_description(re.compile(r"ONNX Runtime .* noise-1 3\.0e-6"))
    expect(page.get_by_role("img", name=re.compile("Largest relative error of .* from"))).to_have_count(2)
    page.wait_for_load_state("networkidle")
    page.goto(f"{address}index.html")
    expect(page.get_by_role("status").first).to_have_text("3 models")
    expect(page.get_by_role("search", name="Models").get_by_role("combobox")).to_have_count(5)


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
            assert [contrast for contrast in contrasts if contrast[0] < 4.5] == []
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

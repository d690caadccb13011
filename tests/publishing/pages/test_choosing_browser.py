"""Choosing a model by what it costs, in a real Chromium: the drawing, the order, and the times on a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.publishing.pages.browsing import MODEL, MODELS, PHONE, everywhere, expect_models, tab_to
from tests.publishing.pages.card_records import figure
from tests.publishing.pages.catalogue_zoo import timed, unit, write, zoo

pytestmark = pytest.mark.slow
LITE = "tf_efficientnet_lite0"
MARK = f".accuracy:not([hidden]) a[href='{MODEL}']"
LOWER = f".accuracy:not([hidden]) a[href='{MODEL}#accuracy']"


@everywhere
def test_a_mark_is_a_link_for_the_pointer_and_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    mark = page.locator(MARK)
    expect(mark).to_have_accessible_name(f"{LITE} of timm: 74.83% reported, 18.7 MB")
    page.wait_for_load_state("networkidle")  # a picture that is still asked for would count as failed
    mark.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LITE)
    page.wait_for_load_state("networkidle")
    page.goto(f"{address}index.html")
    page.wait_for_load_state("networkidle")
    tab_to(page, MARK)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(LITE)


def test_a_lower_precision_is_a_mark_of_its_own_that_leads_to_what_was_measured(
    page: Page, address: str
) -> None:
    page.goto(f"{address}index.html")
    page.wait_for_load_state("networkidle")
    lower = page.locator(LOWER)
    expect(lower).to_have_accessible_name(
        f"{LITE} of timm in int8: 73.82% measured on val (50000 pictures), 5.10 MB"
    )
    filling = "(selector) => getComputedStyle(document.querySelector(selector)).fill"
    assert page.evaluate(filling, f"{MARK} .mark") != page.evaluate(filling, f"{LOWER} .mark")
    expect(page.locator("#plot-size figcaption")).to_contain_text("int8")
    page.get_by_label("Source").select_option("mxnet")
    expect(lower).to_be_hidden()
    page.get_by_role("button", name="Reset").click()
    expect(lower).to_be_visible()
    tab_to(page, LOWER)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}{MODEL}#accuracy")
    expect(page.get_by_role("heading", name="Accuracy", exact=True)).to_be_in_viewport()


def test_the_axis_can_be_switched_with_the_keyboard(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    expect(page.locator("#plot-size")).to_be_visible()
    expect(page.locator("#plot-latency")).to_be_hidden()
    page.get_by_label("size", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("latency", exact=True)).to_be_checked()
    expect(page.locator("#plot-size")).to_be_hidden()
    expect(page.locator("#plot-latency")).to_contain_text("on Some Processor with 2 threads")
    expect(page.locator(MARK)).to_have_accessible_name(f"{LITE} of timm: 74.83% reported, 4.00 ms")


def test_a_filter_takes_marks_away_too(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label("Source").select_option("mxnet")
    expect(page.locator(MARK)).to_be_hidden()
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(MARK)).to_be_visible()


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("size", MODELS),
        ("latency", [MODELS[0], MODELS[1], MODELS[2]]),
        ("top-1, best first", MODELS),
        ("name", MODELS),
    ],
)
def test_the_models_are_sorted_by_a_figure(page: Page, address: str, by: str, names: list[str]) -> None:
    page.goto(f"{address}index.html")
    page.get_by_label("Sort by").select_option(label=by)
    expect_models(page, names)


def test_an_order_is_that_of_the_figures_with_those_without_last_and_can_be_shared(
    browser: Browser, tmp_path: Path
) -> None:
    records = [unit(f"timm/{name}@12", size) for name, size in (("a", 100), ("b", 9), ("c", 20))]
    benchmarks = [timed("timm/a@12", scale=0.5), timed("timm/c@12", scale=0.1)]
    index = write(tmp_path, records, benchmarks).as_uri()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{index}#sort=bytes")
        expect_models(page, ["b", "c", "a"])
        page.get_by_label("Sort by").select_option("latency")
        expect_models(page, ["c", "a", "b"])
        page.get_by_role("button", name="Reset").click()
        expect_models(page, ["a", "b", "c"])


def test_a_lower_precision_does_not_decide_about_the_order(browser: Browser, tmp_path: Path) -> None:
    reported = [{"document": "a table", "files": [], "top1": 70.0, "top5": 90.0}]
    small = unit("timm/a@12-int8", 1, reported=reported, origin="a file", accuracy=[figure(99, 100)])
    whole = [
        unit("timm/a@12", 30, reported=reported, origin="a file"),
        unit("timm/b@12", 20, origin="a file", accuracy=[figure(80, 100)]),
    ]
    benchmarks = [timed("timm/a@12"), timed("timm/a@12-int8", scale=0.1), timed("timm/b@12", scale=0.5)]
    index = write(tmp_path, [small, *whole], benchmarks).as_uri()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(index)
        expect_models(page, ["a", "b"])
        for by in ("bytes", "latency", "top1"):
            page.get_by_label("Sort by").select_option(by)
            expect_models(page, ["b", "a"], by)
            page.get_by_label("Sort by").select_option("")
            expect_models(page, ["a", "b"], by)


def test_both_drawings_and_all_times_are_there_without_a_script(browser: Browser, disk: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{disk}index.html")
        expect(page.locator("#plot-size")).to_be_visible()
        expect(page.locator("#plot-latency")).to_be_visible()
        page.goto(f"{disk}{MODEL}")
        first = page.locator("table.times").first
        expect(first).to_contain_text(f"{LITE}-12.onnx, opset 12, fp32")
        expect(first).to_contain_text("4.00 ms")


def test_bars_are_as_long_as_the_times_and_the_page_is_not_wider_on_a_phone(
    browser: Browser, disk: str
) -> None:
    with browser.new_context(viewport=PHONE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{disk}{MODEL}")
        source, runtime = page.locator("table.times").first.locator(".bar rect").all()[:2]
        widths = [bar.bounding_box() for bar in (source, runtime)]
        assert widths[0]
        assert widths[1]
        assert widths[1]["width"] == pytest.approx(0.5 * widths[0]["width"], rel=0.02)
        for path in ("index.html", MODEL):
            page.goto(f"{disk}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_without_times_nothing_speaks_of_them(browser: Browser, tmp_path: Path) -> None:
    index = write(tmp_path, zoo())
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(index.as_uri())
        expect(page.locator("#axes")).to_have_count(0)
        expect(page.get_by_text("Latency", exact=True)).to_have_count(0)

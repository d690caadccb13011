"""The page of a model in a real Chromium: its figures, digests, pictures and bars."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.publishing.pages.browsing import MODEL, everywhere
from tests.publishing.pages.catalogue_zoo import DISSENT

pytestmark = pytest.mark.slow


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


@everywhere
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


@everywhere
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

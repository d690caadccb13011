"""What the tests of the catalogue in a browser share: its pages, and what a person does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

everywhere = pytest.mark.parametrize("address", ["file", "http"], indirect=True)
"""For tests of what may depend on how a page comes: what it loads, keeps in its address and copies."""
MODEL = "timm/efficientnet/tf_efficientnet_lite0.html"
MODELS = ["tf_efficientnet_lite0", "RepVGG_A0", "vgg16_bn"]
PHONE = {"width": 360, "height": 740}
TABS = 40
"""More than any walk here needs: a place that cannot be reached ends the test."""


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

"""A published zoo in a real Chromium, from disk and over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.loopback import served
from tests.publishing.pages.catalogue_zoo import times, write, zoo

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


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
    return write(tmp_path_factory.mktemp("zoo"), zoo(), times()).parent


@pytest.fixture(scope="module")
def disk(folder: Path) -> str:
    """Where the zoo is on disk, for what does not depend on how a page comes."""
    return f"{folder.as_uri()}/"


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Where the zoo is: at a server on loopback; for tests of ``everywhere`` on disk, too."""
    if getattr(request, "param", "http") == "file":
        yield f"{folder.as_uri()}/"
        return
    with served(folder) as server:
        yield f"{server}/"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as opened:
        yield opened


def _given_up(request: Request) -> bool:
    """Whether it is for the icon of a page that was left: the browser asks for it when it has time."""
    return request.url.endswith("/assets/icon.svg") and request.failure == "net::ERR_ABORTED"


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page that must not complain, nor ask for anything outside the zoo."""
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on(
        "requestfailed",
        lambda request: None if _given_up(request) else troubles.append(f"failed: {request.url}"),
    )
    opened.on(
        "request",
        lambda request: None if request.url.startswith(address) else troubles.append(f"asked: {request.url}"),
    )
    yield opened
    assert troubles == []

"""How long a keystroke in the catalogue's search takes with 1,000 models of ten opsets, beside one frame.

``python -m benchmarks.catalogue_filter`` needs Chromium and the ``test`` extra. It prints the median and the
largest milliseconds from a keystroke until all of its filtering and layout is done, and each as a share of
the 16.7 ms after which a display shows the next frame; and what the page weighs.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from publishing.pages.catalogue import catalogue
from tests.publishing.pages.catalogue_zoo import many

FRAME = 16.7
TYPED = ("n", "ne", "net", "net9", "net99", "net9", "net", "ne", "n", "", "bn", "bn paddle", "")
KEYSTROKES = """(typed) => typed.map((text) => {
  const search = document.getElementById("q");
  search.value = text;
  const begun = performance.now();
  search.dispatchEvent(new Event("input", {bubbles: true}));
  document.body.getBoundingClientRect();  // has the layout done now
  return performance.now() - begun;
})"""


def main() -> None:
    """Make the pages, type into the real one, print."""
    pages = catalogue(many(1000, range(3, 13)))
    index = pages["index.html"]
    print(f"index.html   {len(index) / 1000:.0f} kB, {len(gzip.compress(index)) / 1000:.0f} kB compressed")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for path, content in pages.items():
            if path.startswith(("index", "assets/")):
                file = Path(folder) / path
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto((Path(folder) / "index.html").as_uri())
        taken = page.evaluate(KEYSTROKES, TYPED)
        browser.close()
    for name, milliseconds in (("median", statistics.median(taken)), ("largest", max(taken))):
        print(f"{name:<12} {milliseconds:5.1f} ms {milliseconds / FRAME:5.2f} of a frame")


if __name__ == "__main__":
    main()

"""Pages in a real browser: headless Chromium, driven by Playwright.

Tests that import this are skipped, saying so, where one of them isn't there.
KQCODEC_SCREENSHOTS names a folder for pictures of what they see.
"""

from __future__ import annotations

import io
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` brings Playwright, which isn't there"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_chromium = [
    pytest.mark.compiled,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with"),
]


@contextmanager
def launched():
    """The browser."""
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Watched:
    """A tab with a page from a file, and what it complained about and asked for."""

    def __init__(self, browser, path, script=None, **options):
        self.page = browser.new_page(**{"viewport": {"width": 1100, "height": 900}, **options})
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        if script is not None:
            self.page.add_init_script(script)
        self.page.goto(path.as_uri())

    def close(self):
        """Nothing was wrong, and nothing but the page was loaded."""
        self.page.close()
        assert self.complaints == []
        assert {url.partition(":")[0] for url in self.requests} <= {"file", "data", "blob"}
        assert sum(url.startswith("file:") for url in self.requests) == 1

    def shot(self, selector):
        """The element's pixels; Chromium draws pictures at whole ones."""
        element = self.page.locator(selector).first
        element.scroll_into_view_if_needed()
        clip = {name: round(value) for name, value in element.bounding_box().items()}
        with Image.open(io.BytesIO(self.page.screenshot(clip=clip))) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def keep(self, name):
        """A picture of the page, if they are wanted."""
        folder = os.environ.get("KQCODEC_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

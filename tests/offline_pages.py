"""Pages that are one file and need nothing else, in Chromium: reports, and the viewer."""

from __future__ import annotations

import pytest
from browsers import CHROMIUM, Tab

pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` brings Playwright, which isn't there"
)
needs_chromium = [
    pytest.mark.compiled,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with"),
]


class OfflinePage(Tab):
    """A tab with such a page."""

    schemes = frozenset({"file", "data"})  # of what it may load

    def __init__(self, browser, path, **options):
        super().__init__(
            browser, path.as_uri(), **{"viewport": {"width": 1100, "height": 900}, **options}
        )

    def close(self):
        """Nothing was wrong, and nothing but the page was loaded."""
        self.context.close()
        assert self.complaints == []
        assert {url.partition(":")[0] for url in self.requests} <= self.schemes
        assert sum(url.startswith("file:") for url in self.requests) == 1

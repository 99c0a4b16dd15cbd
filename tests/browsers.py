"""Pages in headless Chromium, driven by Playwright, with what kqcodec/portable has for them."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import shutil
import threading
from pathlib import Path

import numpy as np
from PIL import Image
from places import PORTABLE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
# What a page with <kq-img> loads, besides a module.
PAGE = (
    "kq.mjs",
    "kq-img.mjs",
    "kq-controls.mjs",
    "kq-workers.mjs",
    "kq-worker.mjs",
    "kq-meaning.mjs",
)
# What the element needs of a Content Security Policy, and no more.
STRICT = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "connect-src 'self'"
)
WAIT = int(os.environ.get("KQCODEC_WAIT", "20"))  # seconds, at most
TYPES = {
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".html": "text/html; charset=utf-8",
    ".kq": "image/x-kq",
}


@contextlib.contextmanager
def chromium():
    """A running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


class Web:
    """A site that has kqcodec/portable besides its own files, each with its type.

    Attributes:
        headers: more of them for the answer to a path.
        answers: functions that answer a path instead; they take the handler.
        gates: paths whose answers wait for an event.
    """

    def __init__(self, site):
        self.site = site
        self.url, self.files = site.url, site.files
        self.files["/favicon.ico"] = b""
        self.headers, self.answers, self.gates = {}, {}, {}
        site.trouble = self._answer

    def page(self, body, head="", path="/page.html", **headers):
        """Puts a page there that knows <kq-img>; its URL."""
        script = '<script type="module" src="/kq-img.mjs"></script>'
        text = f"<!doctype html><title>page</title>{head}{script}{body}"
        self.files[path] = text.encode()
        self.headers[path] = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.url + path

    def hold(self, path):
        """Has the answer to a path wait for the event that is returned."""
        self.gates[path] = threading.Event()
        return self.gates[path]

    def open_gates(self):
        for gate in self.gates.values():
            gate.set()

    def asked(self, path):
        return [name.partition("?")[0] for _, name, _ in self.site.asked].count(path)

    def _answer(self, handler, _):
        path = handler.path.partition("?")[0]
        if path in self.gates:
            self.gates[path].wait(20)
        if path in self.answers:
            self.answers[path](handler)
            return True
        data = self.files.get(path)
        if data is None and (PORTABLE / path[1:]).is_file():
            data = (PORTABLE / path[1:]).read_bytes()
        if data is None:
            return False
        kind = TYPES.get(Path(path).suffix, "application/octet-stream")
        handler.send(200, data, {"Content-Type": kind, **self.headers.get(path, {})})
        return True


class Tab:
    """A page, what it complained about and asked for, and what happened on its <kq-img> elements
    and images."""

    WATCH = """
        window.happened = [];
        for (const type of ["load", "error"]) {
          document.addEventListener(type, ({ target }) => {
            if (target.localName === "kq-img" || target.localName === "img") {
              happened.push(`${type} ${target.id}`);
            }
          }, true);
        }
    """

    def __init__(self, browser, url, script="", **options):
        """`script` runs ahead of all others."""
        self.context = browser.new_context(**{"viewport": {"width": 800, "height": 600}, **options})
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(self.WATCH + script)
        self.page.goto(url)

    def until(self, condition, seconds=WAIT):
        """Playwright's own way to wait is what strict policies forbid."""
        for _ in range(seconds * 50):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"not {condition}; {self.happened}, {self.complaints}")

    def until_happened(self, *events):
        for event in events:
            self.until(f"happened.includes({event!r})")

    def until_no_worker(self):
        for _ in range(WAIT * 50):
            if not self.page.workers:
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("a worker goes on")

    @property
    def happened(self):
        return self.page.evaluate("happened")

    def get(self, expression):
        return self.page.evaluate(expression)

    def box(self, selector):
        found = self.page.locator(selector).bounding_box()
        return tuple(found[name] for name in ("x", "y", "width", "height"))

    def pixels(self, element):
        """What is on the canvas of an element, by its id; shape (height, width, 4)."""
        url = self.get(f"{element}.canvas.toDataURL()")
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
            return np.asarray(image.convert("RGBA"))

    def shot(self, selector):
        """What is seen of an element; shape (height, width, 3)."""
        clip = {name: round(value) for name, value in self._bounds(selector).items()}
        with Image.open(io.BytesIO(self.page.screenshot(clip=clip))) as image:
            return np.asarray(image.convert("RGB"))

    def _bounds(self, selector):
        element = self.page.locator(selector).first
        element.scroll_into_view_if_needed()
        return element.bounding_box()

    def keep(self, name):
        """Keeps a picture of the page in the folder that KQCODEC_SCREENSHOTS names."""
        folder = os.environ.get("KQCODEC_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def accessible(self, name):
        """The role of the accessible node with a name."""
        session = self.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        found = [
            node["role"]["value"]
            for node in nodes
            if not node["ignored"] and node.get("name", {}).get("value") == name
        ]
        return found[0] if found else None

"""The script that has <img src="*.kq"> shown, in a real browser. Skipped where there is none."""

import numpy as np
import pytest
from browsers import CHROMIUM, Tab, Web, chromium
from samples import animation, indexed

import kqcodec

pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` brings Playwright, which isn't there"
)
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with"),
]
STILL = indexed(60, 40, 9, seed=1)
SCRIPT = '<script type="module" src="/kq-images.mjs"></script>'
LISTEN = """<script>
  const heard = [];
  const listen = (img) => {
    for (const type of ["load", "error"]) {
      img.addEventListener(type, () => heard.push(`${type} ${img.id}`));
    }
    return img;
  };
</script>"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def web(site):
    found = Web(site)
    found.files["/still.kq"] = kqcodec.encode(STILL)
    found.files["/other.kq"] = kqcodec.encode(indexed(30, 20, 5, seed=2))
    found.files["/moving.kq"] = animation()[1]
    found.files["/bad.kq"] = b"<html>"
    yield found
    found.open_gates()


@pytest.fixture
def opened(browser, web):
    tabs = []

    def visit(body, head=""):
        tabs.append(Tab(browser, web.page(LISTEN + body, head + SCRIPT)))
        return tabs[-1]

    yield visit
    for tab in tabs:
        tab.context.close()


def test_a_still_stays_an_img(opened):
    rule = "<style>p > img.chart { width: 120px; border: 1px solid }</style>"
    body = '<p><img id="a" class="chart" src="still.kq?x#y" alt="a chart" data-x="1"></p>'
    tab = opened(body + "<script>listen(a)</script>", rule)
    tab.until("heard.includes('load a')")
    assert tab.get("heard.at(-1)") == "load a"  # the browser's own attempt may come before
    assert tab.get("[a.localName, a.naturalWidth, a.complete, a.dataset.x]") == [
        *("img", 60, True),
        "1",
    ]
    assert tab.get("a.dataset.kqSrc") == "still.kq?x#y"
    assert tab.box("#a")[2] == 122
    drawn = """(() => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 60, height: 40 });
      const context = canvas.getContext("2d");
      context.drawImage(a, 0, 0);
      return [...context.getImageData(0, 0, 60, 40).data];
    })()"""
    pixels = np.array(tab.get(drawn)).reshape(40, 60, 4)
    assert (pixels[:, :, :3] == STILL.to_rgb()).all()
    assert tab.accessible("a chart") in {"image", "img"}
    assert tab.complaints == []


def test_images_that_are_added_later(opened):
    tab = opened("<p id=p></p><p id=q></p>")
    tab.page.wait_for_timeout(100)
    tab.get("""(() => {
      p.append(listen(Object.assign(new Image(), { id: "a", src: "still.kq" })));
      q.innerHTML = "<span><img id=b src=other.kq></span>";
      listen(b);
      p.append(listen(Object.assign(new Image(), { id: "c" })));
      c.src = "still.kq";
    })()""")
    tab.until("heard.length === 3")
    assert sorted(tab.get("heard")) == ["load a", "load b", "load c"]
    assert tab.get("[a, b, c].map((img) => img.naturalWidth)") == [60, 30, 60]


def test_a_source_that_changes(web, opened):
    gate = web.hold("/still.kq")
    tab = opened('<img id="a" src="still.kq"><script>listen(a)</script>')
    tab.until("!a.hasAttribute('src')")
    tab.get("a.src = 'other.kq'")
    tab.until("heard.includes('load a')")
    gate.set()
    tab.page.wait_for_timeout(200)
    assert tab.get("[a.naturalWidth, a.dataset.kqSrc, ...heard]") == [30, "other.kq", "load a"]
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEAAAAALAAAAAABAAEAAAIBAAA="
    tab.get(f"a.src = '{pixel}'")
    tab.until("a.naturalWidth === 1")


def test_frames_are_played_by_the_element(opened):
    body = '<img id="a" class="b" width="74" alt="it moves" src="moving.kq" onload="window.on = 1">'
    tab = opened(body + "<script>listen(a)</script>")
    tab.until("document.querySelector('kq-img')")
    shown = "document.querySelector('#a.b')"
    assert tab.get(f"[{shown}.localName, {shown}.alt, {shown}.offsetWidth]") == [
        *("kq-img", "it moves"),
        74,
    ]
    assert tab.get("heard.at(-1)") == "load a"
    tab.until(f"{shown}.currentFrame > 0")


def test_lazy_images(web, opened):
    far = '<div style="height: 5000px"></div>'
    body = f'{far}<img id="a" src="still.kq" loading="lazy"><script>listen(a)</script>'
    tab = opened(body + '<img id="b" src="other.kq">')
    tab.until("b.naturalWidth")
    assert web.asked("/still.kq") == 0
    tab.page.mouse.wheel(0, 6000)
    tab.until("a.naturalWidth")
    assert tab.get("heard") == ["load a"]


def test_files_that_are_refused(opened):
    tab = opened(
        '<img id="a" src="bad.kq" alt="text"><img id="b" src="none.kq"><img id="c" src="still.kq">'
        "<script>[a, b, c].forEach(listen)</script>"
    )
    tab.until("['error a', 'error b', 'load c'].every((event) => heard.includes(event))")
    tab.until("a.dataset.kqSrc && !a.hasAttribute('src')")
    assert {event for event in tab.get("heard") if "load" in event} == {"load c"}
    assert tab.get("[a.naturalWidth, a.alt]") == [0, "text"]


def test_other_images_are_left_alone(web, opened):
    web.files["/x.kq.svg"] = b"<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'/>"
    web.headers["/x.kq.svg"] = {"Content-Type": "image/svg+xml"}
    tab = opened('<img id="a" src="x.kq.svg"><img id="b">')
    tab.until("a.naturalWidth === 7")
    assert tab.get("a.getAttribute('src')") == "x.kq.svg"
    assert tab.get("b.attributes.length") == 1

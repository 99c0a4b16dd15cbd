"""<kq-img> in a real browser. Skipped, saying so, where there is none to look with."""

import io

import numpy as np
import pytest
from browsers import CHROMIUM, PAGE, STRICT, Tab, Web, chromium
from PIL import Image
from samples import indexed, slow
from servers import http_site

import kqcodec

pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` brings Playwright, which isn't there"
)
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with"),
]
STILL = indexed(60, 40, 9, seed=1)


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def web(site):
    found = Web(site)
    found.files["/still.kq"] = kqcodec.encode(STILL)
    found.files["/tiles.kq"] = kqcodec.encode(indexed(200, 150, 16, seed=3), tile=64)
    yield found
    found.open_gates()


@pytest.fixture
def opened(browser):
    tabs = []

    def visit(url, **options):
        tabs.append(Tab(browser, url, **options))
        return tabs[-1]

    yield visit
    for tab in tabs:
        tab.context.close()


# --- a still -----------------------------------------------------------------


def test_a_picture_is_shown(web, opened):
    tab = opened(web.page('<kq-img id="a" src="still.kq?1" alt="a chart"></kq-img>'))
    tab.until_happened("load a")
    assert (tab.pixels("a")[:, :, :3] == STILL.to_rgb()).all()
    assert (tab.shot("#a") == STILL.to_rgb()).all()
    assert tab.get("[a.naturalWidth, a.naturalHeight, a.complete]") == [60, 40, True]
    assert tab.get("a.currentSrc") == f"{web.url}/still.kq?1"
    assert tab.get("a.decode()") is None
    assert tab.get("[a.error, a.header.colors]") == [None, 9]
    assert tab.accessible("a chart") in {"image", "img"}
    assert tab.happened == ["load a"]
    assert tab.complaints == []


def test_tiles_and_transparency_and_label_maps(web, opened):
    random = np.random.default_rng(5)
    palette = random.integers(0, 256, (16, 4)).astype(np.uint8)
    palette[:, 3] = [0, 255] * 8
    sheer = kqcodec.IndexedImage(palette, random.integers(0, 16, (90, 70)))
    ids = random.integers(0, 5, (30, 40)).astype(np.int64) * 10**15
    web.files["/sheer.kq"] = kqcodec.encode(sheer, tile=(32, 16))
    web.files["/ids.kq"] = kqcodec.encode_labels(ids, colors={0: (1, 2, 3), 10**15: (9, 8, 7)})
    names = ("tiles", "sheer", "ids")
    tab = opened(web.page("".join(f'<kq-img id="{x}" src="{x}.kq"></kq-img>' for x in names)))
    tab.until_happened(*(f"load {name}" for name in names))
    assert (tab.pixels("tiles")[:, :, :3] == kqcodec.decode(web.files["/tiles.kq"])).all()
    seen, opaque = tab.pixels("sheer"), sheer.labels % 2 == 1
    assert (seen[:, :, 3] == opaque * 255).all()
    assert (seen[opaque] == palette[sheer.labels[opaque]]).all()
    seen = tab.pixels("ids")
    assert (seen[ids == 0] == (1, 2, 3, 255)).all()
    assert (seen[ids == 10**15] == (9, 8, 7, 255)).all()


def test_tiles_are_shown_as_they_come(web, opened):
    image = indexed(64, 4096, 200, seed=4)
    web.files["/tall.kq"] = kqcodec.encode(image, effort="best", tile=(64, 64))
    watch = """<script type="module">
      const parts = (window.parts = new Set());
      const look = () => {
        const context = a.naturalHeight && a.canvas.getContext("2d");
        if (context && !a.complete) {
          const at = (y) => context.getImageData(0, y, 1, 1).data[3];
          parts.add(`${at(0)} ${at(4095)}`);
        }
        if (!a.complete) setTimeout(look);
      };
      look();
    </script>"""
    tab = opened(web.page('<kq-img id="a" src="tall.kq"></kq-img>' + watch))
    tab.until_happened("load a")
    assert "255 0" in tab.get("[...parts]")


LAYOUTS = (
    "",
    "width: 100px",
    "height: 30px",
    "max-width: 40px",
    "width: 100%",
    "width: 50%; height: 90px; object-fit: contain",
    "width: 20px; height: 90px; object-fit: cover; object-position: left top",
    "padding: 5px 9px; border: 3px solid; margin: 2px",
    "box-sizing: border-box; width: 90px; padding: 6px",
    "display: block; width: 200px",
    "display: block; margin: 0 auto",
    "float: right",
    "position: absolute; right: 0; width: 33px",
    "vertical-align: middle",
    "border-radius: 20px; width: 100px",
)
SIZES = ("", 'width="90"', 'height="20"', 'width="90" height="90"', 'width="50%"', 'width="x"')


def test_it_takes_its_space_as_an_img_does(web, opened):
    """Both as inline pictures and in a flexible box."""
    file = io.BytesIO()
    Image.fromarray(STILL.to_rgb()).save(file, "PNG")
    web.files["/still.png"] = file.getvalue()
    cases = [(f'style="{style}"', size) for style in LAYOUTS for size in SIZES]
    bodies = [
        "".join(
            f'<p style="position: relative; width: 300px; display: {display}">'
            f"a <{tag} {style} {size} src=still.{ending}></{tag}> b</p>"
            for display in ("block", "flex")
            for style, size in cases
        )
        for tag, ending in (("kq-img", "kq"), ("img", "png"))
    ]
    boxes = []
    for body in bodies:
        tab = opened(web.page(body.replace("</img>", "")))
        tab.until("[...document.querySelectorAll('img, kq-img')].every((x) => x.naturalWidth)")
        boxes.append(
            tab.get("""[...document.querySelectorAll("img, kq-img")].map((x) => {
              const { left, top, width, height } = x.getBoundingClientRect();
              const paragraph = x.parentNode.getBoundingClientRect();
              return [left - paragraph.left, top - paragraph.top, width, height];
            })""")
        )
    assert len(boxes[0]) == 2 * len(cases)
    differ = [
        (*case, ours, theirs)
        for case, ours, theirs in zip(cases * 2, *boxes, strict=True)
        if np.abs(np.subtract(ours, theirs)).max() > 0.25
    ]
    assert differ == []


def test_space_is_kept_before_it_is_there(web, opened):
    gate = web.hold("/still.kq")
    body = '<kq-img id="a" src="still.kq" width="300" height="200" style="{}"></kq-img>'
    tab = opened(web.page(body.format("width: 150px; height: auto")))
    assert tab.box("#a")[2:] == (150, 100)
    assert tab.get("[a.complete, a.naturalWidth]") == [False, 0]
    gate.set()
    tab.until_happened("load a")
    assert tab.box("#a")[2:] == (150, 100)


def test_enlarged_pixels_stay_squares(web, opened):
    style = "<style>kq-img { width: 240px; image-rendering: pixelated }</style>"
    tab = opened(web.page('<kq-img id="a" src="still.kq"></kq-img>', style))
    tab.until_happened("load a")
    assert (tab.shot("#a") == STILL.to_rgb().repeat(4, axis=0).repeat(4, axis=1)).all()


# --- what is asked of it -----------------------------------------------------


def test_it_loads_lazily(web, opened):
    body = (
        '<div style="height: 5000px"></div><kq-img id="a" src="still.kq" loading="lazy"></kq-img>'
    )
    tab = opened(web.page(body + '<kq-img id="b" src="tiles.kq"></kq-img>'))
    tab.until_happened("load b")
    assert web.asked("/still.kq") == 0
    assert tab.get("[a.complete, a.loading]") == [False, "lazy"]
    tab.page.mouse.wheel(0, 5000)
    tab.until_happened("load a")
    assert web.asked("/still.kq") == 1


def test_the_alternative_text(web, opened):
    web.files["/bad.kq"] = b"<html>no picture</html>"
    tab = opened(
        web.page(
            '<kq-img id="a" src="bad.kq" alt="sales <b>by</b> month"></kq-img>'
            '<kq-img id="b" src="still.kq" alt=""></kq-img>'
            '<kq-img id="c" src="still.kq" alt="c &amp; d"></kq-img>'
        )
    )
    tab.until_happened("error a", "load b", "load c")
    alternative = tab.page.locator("#a span")
    assert alternative.is_visible()
    assert alternative.inner_text() == "sales <b>by</b> month"
    assert tab.box("#a")[2] > 50
    assert not tab.page.locator("#c span").is_visible()
    assert tab.get("[a.complete, a.naturalWidth, a.error.kind]") == [True, 0, "signature"]
    assert tab.accessible("sales <b>by</b> month") in {"image", "img"}
    tab.get("a.src = 'still.kq'")
    tab.until_happened("load a")
    assert not alternative.is_visible()
    assert tab.get("a.error") is None


def test_a_source_that_changes_on_the_way(web, opened):
    gate = web.hold("/still.kq")
    tab = opened(web.page('<kq-img id="a" src="still.kq"></kq-img>'))
    tab.until("!a.complete")
    tab.get("a.src = 'tiles.kq'")
    tab.until_happened("load a")
    gate.set()
    tab.get("new Promise((done) => setTimeout(done, 200))")
    assert tab.happened == ["load a"]
    assert tab.get("a.naturalWidth") == 200
    tab.get("a.removeAttribute('src')")
    assert tab.get("[a.complete, a.naturalWidth, a.offsetWidth]") == [True, 0, 0]


def test_a_source_that_changes_takes_no_worker_from_others(web, opened):
    names = [f"n{x}" for x in range(6)]
    tab = opened(web.page("".join(f'<kq-img id="{x}" src="still.kq"></kq-img>' for x in names)))
    tab.until_happened(*(f"load {name}" for name in names))
    for name in names:
        tab.get(f"happened.length = 0, {name}.src = 'tiles.kq'")
        tab.until_happened(f"load {name}")
    assert len(tab.page.workers) <= 4


def test_decoding_is_stopped(web, opened):
    web.files["/slow.kq"] = kqcodec.encode(slow(), effort="best")
    for _ in range(5):  # on a busy machine it may be decoded before we get to it
        tab = opened(web.page('<kq-img id="a" src="slow.kq"></kq-img>'))
        tab.until("a.naturalWidth")
        if tab.get("(a.remove(), window.a = null, happened.length === 0)"):
            break
    tab.until_no_worker()
    assert tab.happened == []


def test_one_that_moves_goes_on(web, opened):
    gate = web.hold("/still.kq")
    tab = opened(web.page('<kq-img id="a" src="still.kq"></kq-img><p id="p"></p>'))
    tab.get("p.append(a)")
    gate.set()
    tab.until_happened("load a")
    tab.get("document.body.append(a)")
    assert web.asked("/still.kq") == 1
    tab.get("window.held = a, a.remove()")
    tab.get("document.body.append(held)")
    assert tab.get("a.naturalWidth") == 60
    assert tab.happened == ["load a"]


def test_made_by_a_script(web, opened):
    tab = opened(web.page(""))
    tab.get("customElements.whenDefined('kq-img')")
    made = """(async () => {
      const made = Object.assign(document.createElement("kq-img"), { src: "still.kq", alt: "x" });
      await made.decode();
      const missing = Object.assign(document.createElement("kq-img"), { src: "none.kq" });
      const bad = await missing.decode().catch((error) => error.kind);
      const none = await document.createElement("kq-img").decode().catch((error) => error.kind);
      return [made.width, made.height, made.alt, made.attributes.length, bad, none];
    })()"""
    assert tab.get(made) == [60, 40, "x", 2, "argument", "argument"]


def test_properties_that_were_set_before_it_was_known(web, opened):
    early = '<kq-img id="a"></kq-img><script>a.src = "still.kq"; a.alt = "early"</script>'
    tab = opened(web.page(early))
    tab.until_happened("load a")
    assert tab.get("a.getAttribute('alt')") == "early"


def test_what_a_request_says(web, opened):
    tab = opened(web.page(""))
    tab.context.add_cookies([{"name": "who", "value": "me", "url": web.url}])
    with http_site() as site:  # of another port, so of another origin
        other = Web(site)
        other.files["/still.kq"] = web.files["/still.kq"]
        other.headers["/still.kq"] = {
            "Access-Control-Allow-Origin": web.url,
            "Access-Control-Allow-Credentials": "true",
        }
        for number, attributes in enumerate(
            ("", 'crossorigin="use-credentials" referrerpolicy="no-referrer"', "referrerpolicy=huh")
        ):
            source = f"{other.url}/still.kq?{number}"
            made = f'<kq-img id="n{number}" src="{source}" {attributes}></kq-img>'
            tab.get(f"document.body.insertAdjacentHTML('beforeend', {made!r})")
            tab.until_happened(f"load n{number}")
    sent = {path: head for (_, path, _), head in zip(site.asked, site.headers, strict=True)}
    assert sent["/still.kq?0"].get("Cookie") is None
    assert sent["/still.kq?0"]["Referer"] == f"{web.url}/"
    assert sent["/still.kq?1"]["Cookie"] == "who=me"
    assert sent["/still.kq?1"].get("Referer") is None
    assert sent["/still.kq?2"]["Referer"] == f"{web.url}/"


def test_many_pictures_share_few_workers(web, opened):
    tab = opened(
        web.page("".join(f'<kq-img id="n{x}" src="still.kq"></kq-img>' for x in range(30)))
    )
    tab.until("happened.length === 30")
    assert {event.partition(" ")[0] for event in tab.happened} == {"load"}
    assert 1 <= len(tab.page.workers) <= 4


def test_a_strict_policy(web, opened):
    body = '<kq-img id="a" src="still.kq" width="90"></kq-img>'
    tab = opened(web.page(body, Content_Security_Policy=STRICT))
    tab.until_happened("load a")
    assert tab.box("#a")[2:] == (90, 60)
    assert tab.complaints == []


def test_a_policy_without_workers(web, opened):
    policy = STRICT.replace("worker-src 'self'", "worker-src 'none'")
    body = "".join(f'<kq-img id="n{x}" src="still.kq" alt="text"></kq-img>' for x in range(9))
    tab = opened(web.page(body, Content_Security_Policy=policy))
    tab.until("happened.length === 9")
    assert {event.partition(" ")[0] for event in tab.happened} == {"error"}


def test_a_script_of_another_site(web, opened):
    with http_site() as site:
        other = Web(site)
        for name in (*PAGE, "kq.wasm"):
            other.headers[f"/{name}"] = {"Access-Control-Allow-Origin": "*"}
        script = f'<script type="module" src="{other.url}/kq-img.mjs"></script>'
        web.files["/page.html"] = f'{script}<kq-img id="a" src="still.kq"></kq-img>'.encode()
        tab = opened(f"{web.url}/page.html")
        tab.until_happened("load a")


# --- a server that means no good ---------------------------------------------


def large():
    """More than 2^25 pixels."""
    black = np.zeros((1, 3), np.uint8)
    return kqcodec.encode(kqcodec.IndexedImage(black, np.zeros((5800, 5800), np.uint8)))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("signature", lambda: b"<!doctype html><title>sign in</title>"),
        ("signature", lambda: b""),
        ("truncated", lambda: kqcodec.encode(STILL, coder="packed")[:-9]),
        ("checksum", lambda: kqcodec.encode(STILL, coder="packed")[:-1] + b"\0"),
        ("limit", large),
    ],
)
def test_files_that_are_refused(web, opened, kind, make):
    web.files["/bad.kq"] = make()
    tab = opened(web.page('<kq-img id="a" src="bad.kq" alt="text"></kq-img>'))
    tab.until_happened("error a")
    assert tab.get("a.error.kind") == kind
    assert tab.page.locator("#a span").is_visible()
    assert tab.complaints == []


def test_answers_that_are_refused(web, opened):
    data = web.files["/still.kq"]
    web.answers["/cut.kq"] = lambda handler: handler.send(200, data[:30], length=len(data))
    web.answers["/gone.kq"] = lambda handler: handler.send(404, data)
    web.answers["/typed.kq"] = lambda handler: handler.send(
        200, data, {"Content-Type": "text/html"}
    )
    names = ("cut", "gone", "typed")
    tab = opened(web.page("".join(f'<kq-img id="{x}" src="{x}.kq"></kq-img>' for x in names)))
    tab.until_happened("error cut", "error gone", "load typed")
    assert tab.get("gone.error.message") == "the server answered 404"


def test_a_module_of_another_type(web, opened):
    web.headers["/kq.wasm"] = {"Content-Type": "text/plain"}
    tab = opened(web.page('<kq-img id="a" src="still.kq"></kq-img>'))
    tab.until_happened("load a")


def test_a_module_that_is_missing(web, opened):
    web.answers["/kq.wasm"] = lambda handler: handler.send(404, b"")
    tab = opened(web.page('<kq-img id="a" src="still.kq"></kq-img>'))
    tab.until_happened("error a")
    del web.answers["/kq.wasm"]
    tab.get("a.src = 'still.kq'")
    tab.until_happened("load a")

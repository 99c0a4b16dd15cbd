"""<kq-img> plays frames in a real browser. Skipped, saying so, where there is none."""

import itertools

import numpy as np
import pytest
from browsers import CHROMIUM, STRICT, Tab, Web, chromium
from places import VECTORS

import kqcodec

pytest.importorskip(
    "playwright.sync_api", reason="the extra `browser` brings Playwright, which isn't there"
)
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with"),
]
COLORS = np.array([[230, 70, 60], [250, 200, 70], [60, 160, 90], [50, 90, 180]], np.uint8)
ROWS, COLUMNS = np.mgrid[:120, :160]
LABELS = [((COLUMNS + 8 * frame) // 16 + ROWS // 16) % 4 for frame in range(12)]


def moving(count=12, **options):
    images = [kqcodec.IndexedImage(COLORS, labels) for labels in LABELS[:count]]
    return kqcodec.encode_frames(images, **{"durations": "0.04", "loop": 0, **options})


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def web(site):
    found = Web(site)
    found.files["/moving.kq"] = moving(tile=64)
    found.files["/twice.kq"] = moving(4, loop=2)
    found.files["/slices.kq"] = moving(axis="depth", durations=None)
    yield found
    found.open_gates()


@pytest.fixture
def opened(browser, web):
    tabs = []

    def visit(body, *, policy="", head="", **options):
        headers = {"Content_Security_Policy": policy} if policy else {}
        tabs.append(Tab(browser, web.page(body, head, **headers), **options))
        tabs[-1].until_happened("load a")
        return tabs[-1]

    yield visit
    for tab in tabs:
        tab.context.close()
        assert tab.complaints == []


def shows(tab, frame):
    return bool((tab.pixels("a")[:, :, :3] == COLORS[LABELS[frame]]).all())


def frame_now(tab):
    return tab.get("a.currentFrame")


def test_the_first_frame_waits(opened):
    tab = opened('<kq-img id="a" src="moving.kq" alt="it moves"></kq-img>')
    tab.page.wait_for_timeout(150)
    assert tab.get("[a.paused, a.currentFrame, a.header.frames]") == [True, 0, 12]
    assert shows(tab, 0)
    assert not tab.page.locator("#a button").is_visible()
    assert tab.accessible("it moves") in {"image", "img"}


def test_it_plays_and_pauses(opened):
    tab = opened('<kq-img id="a" src="moving.kq" autoplay></kq-img>')
    assert not tab.get("a.paused")
    tab.until("a.currentFrame > 2")
    tab.get("a.pause()")
    frame = frame_now(tab)
    assert shows(tab, frame)
    tab.page.wait_for_timeout(150)
    assert frame_now(tab) == frame
    tab.get("a.play()")
    tab.until(f"a.currentFrame !== {frame}")
    tab.until("a.currentFrame === 11")
    tab.until("a.currentFrame === 1")  # for ever


def test_it_ends_when_the_file_says_so(opened):
    watch = """<script type="module">
      const seen = (window.seen = []);
      const look = () => {
        if (seen.at(-1) !== a.currentFrame) seen.push(a.currentFrame);
        if (seen.length < 30) requestAnimationFrame(look);
      };
      look();
    </script>"""
    tab = opened('<kq-img id="a" src="twice.kq" autoplay></kq-img>' + watch)
    tab.until("a.paused")
    assert frame_now(tab) == 3
    seen = tab.get("seen")
    assert sum(later < before for before, later in itertools.pairwise(seen)) == 1
    assert shows(tab, 3)
    tab.get("a.play()")
    tab.until("!a.paused && a.currentFrame < 3")
    tab.until("a.paused")


def test_loop_is_for_ever(opened):
    body = '<kq-img id="a" src="twice.kq" autoplay loop></kq-img>'
    tab = opened(body)
    for _ in range(3):
        tab.until("a.currentFrame === 3")
        tab.until("a.currentFrame === 0")
    assert not tab.get("a.paused")


def test_it_keeps_time(opened):
    """12 frames of 40 ms, however long they take to be decoded and drawn."""
    measured = """new Promise((done) => {
      let last, start;
      const look = (now) => {
        if (last === 11 && a.currentFrame === 0) {
          if (start) return done(now - start);
          start = now;
        }
        last = a.currentFrame;
        requestAnimationFrame(look);
      };
      look();
    })"""
    tab = opened('<kq-img id="a" src="moving.kq" autoplay></kq-img>')
    assert tab.get(measured) > 400


def test_users_who_prefer_reduced_motion(opened):
    body = '<kq-img id="a" src="moving.kq" autoplay controls></kq-img>'
    tab = opened(body, reduced_motion="reduce")
    tab.page.wait_for_timeout(150)
    assert tab.get("[a.paused, a.currentFrame]") == [True, 0]
    tab.page.get_by_role("button", name="Play").click()
    tab.until("a.currentFrame > 1")
    assert not tab.get("a.paused")


def test_motion_is_reduced_later(opened):
    tab = opened('<kq-img id="a" src="moving.kq" autoplay></kq-img>')
    tab.until("a.currentFrame > 1")
    tab.page.emulate_media(reduced_motion="reduce")
    tab.until("a.paused")


def test_controls_by_mouse(opened):
    tab = opened('<kq-img id="a" src="moving.kq" controls alt="it moves"></kq-img>')
    assert tab.accessible("it moves") == "group"
    tab.page.get_by_role("button", name="Play").click()
    tab.until("a.currentFrame > 1")
    tab.page.get_by_role("button", name="Pause").click()
    assert tab.get("a.paused")
    x, y, width, height = tab.box("#a input")
    tab.page.mouse.move(x + 4, y + height / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(x + width / 2, y + height / 2, steps=4)
    tab.page.mouse.move(x + width - 2, y + height / 2, steps=4)
    tab.page.mouse.up()
    tab.until("a.currentFrame === 11")
    assert shows(tab, 11)
    tab.keep("element-controls")


def test_controls_by_keyboard(opened):
    tab = opened('<kq-img id="a" src="moving.kq" controls></kq-img>')
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Space")
    tab.until("a.currentFrame > 0")
    tab.page.keyboard.press("Enter")
    assert tab.get("a.paused")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("End")
    tab.until("a.currentFrame === 11")
    tab.page.keyboard.press("ArrowLeft")
    tab.until("a.currentFrame === 10")
    assert shows(tab, 10)
    slider = tab.page.get_by_role("slider", name="Frame")
    assert slider.get_attribute("aria-valuetext") == "11 of 12"
    tab.keep("element-focus")
    tab.page.keyboard.press("Space")
    tab.until("!a.paused")


def test_frames_backwards(opened):
    tab = opened('<kq-img id="a" src="moving.kq"></kq-img>')
    for asked, frame in ((11, 11), (3, 3), (4, 4), (0, 0), (99, 11), (-5, 0)):
        tab.get(f"a.currentFrame = {asked}")
        tab.until(f"a.currentFrame === {frame}")
        assert shows(tab, frame)


def test_seeking_while_it_plays(opened):
    """Two questions at once: the frame that would have been next, and the one that is asked for."""
    tab = opened('<kq-img id="a" src="moving.kq"></kq-img>')
    for frame in (7, 2, 10, 5):
        tab.get(f"a.play(), a.currentFrame = {frame}")
        tab.until(f"a.currentFrame === {frame}")
        assert shows(tab, frame)


def test_slices(opened):
    tab = opened('<kq-img id="a" src="slices.kq" controls></kq-img>')
    slider = tab.page.get_by_role("slider", name="Slice")
    slider.focus()
    tab.page.keyboard.press("End")
    tab.until("a.currentFrame === 11")
    assert shows(tab, 11)


def test_what_nobody_sees_stands_still(opened):
    far = '<div style="height: 4000px"></div>'
    tab = opened(f'{far}<kq-img id="a" src="twice.kq" autoplay loop></kq-img>')
    tab.page.wait_for_timeout(200)
    assert frame_now(tab) == 0
    tab.page.mouse.wheel(0, 4000)
    tab.until("a.currentFrame > 0")


def test_one_that_is_taken_out_lets_go(opened):
    tab = opened('<kq-img id="a" src="moving.kq" autoplay></kq-img>')
    tab.get("window.held = a, a.remove()")
    tab.until_no_worker()
    assert tab.get("held.paused")
    tab.get("document.body.append(held)")
    tab.until("a.currentFrame > 1")


def test_a_frame_that_is_invalid(web, opened):
    """What was there stays, and the element says so."""
    web.files["/moving.kq"] = (VECTORS / "invalid/frames-chain-later-zero.kq").read_bytes()
    tab = opened('<kq-img id="a" src="moving.kq" autoplay controls></kq-img>')
    tab.until_happened("error a")
    assert tab.get("[a.error.kind, a.paused, a.currentFrame]") == ["invalid", True, 0]
    assert tab.get("[a.naturalWidth > 0, a.complete]") == [True, True]
    tab.get("a.src = 'twice.kq'")
    tab.until("a.currentFrame > 0")
    assert tab.get("a.error") is None


def test_a_phone(opened):
    style = "<style>kq-img { max-width: 100% } body { margin: 8px }</style>"
    body = '<kq-img id="a" src="moving.kq" width="640" height="480" controls></kq-img>'
    head = '<meta name="viewport" content="width=device-width">' + style
    tab = opened(body, head=head, viewport={"width": 360, "height": 640}, has_touch=True)
    assert tab.get("document.documentElement.scrollWidth") == 360
    x, _, width, height = tab.box("#a input")
    assert (x > 8, x + width <= 352, height > 10) == (True, True, True)
    tab.page.get_by_role("button", name="Play").tap()
    tab.until("a.currentFrame > 1")
    tab.keep("element-phone")


def test_a_strict_policy(opened):
    tab = opened('<kq-img id="a" src="moving.kq" autoplay controls></kq-img>', policy=STRICT)
    tab.until("a.currentFrame > 1")

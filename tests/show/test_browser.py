"""The HTML report in a real browser."""

import base64
import io

import gifs
import numpy as np
import offline_pages
import pytest
from browsers import chromium
from PIL import Image

import kqcodec

pytestmark = offline_pages.needs_chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def pixels():
    from skimage import data

    return np.ascontiguousarray(data.coffee()[::5, ::5])


@pytest.fixture(scope="module")
def report(pixels, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    page = kqcodec.html_report(pixels, 8, title="coffee <b>& cream</b>", effort="fast")
    path.write_text(page, encoding="utf-8")
    return path


class Report(offline_pages.OfflinePage):
    """A tab with the report."""

    def __init__(self, browser, path, **options):
        super().__init__(browser, path, **options)
        self.slider = self.page.locator(".compare input")


@pytest.fixture
def opened(browser, report):
    found = []

    def open_report(path=report, **options):
        found.append(Report(browser, path, **options))
        return found[-1]

    yield open_report
    for tab in found:
        tab.close()


def test_it_opens_without_a_word(opened):
    tab = opened()
    assert tab.page.title() == "coffee <b>& cream</b>: 8 colours"
    assert tab.page.locator("h1").inner_text() == "coffee <b>& cream</b>"
    loaded = "[...document.images].filter(i => !i.hidden).every(i => i.complete && i.naturalWidth)"
    assert tab.page.evaluate(loaded)
    assert tab.page.locator("h2").all_inner_texts() == [
        "Original and quantized",
        "Palette",
        "Elbow",
        "Masks",
        "Bits",
        "Sizes",
    ]
    tab.keep("light")


def test_the_slider_moves_by_keyboard(opened, pixels):
    tab = opened()
    tab.page.select_option("#zoom", "1")
    quantized = kqcodec.quantize(pixels, 8, effort="fast").to_rgb()
    tab.slider.focus()
    rows, columns = slice(10, 70), slice(20, 100)  # away from corners and handle
    tab.page.keyboard.press("End")
    assert (tab.shot(".compare")[rows, columns] == pixels[rows, columns]).all()
    tab.page.keyboard.press("Home")
    assert (tab.shot(".compare")[rows, columns] == quantized[rows, columns]).all()
    tab.page.keyboard.press("ArrowRight")
    assert tab.page.evaluate("compare.style.getPropertyValue('--at')") == "0.1%"


def test_the_slider_moves_by_mouse(opened, pixels):
    tab = opened()
    tab.page.select_option("#zoom", "4")
    box = tab.page.locator(".view").bounding_box()
    y = box["y"] + 60
    tab.page.mouse.move(box["x"] + 100, y)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 240, y, steps=5)
    tab.page.mouse.up()
    at = float(tab.page.evaluate("compare.style.getPropertyValue('--at')").rstrip("%"))
    width = 4 * pixels.shape[1]
    assert abs(at / 100 * width - 240) < 4
    shot = tab.shot(".compare")
    quantized = kqcodec.quantize(pixels, 8, effort="fast").to_rgb()
    row = 60
    assert (shot[row, 8:232] == pixels[row // 4].repeat(4, axis=0)[8:232]).all()
    assert (shot[row, 248:400] == quantized[row // 4].repeat(4, axis=0)[248:400]).all()


def test_the_picture_fits_or_is_enlarged(opened, pixels):
    tab = opened()
    view = tab.page.locator(".view").bounding_box()
    fit = tab.page.locator(".compare").bounding_box()
    assert pixels.shape[1] < fit["width"] <= view["width"]
    tab.page.select_option("#zoom", "8")
    assert tab.page.locator(".compare").bounding_box()["width"] == 8 * pixels.shape[1]
    tab.page.select_option("#zoom", "0")
    assert tab.page.locator(".compare").bounding_box() == fit


def test_a_mask_shows_its_colour_alone(opened, pixels):
    tab = opened()
    tab.page.select_option("#zoom", "1")
    tab.slider.focus()
    tab.page.keyboard.press("Home")
    before = tab.shot(".compare")
    indexed = kqcodec.quantize(pixels, 8, effort="fast")
    buttons = tab.page.locator(".masks button")
    assert buttons.count() == 8
    buttons.nth(2).click()
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    rows, columns = slice(10, 70), slice(20, 100)
    member = (indexed.labels == 2)[rows, columns]
    assert member.any()
    assert not member.all()
    shown, plain = tab.shot(".compare")[rows, columns], before[rows, columns]
    assert (shown[member] == plain[member]).all()
    assert (shown[~member] <= plain[~member] * 0.16 + 1).all()
    tab.keep("mask")
    buttons.nth(5).click()
    assert buttons.nth(2).get_attribute("aria-pressed") == "false"
    buttons.nth(5).click()
    assert (tab.shot(".compare")[rows, columns] == plain).all()


# --- frames ------------------------------------------------------------------


@pytest.fixture(scope="module")
def player(tmp_path_factory):
    path = tmp_path_factory.mktemp("player") / "report.html"
    data, shown = gifs.moving()
    page = kqcodec.html_report(data, 256, title="moving", effort="fast")
    path.write_text(page, encoding="utf-8")
    return path, shown


def frame_shown(tab, number):
    """Once the player shows it, the pixels on its canvases."""
    wait_until(tab, f"shown === {number} && drawing === null")
    layers = tab.page.evaluate("canvases.map((canvas) => canvas.toDataURL())")
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(x[22:])))) for x in layers]


def wait_until(tab, condition):
    """Until that is true in the page, whose policy lets no string become a program."""
    tab.page.evaluate(
        f"new Promise((done) => {{ const look = () => "
        f"{condition} ? done() : setTimeout(look, 10); look(); }})"
    )


def test_frames_are_played_once_through_and_end(opened, player):
    path, shown = player
    tab = opened(path)
    assert all(np.array_equal(layer, shown[0]) for layer in frame_shown(tab, 0))
    play = tab.page.get_by_role("button", name="Play")
    tab.page.evaluate("clip.plays = 2")
    play.click()
    assert tab.page.get_by_role("button", name="Pause").is_visible()
    wait_until(tab, "played === 2")
    assert play.is_visible()
    assert all(np.array_equal(layer, shown[5]) for layer in frame_shown(tab, 5))
    assert tab.page.locator("output").inner_text() == "frame 6 of 6, 0.25 of 0.32 s"
    play.click()  # once more from the start
    wait_until(tab, "wanted > 0 && wanted < 5 || played > 0")
    tab.keep("player")


def test_pause_stays_where_it_is(opened, player):
    tab = opened(player[0])
    tab.page.select_option(".player select", "0.25")
    tab.page.get_by_role("button", name="Play").click()
    wait_until(tab, "wanted === 1")
    tab.page.get_by_role("button", name="Pause").click()
    number = tab.page.evaluate("wanted")
    assert tab.page.evaluate("timer") is None
    frame_shown(tab, number)


def test_steps_and_the_slider(opened, player):
    path, shown = player
    tab = opened(path)
    back, on = (tab.page.get_by_label(f"one frame {word}") for word in ("back", "on"))
    assert back.is_disabled()
    for number in (1, 2, 3):
        on.click()
        assert all(np.array_equal(layer, shown[number]) for layer in frame_shown(tab, number))
    back.click()
    assert all(np.array_equal(layer, shown[2]) for layer in frame_shown(tab, 2))
    slider = tab.page.get_by_label("frame", exact=True)
    slider.focus()
    for key, number in (("End", 5), ("Home", 0), ("ArrowRight", 1)):
        tab.page.keyboard.press(key)
        assert all(np.array_equal(layer, shown[number]) for layer in frame_shown(tab, number))
    tab.page.keyboard.press("End")
    assert on.is_disabled()
    assert tab.page.locator("output").inner_text().startswith("frame 6 of 6, ")


def test_the_player_s_picture_is_enlarged_and_compared(opened, player):
    path, shown = player
    tab = opened(path)
    tab.page.select_option("#zoom", "8")
    assert tab.page.locator(".compare").bounding_box()["width"] == 8 * gifs.SIZE[0]
    tab.page.locator(".compare input").focus()
    tab.page.keyboard.press("End")
    frame_shown(tab, 0)
    shot = tab.shot(".compare")[80:140, 8:60]
    expected = shown[0][..., :3].repeat(8, axis=0).repeat(8, axis=1)[80:140, 8:60]
    assert np.array_equal(shot, expected)


def test_the_player_on_a_phone(opened, player):
    tab = opened(player[0], viewport={"width": 390, "height": 800}, has_touch=True)
    frame_shown(tab, 0)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.page.get_by_label("one frame on").tap()
    frame_shown(tab, 1)
    tab.keep("player-phone")


def test_dark_and_narrow(opened):
    dark = opened(color_scheme="dark", viewport={"width": 390, "height": 800})
    light = opened(viewport={"width": 390, "height": 800})
    for tab in (dark, light):
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    color = "getComputedStyle(document.body).backgroundColor"
    assert dark.page.evaluate(color) != light.page.evaluate(color)
    dark.keep("dark")

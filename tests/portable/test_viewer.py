"""The viewer in a real browser: files come in, are looked at, clicked, played and saved."""

import base64
import io
import re

import numpy as np
import offline_pages
import pytest
import viewer_files
from browsers import chromium
from commands import kq
from PIL import Image
from viewer_files import HOSTILE, Shown

import kqcodec
from kqcodec import portable

pytestmark = offline_pages.needs_chromium
VIEWER = portable.path("viewer.html")


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


class Viewer(offline_pages.OfflinePage):
    """A tab with the viewer, mostly with a file on its stage."""

    schemes = offline_pages.OfflinePage.schemes | {"blob"}  # its worker, and what it saves

    def give(self, *files):
        """Choose files, each a name and bytes, and wait for the first."""
        self.page.set_input_files(
            "#files",
            [{"name": name, "mimeType": "image/x-kq", "buffer": data} for name, data in files],
        )
        self.wait()

    def wait(self):
        """Until the file is on the stage, or what is wrong with it."""
        self.page.locator("#opened:not([aria-busy]):visible, #trouble:visible").wait_for()

    def show(self, shown: Shown, name="test.kq"):
        self.give((name, shown.data))
        self.page.locator("#whole").click()  # 1:1, so that pixels can be compared

    def painted(self, shape):
        """The canvas's pixels where the picture is, which stands in its middle: RGBA."""
        self.page.evaluate("() => new Promise((f) => requestAnimationFrame(() => setTimeout(f)))")
        url = self.page.evaluate("document.getElementById('canvas').toDataURL()")
        with Image.open(io.BytesIO(base64.b64decode(url[22:]))) as image:
            canvas = np.asarray(image.convert("RGBA"))
        top, left = (
            (room - size + 1) // 2 for room, size in zip(canvas.shape, shape, strict=False)
        )
        return canvas[top : top + shape[0], left : left + shape[1]]

    def where(self, shape, column, row):
        """Where a pixel's middle is on the screen."""
        scale = int(self.text("#zoom").replace(",", "").removesuffix(" %")) / 100
        box = self.page.locator("#canvas").bounding_box()
        left = box["x"] + (box["width"] - shape[1] * scale) / 2
        top = box["y"] + (box["height"] - shape[0] * scale) / 2
        return left + (column + 0.5) * scale, top + (row + 0.5) * scale

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def rows(self):
        """The palette's entries, each as its lines of text."""
        return [row.split("\n") for row in self.page.locator(".entries li").all_inner_texts()]


@pytest.fixture
def opened(browser):
    found = []

    def open_viewer(path=VIEWER, **options):
        found.append(Viewer(browser, path, **options))
        return found[-1]

    yield open_viewer
    for tab in found:
        tab.close()


def hex_of(color):
    return "#" + bytes(color[:3] if color[3] == 255 else color).hex()


# --- files come in -----------------------------------------------------------


def test_it_waits_for_files(opened):
    tab = opened()
    assert tab.page.title() == ".kq viewer"
    assert tab.page.get_by_role("button", name="Choose files").is_visible()
    assert not tab.page.locator("#opened").is_visible()
    tab.keep("viewer-empty")


def test_a_chosen_file_is_shown(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.show(shown, "coffee.kq")
    assert tab.page.title() == "coffee.kq"
    assert (tab.painted(shown.labels[0].shape) == shown.pixels[0]).all()
    told = tab.text("#facts").split("\n")
    assert told[:6] == ["picture", "120 × 80", "colours", "9", ".kq, context", told[5]]
    assert told[5] == f"{len(shown.data):,} bytes"
    tab.keep("viewer")


def test_a_dropped_file_is_shown(opened):
    tab, shown = opened(), viewer_files.picture()
    drop = """(bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], "dropped.kq"));
      for (const kind of ["dragenter", "dragover", "drop"]) {
        const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
        if (kind === "dragenter" && !document.body.matches(".dropping")) throw kind;
        if (kind !== "dragenter" && !event.defaultPrevented) throw kind;
      }
    }"""
    tab.page.evaluate(drop, list(shown.data))
    tab.wait()
    assert tab.text("h1") == "dropped.kq"
    tab.page.locator("#whole").click()
    assert (tab.painted(shown.labels[0].shape) == shown.pixels[0]).all()
    assert "dropping" not in (tab.page.locator("body").get_attribute("class") or "")


def test_files_of_kq_view_are_shown(opened, tmp_path):
    first, second = viewer_files.picture(), viewer_files.label_map()
    names = ("a.kq", '<b> & "c".kq')
    for name, shown in zip(names, (first, second), strict=True):
        (tmp_path / name).write_bytes(shown.data)
    page = tmp_path / "page.html"
    assert kq("view", *(tmp_path / name for name in names), "-o", page).exit_code == 0
    tab = opened(page)
    tab.wait()
    assert tab.page.get_by_role("tab").all_inner_texts() == list(names)
    tab.page.locator("#whole").click()
    assert (tab.painted(first.labels[0].shape) == first.pixels[0]).all()
    tab.page.get_by_role("tab", selected=True).press("ArrowRight")
    tab.page.locator("h1", has_text=names[1]).wait_for()
    tab.wait()
    tab.page.locator("#whole").click()
    assert (tab.painted(second.labels[0].shape) == second.pixels[0]).all()


def test_without_workers_the_page_decodes(opened):
    shown = viewer_files.picture()
    for script in ("delete globalThis.Worker", "URL.createObjectURL = () => 'blob:nothing'"):
        tab = opened(script=script)
        tab.show(shown)
        assert (tab.painted(shown.labels[0].shape) == shown.pixels[0]).all()
        if "nothing" in script:
            tab.complaints.clear()  # that there is nothing there


# --- the palette, and what is at a pixel ---------------------------------------


def test_the_palette_has_shares(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.show(shown)
    counts = np.bincount(shown.labels[0].ravel(), minlength=9)
    order = np.argsort(-counts, kind="stable")
    colors = [shown.pixels[0][shown.labels[0] == label][0] for label in range(8)]
    names = [[str(label), hex_of(colors[label])] for label in order[:8]]
    *rows, last = tab.rows()
    assert [row[:2] for row in rows] == names
    shares = [float(row[2].removesuffix("\xa0%")) / 100 for row in rows]
    assert shares == pytest.approx(counts[order[:8]] / counts.sum(), abs=6e-5)
    assert last == ["8", "#010203", "unused"]
    assert tab.text("#palette p") == "9 colours, 8 used here"
    tab.page.select_option("#palette select", "place")
    assert [row[0] for row in tab.rows()] == list("012345678")


def test_long_palettes_are_listed_in_parts(opened):
    tab, shown = opened(), viewer_files.many()
    tab.show(shown)
    assert len(tab.rows()) == 256
    more = tab.page.get_by_role("button", name="Show 44 more of 44")
    more.click()
    assert sorted(int(row[0]) for row in tab.rows()) == list(range(300))
    assert not more.is_visible()
    row, column = np.argwhere(shown.labels[0] == 123)[0]
    for wanted in ("123", hex_of(shown.pixels[0][row, column])):
        tab.page.get_by_label("search").fill(wanted)
        assert [row[0] for row in tab.rows()] == ["123"]


def test_hovering_reads_a_pixel(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.give(("test.kq", shown.data))
    labels = shown.labels[0]
    for column, row in ((0, 0), (119, 79), (63, 20)):
        tab.page.mouse.move(*tab.where(labels.shape, column, row))
        told = tab.text("#readout")
        assert f"column {column}, row {row}\nlabel {labels[row, column]}\n" in told
        assert hex_of(shown.pixels[0][row, column]) in told


def test_keys_go_from_pixel_to_pixel(opened):
    tab, shown = opened(), viewer_files.label_map()
    tab.give(("test.kq", shown.data))
    canvas = tab.page.locator("#canvas")
    canvas.press("ArrowLeft")  # the cursor appears in the middle
    column, row = map(int, re.findall(r"\d+", tab.text("#readout"))[:2])
    canvas.press("ArrowRight")
    canvas.press("ArrowDown")
    label = shown.labels[0][row + 1, column + 1]
    spoken = tab.page.locator("#spoken").text_content()
    assert spoken.startswith(f"column {column + 1}, row {row + 1}, label {label}, id ")
    canvas.press("Enter")
    assert tab.page.locator(".entries [aria-selected=true]").count() == 1
    canvas.press("Escape")
    assert tab.page.locator(".entries [aria-selected=true]").count() == 0


def test_ids_have_names_and_colours(opened):
    tab, shown = opened(), viewer_files.label_map()
    tab.give(("test.kq", shown.data))
    rows = {row[0]: row[1:] for row in tab.rows()}
    assert list(rows["7"][:2]) == [HOSTILE, "#0ac81e"]
    assert rows["300"][0] == "cat\\u202egnp.exe"
    assert rows["0"][0] == "no data"
    tab.page.mouse.move(*tab.where(shown.labels[0].shape, 5, 5))
    told = tab.text("#readout").split("\n")
    assert told[:5] == ["column 5, row 5", "label 1", "id 7", HOSTILE, "#0ac81e"]
    tab.keep("viewer-labels")


def test_entries_of_one_id_are_one(opened):
    tab, data = opened(), viewer_files.vector("valid/labels-table-merged")
    tab.give(("merged.kq", data))
    with kqcodec.open(data) as file:
        counts = dict(zip(map(str, file.ids), file.counts(), strict=True))
        pixels = file.header.pixels
    shares = {row[0]: float(row[-1].removesuffix("\xa0%")) / 100 for row in tab.rows()}
    expected = {key: count / pixels for key, count in counts.items()}
    assert shares == pytest.approx(expected, abs=6e-5)


def test_a_mask_shows_a_colour_alone(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.show(shown)
    tab.page.select_option("#palette select", "place")
    labels, plain = shown.labels[0], shown.pixels[0].astype(int)
    entry = tab.page.locator(".entries li").nth(2)
    entry.click()
    assert entry.get_attribute("aria-selected") == "true"
    member = labels == 2
    masked = tab.painted(labels.shape).astype(int)
    assert (masked[member] == plain[member]).all()
    dark = plain[member][0][:3] @ [0.299, 0.587, 0.114] < 96
    veiled = plain[~member][:, :3] * 0.15 + (255 * 0.85 if dark else 0)
    assert np.abs(masked[~member][:, :3] - veiled).max() <= 1
    tab.keep("viewer-mask")
    entry.click()
    assert (tab.painted(labels.shape) == plain).all()
    tab.page.mouse.click(*tab.where(labels.shape, 63, 20))
    chosen = tab.page.locator(".entries [aria-selected=true]")
    assert chosen.inner_text().split("\n")[0] == str(labels[20, 63])
    tab.page.get_by_role("button", name="Show all colours").click()
    assert chosen.count() == 0


def test_zoom_to_pixels(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.show(shown)
    for _ in range(3):
        tab.page.get_by_role("button", name="zoom in").click()
    assert tab.text("#zoom") == "400 %"
    x, y = tab.where(shown.labels[0].shape, 10, 20)
    tab.page.mouse.move(x, y)
    label = f"label {shown.labels[0][20, 10]}"
    for _ in range(12):
        tab.page.mouse.wheel(0, -120)
    assert f"column 10, row 20\n{label}\n" in tab.text("#readout")  # it stays under the pointer
    assert int(tab.text("#zoom").replace(",", "").removesuffix(" %")) >= 800
    tab.page.mouse.down()
    tab.page.mouse.move(x + 60, y, steps=3)
    tab.page.mouse.up()
    assert f"column 10, row 20\n{label}\n" in tab.text("#readout")  # and so it does when dragged
    assert tab.page.locator(".entries [aria-selected=true]").count() == 0
    tab.page.get_by_role("button", name="Fit").click()
    assert tab.page.get_by_role("button", name="Fit").get_attribute("aria-pressed") == "true"
    for _ in range(8):
        tab.page.get_by_role("button", name="zoom out").click()
    assert tab.text("#zoom") == "100 %"


def test_a_view_from_afar_shows_means(opened):
    stripes = np.tile(np.arange(2, dtype=np.uint8), (600, 3000))
    image = kqcodec.IndexedImage(np.array([[0, 0, 0], [255, 200, 100]], np.uint8), stripes)
    tab = opened()
    tab.give(("stripes.kq", kqcodec.encode(image)))
    middle = tab.painted((20, 200))
    assert np.abs(middle.astype(int) - [128, 100, 50, 255]).max() <= 2


def test_two_fingers_zoom(opened):
    tab, shown = opened(has_touch=True, is_mobile=True), viewer_files.picture()
    tab.show(shown)
    box = tab.page.locator("#canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = tab.context.new_cdp_session(tab.page)
    for kind, spans in (("touchStart", [20]), ("touchMove", range(25, 165, 5)), ("touchEnd", [0])):
        for span in spans:
            fingers = [{"x": x - span, "y": y, "id": 0}, {"x": x + span, "y": y, "id": 1}]
            points = fingers if span else []
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    tab.page.locator("#zoom", has_text="800 %").wait_for()
    assert tab.page.evaluate("visualViewport.scale") == 1
    assert tab.page.locator(".entries [aria-selected=true]").count() == 0


# --- frames ------------------------------------------------------------------


def test_frames_are_stepped_through(opened):
    tab, shown = opened(reduced_motion="reduce"), viewer_files.frames()
    tab.show(shown)
    assert tab.page.get_by_role("button", name="Play").is_visible()  # it doesn't by itself
    told = tab.page.locator("#player output")
    assert told.inner_text() == "frame 1 of 5, at 0.00 of 0.30 s, shown for 50 ms"
    slider = tab.page.get_by_label("frame", exact=True)
    steps = [("ArrowRight", 1), ("End", 4), ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2)]
    for key, number in steps:
        slider.press(key)
        tab.page.locator("#player output", has_text=f"frame {number + 1} of 5").wait_for()
        settled(tab, shown, number)
    assert told.inner_text() == "frame 3 of 5, at 0.10 of 0.30 s, shown for 100 ms"
    tab.page.get_by_label("one frame on").click()
    settled(tab, shown, 3)
    tab.keep("viewer-frames")


def settled(tab, shown, number):
    """The frame comes onto the stage."""
    shape = shown.labels[number].shape
    for _ in range(200):
        if np.array_equal(tab.painted(shape), shown.pixels[number]):
            return
        tab.page.wait_for_timeout(10)
    raise AssertionError(f"frame {number} isn't shown")


def test_frames_play_as_often_as_they_say(opened):
    tab, shown = opened(reduced_motion="reduce"), viewer_files.frames(loop=2)
    tab.show(shown)
    tab.page.evaluate("""() => {
      const told = document.querySelector("#player output");
      globalThis.seen = [];
      new MutationObserver(() => seen.push(Number(told.textContent.match(/[0-9]+/)[0])))
        .observe(told, { childList: true });
    }""")
    play = tab.page.get_by_role("button", name="Play")
    play.click()
    tab.page.get_by_role("button", name="Pause").wait_for()
    play.wait_for()
    assert tab.page.evaluate("seen") == [2, 3, 4, 5, 1, 2, 3, 4, 5]
    settled(tab, shown, 4)


def test_frames_play_by_themselves_and_pause(opened):
    tab, shown = opened(), viewer_files.frames(loop=0)
    tab.show(shown)
    tab.page.locator("#player output", has_text="frame 4 of 5").wait_for()
    tab.page.get_by_role("button", name="Pause").click()
    number = int(tab.text("#player output").split()[1])
    settled(tab, shown, number - 1)
    assert tab.page.get_by_role("button", name="Play").is_visible()


def test_volumes_are_slices(opened):
    tab, shown = opened(), viewer_files.volume()
    tab.show(shown)
    assert tab.page.locator(".play").inner_text() == "Play"
    assert tab.text("#facts").startswith("slices\n4 of 12 × 10\nids\n2 of uint8\n")
    tab.page.get_by_label("slice", exact=True).press("End")
    settled(tab, shown, 3)
    assert tab.text("#player output") == "slice 4 of 4, 1.5\xa0mm deep"


# --- figures, and saving -------------------------------------------------------


def test_bits_are_those_of_the_report(opened):
    tab, shown = opened(), viewer_files.picture()
    tab.show(shown)
    report = kqcodec.open(shown.data).size_report()
    expected = [
        [name.strip(), f"{bits:,}" if isinstance(bits, int) else f"{bits:,.1f}"]
        for name, bits, _, _ in report.rows()
    ]
    cells = [row.split("\t") for row in tab.text("#bits tbody").split("\n")]
    assert [cell[:2] for cell in cells] == expected
    assert cells[4][3] == f"{800 * len(shown.data) / report.theory_bits:.2f}\xa0%"


@pytest.mark.parametrize("name", ["picture", "clear", "many", "label_map"])
def test_what_is_saved_is_what_was_decoded(opened, name):
    tab, shown = opened(), getattr(viewer_files, name)()
    tab.give((f"{name}.kq", shown.data))
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Save as PNG").click()
    assert download.value.suggested_filename == f"{name}.png"
    with Image.open(download.value.path()) as image:
        assert image.mode == ("RGB" if name == "many" else "P")
        assert (np.asarray(image.convert("RGBA")) == shown.pixels[0]).all()


def test_the_frame_on_the_stage_is_saved(opened):
    tab, shown = opened(reduced_motion="reduce"), viewer_files.frames()
    tab.show(shown)
    tab.page.get_by_label("one frame on").click()
    settled(tab, shown, 1)
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Save as PNG").click()
    assert download.value.suggested_filename == "test-frame-2.png"
    with Image.open(download.value.path()) as image:
        assert (np.asarray(image.convert("RGBA")) == shown.pixels[1]).all()


# --- what goes wrong ---------------------------------------------------------


def test_each_kind_of_damage_has_its_sentence(opened):
    data = viewer_files.picture().data
    flipped = bytearray(data)
    flipped[-20] ^= 1
    cases = {
        b"\x89PNG\r\n\x1a\n" + bytes(20): "isn’t a .kq file",
        data[:100]: "is cut short",
        bytes(flipped): "a checksum doesn’t match",
        viewer_files.vector("invalid/coder-4"): "doesn’t know",
        viewer_files.vector("invalid/zero-width"): "breaks a rule of the format",
    }
    tab = opened()
    for bad, expected in cases.items():
        tab.give((f"{HOSTILE}.kq", bad))
        assert expected in tab.text("#troubleText")
        assert tab.text("h1") == f"{HOSTILE}.kq"
        assert not tab.page.locator("#opened").is_visible()
    tab.keep("viewer-trouble")
    tab.give(("good.kq", data))
    assert tab.page.locator("#opened").is_visible()
    assert tab.page.title() == "good.kq"


def test_a_huge_picture_is_opened_when_asked(opened):
    tab = opened()
    tab.give(("huge.kq", viewer_files.huge()))
    assert "more than the 134,217,728 that are opened unasked" in tab.text("#troubleText")
    tab.page.get_by_role("button", name="Open it all the same").click()
    tab.page.locator("#troubleText", has_text="a checksum doesn’t match").wait_for()


def test_what_takes_long_can_be_stopped(opened):
    never = "delete globalThis.Worker; Blob.prototype.arrayBuffer = () => new Promise(() => {})"
    tab = opened(script=never)
    tab.page.set_input_files(
        "#files", {"name": "a.kq", "mimeType": "image/x-kq", "buffer": viewer_files.huge()}
    )
    tab.page.get_by_role("button", name="Stop").click()
    assert tab.text("#troubleText") == "Decoding was stopped."
    tab.page.get_by_role("button", name="Try again").click()
    tab.page.get_by_role("button", name="Stop").wait_for()
    assert not tab.page.locator("#trouble").is_visible()


# --- screens -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["picture", "label_map", "frames"])
def test_a_phone_has_room(opened, name):
    shown = getattr(viewer_files, name)()
    for scheme in ("light", "dark"):
        tab = opened(viewport={"width": 360, "height": 740}, has_touch=True, color_scheme=scheme)
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
        tab.give((f"{'long name ' * 9}.kq", shown.data))
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
        x, y = tab.where(shown.labels[0].shape, 6, 6)
        tab.page.touchscreen.tap(x, y)
        assert "column 6, row 6" in tab.text("#readout")
        assert tab.page.locator(".entries [aria-selected=true]").count() == 1
        assert tab.page.evaluate("scrollY") == 0  # the list scrolls, and the page stays
        tab.keep(f"viewer-phone-{name}-{scheme}")

// One file on the page, from its first byte to the last click on it.
import { Decoder } from "./decoder.mjs";
import { swatch, make } from "./elements.mjs";
import { Entries, countLabels } from "./entries.mjs";
import { bitsSection, fileSection, framesSection, headFacts } from "./figures.mjs";
import { Palette } from "./palette.mjs";
import { Player } from "./player.mjs";
import { pngOf } from "./png.mjs";
import { Raster } from "./raster.mjs";
import { number, percent, sentence, visible } from "./words.mjs";

const ALLOWED_PIXELS = 2 ** 27;
const TRUSTED_PIXELS = 2 ** 32 - 1; // once somebody has said so
const CACHE = 1 << 28; // bytes of labels of frames that are kept
const PATIENCE = 250; // milliseconds before work is worth a word

/** `page` has the elements by name, and the stage. */
export class Session {
  #page;
  #file;
  #allowed; // pixels
  #decoder;
  #opened = null;
  #entries = null;
  #raster = null;
  #palette = null;
  #player = null;
  #labels = null; // of the frame on the stage
  #counts = null; // of each label there
  #frames = new Map(); // by number, promises of labels, the latest used last
  #picked = null;
  #point = null; // what the readout tells
  #busy = null;
  #isClosed = false;

  constructor(page, file, allowed = ALLOWED_PIXELS) {
    this.#page = page;
    this.#file = file;
    this.#allowed = allowed;
  }

  async open() {
    const page = this.#page;
    page.trouble.hidden = true;
    this.#decoder = new Decoder(page.program);
    this.#wait("Opening");
    try {
      this.#opened = await this.#decoder.open(await this.#file.blob(), this.#allowed);
      if (this.#isClosed) return;
      this.#lay();
      await this.#firstFrame();
      if (this.#isClosed) return;
      page.opened.removeAttribute("aria-busy");
      if (this.#player && this.#opened.header.axis === "time" && !page.isStill()) this.#player.start();
    } catch (trouble) {
      if (!this.#isClosed) this.#fail(trouble);
    } finally {
      this.#rest();
    }
  }

  /** Put up what is known before anything is decoded. */
  #lay() {
    const page = this.#page;
    const opened = this.#opened;
    const { header } = opened;
    this.#entries = new Entries(opened);
    this.#raster = new Raster(header.width, header.height, this.#entries.hasAlpha);
    this.#raster.recolor(this.#entries.paint());
    page.opened.hidden = false;
    page.opened.setAttribute("aria-busy", "true");
    headFacts(page.facts, opened, this.#entries);
    this.#palette = new Palette(page.palette, this.#entries, (item) => this.pick(item));
    this.#palette.tell();
    bitsSection(page.bits, opened, null);
    framesSection(page.frames, opened);
    fileSection(page.file, opened);
    page.player.hidden = header.frames < 2;
    if (header.frames > 1) {
      this.#player = new Player(page.player, opened, {
        show: (frame) => this.#showFrame(frame),
        foresee: (frame) => this.#frame(frame).catch(() => {}), // whoever shows it tells
        settle: () => this.#tellShares(),
      });
    }
    page.canvas.setAttribute("aria-label",
      `${visible(this.#file.name)}, ${number(header.width)} by ${number(header.height)} pixels`);
    page.frame.style.setProperty("--ratio", header.height / header.width);
    page.stage.open(this.#raster);
    this.readout(null);
  }

  async #firstFrame() {
    const { header } = this.#opened;
    const pixels = header.width * header.height;
    let done = 0;
    this.#wait("Decoding", 0);
    const counts = new Float64Array(this.#entries.labels);
    const labels = this.#decoder.frame(header, 0, (found, box, part) => {
      if (this.#isClosed) return;
      countLabels(part, counts);
      if (this.#raster.labels !== found) this.#raster.show(found, false);
      this.#raster.reveal(box);
      this.#page.stage.redraw();
      done += box.width * box.height;
      this.#wait("Decoding", done / pixels);
    });
    this.#frames.set(0, labels);
    this.#labels = await labels;
    if (this.#isClosed) return;
    this.#raster.show(this.#labels);
    this.#tellShares(counts);
    if (header.frames < 2) bitsSection(this.#page.bits, this.#opened, this.#counts);
    this.#page.save.disabled = false;
  }

  /** The labels of a frame, decoded or kept. */
  #frame(frame) {
    const found = this.#frames.get(frame) ?? this.#decoder.frame(this.#opened.header, frame);
    this.#frames.delete(frame);
    this.#frames.set(frame, found);
    const most = Math.max(2, Math.floor(CACHE / (this.#labels?.byteLength || 1)));
    for (const other of this.#frames.keys()) {
      if (this.#frames.size <= most) break;
      this.#frames.delete(other);
    }
    return found;
  }

  async #showFrame(frame) {
    this.#wait("Decoding");
    try {
      this.#labels = await this.#frame(frame);
    } catch (trouble) {
      if (!this.#isClosed) this.#fail(trouble);
    } finally {
      this.#rest();
    }
    if (this.#isClosed) return false;
    this.#raster.show(this.#labels);
    this.#page.stage.redraw();
    this.readout();
    return true;
  }

  #tellShares(counts = countLabels(this.#labels, new Float64Array(this.#entries.labels))) {
    this.#counts = counts;
    this.#palette.tell(this.#entries.counts(this.#counts), this.#labels.length);
    this.#palette.mark(this.#picked);
    this.readout();
  }

  /** Show one item alone, the others veiled; or all again. */
  pick(item) {
    if (!this.#raster) return;
    this.#picked = item;
    this.#raster.recolor(this.#entries.paint(item));
    this.#palette.mark(item);
    this.#page.unpick.hidden = item === null;
    this.#page.stage.redraw();
    this.readout();
  }

  pickPixel(point) {
    const item = point && this.#itemAt(point);
    this.pick(item === this.#picked ? null : item);
    this.readout(point);
  }

  #itemAt({ x, y }) {
    return this.#entries.item(this.#raster.labels[y * this.#raster.width + x]);
  }

  /** Tell what is at a pixel, the latest if none is given; at null what is picked, if anything. */
  readout(point = this.#point) {
    this.#point = point;
    const { readout, spoken } = this.#page;
    if (!this.#entries) return;
    const isThere = point && this.#raster.has(point.x, point.y);
    if (!isThere && this.#picked === null) {
      readout.replaceChildren(make("span", { class: "faint" },
        matchMedia("(hover: none)").matches
          ? "Tap the picture to read a pixel and see its colour alone."
          : "Point at the picture to read a pixel; click it to see its colour alone."));
      return;
    }
    const item = isThere ? this.#itemAt(point) : this.#picked;
    const entries = this.#entries;
    const share = this.#palette.share(item);
    const picked = entries.isMap ? null : item;
    const label = isThere ? this.#raster.labels[point.y * this.#raster.width + point.x] : picked;
    const name = visible(entries.name(item));
    const told = [
      isThere ? ["place", `column ${number(point.x)}, row ${number(point.y)}`] : null,
      label === null ? null : ["label", `label ${number(label)}`],
      entries.isMap ? ["id", `id ${entries.key(item)}`] : null,
      name ? ["name", name] : null,
      ["color", entries.hex(item)],
      share ? ["share", `${percent(share)} of the pixels`] : null,
    ].filter(Boolean);
    readout.replaceChildren(swatch(entries.hex(item)), ...told.map(([kind, text]) =>
      make(kind === "name" ? "bdi" : "span", { class: kind }, text)));
    if (point?.by === "keys") spoken.textContent = told.map(([, text]) => text).join(", ");
  }

  /** The frame on the stage as a PNG file, and what to call it. */
  async png() {
    const { header, icc } = this.#opened;
    const entries = this.#entries;
    const blob = await pngOf({
      ...{ width: header.width, height: header.height, labels: this.#labels },
      ...{ palette: entries.palette, hasAlpha: entries.hasAlpha, icc },
    });
    const stem = this.#file.name.replace(/\.kq$/i, "");
    const frame = this.#player ? `-${this.#player.noun}-${this.#player.frame + 1}` : "";
    return { blob, name: `${stem}${frame}.png` };
  }

  #wait(what, share = null) {
    const { busy, busyText, progress } = this.#page;
    busyText.textContent = share === null ? `${what} …` : `${what}, ${Math.floor(100 * share)} %`;
    if (share) progress.value = share;
    else progress.removeAttribute("value");
    this.#busy ??= setTimeout(() => (busy.hidden = false), PATIENCE);
  }

  #rest() {
    clearTimeout(this.#busy);
    this.#busy = null;
    if (!this.#isClosed) this.#page.busy.hidden = true;
  }

  /** Give up, at the user's wish. */
  stop() {
    this.#decoder.stop();
  }

  #fail(trouble) {
    const allowed = this.#allowed;
    const { again } = this.#page;
    this.close();
    this.#page.tellTrouble(this.#file.name, sentence(trouble, allowed));
    const canAllow = trouble.kind === "limit" && allowed < TRUSTED_PIXELS;
    again.hidden = !canAllow && trouble.kind !== "stopped";
    again.textContent = canAllow ? "Open it all the same" : "Try again";
    again.onclick = () => this.#page.reopen(canAllow ? TRUSTED_PIXELS : allowed);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#busy);
    this.#player?.close();
    this.#decoder?.stop();
    this.#page.stage.open(null);
    this.#page.reset();
  }
}


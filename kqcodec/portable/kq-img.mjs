// <kq-img src="chart.kq" alt="…">: shows .kq files as <img> shows others, and plays frames.
import { init, KqError } from "./kq.mjs";
import { Controls, style } from "./kq-controls.mjs";
import { Decoder, Job, dismiss, hire } from "./kq-workers.mjs";

const MAX_PIXELS = 2 ** 25;
const SLICE_TIME = 100; // ms that a slice of a volume is shown where slices are played
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const TEXTS = ["alt", "loading", "crossOrigin", "referrerPolicy"];
const SWITCHES = ["autoplay", "controls", "loop"];
const PROPERTIES = [...TEXTS, ...SWITCHES, "src", "width", "height", "maxPixels"];

/** The value of an <img>'s property for the same attribute: unknown words count as absent. */
const asImg = (element, attribute, property) => {
  const img = document.createElement("img");
  const value = element.getAttribute(attribute);
  if (value !== null) img.setAttribute(attribute, value);
  return img[property];
};

/** The absolute URL of the source, or "". */
function urlOf(element) {
  const link = document.createElement("a"); // an <img> would load it
  link.href = element.getAttribute("src") ?? "";
  return element.hasAttribute("src") ? link.href : "";
}

export class KqImgElement extends HTMLElement {
  static observedAttributes = [
    ...["src", "crossorigin", "referrerpolicy", "max-pixels"],
    ...["alt", "width", "height", "loading", "autoplay", "controls"],
  ];

  static #watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) target.#come(isIntersecting);
    },
    { rootMargin: "50%" },
  );

  #internals = this.attachInternals();
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d");
  #text = document.createElement("span");
  #controls = new Controls(
    () => this.#toggle(),
    (frame) => (this.currentFrame = frame),
  );
  #size = new CSSStyleSheet(); // counts for less than any rule of the page
  #near = false;
  #wake = () => {};
  #job = null;
  #error = null;
  #header = null; // of what is shown
  #decoder = null; // of frames
  #shown = 0;
  #wanted = 0;
  #duration = 0;
  #playing = null; // an object that stands for this time of playing
  #seeking = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style, this.#size];
    this.#text.part = "alt";
    this.#text.hidden = true;
    root.append(this.#canvas, this.#text, this.#controls.element);
    this.#layOut();
    this.#describe();
  }

  connectedCallback() {
    for (const name of PROPERTIES.filter((name) => Object.hasOwn(this, name))) {
      const value = this[name]; // set before this file was there
      delete this[name];
      this[name] = value;
    }
    KqImgElement.#watcher.observe(this);
    if (!this.#job || this.#job.signal.aborted) this.#restart();
    else this.#start();
  }

  disconnectedCallback() {
    KqImgElement.#watcher.unobserve(this);
    queueMicrotask(() => {
      if (!this.isConnected && (this.#decoder || !this.complete)) this.#abandon();
    });
  }

  attributeChangedCallback(name, before, value) {
    if (name === "loading") this.#start();
    else if (name === "width" || name === "height") this.#layOut();
    else if (name === "alt" || name === "controls") this.#describe();
    else if (name !== "autoplay") this.#restart();
    else if (value !== null) this.#autoplay();
  }

  // --- what <img> has --------------------------------------------------------

  get complete() {
    return !this.hasAttribute("src") || (this.#job?.settled ?? false);
  }

  get currentSrc() {
    return this.src;
  }

  get naturalWidth() {
    return this.#header?.width ?? 0;
  }

  get naturalHeight() {
    return this.#header?.height ?? 0;
  }

  /** Resolves once the picture, or its first frame, is there; rejects with why it isn't. */
  decode() {
    if (!this.#job || this.#job.signal.aborted) this.#restart();
    this.#start(true);
    return this.#job.done;
  }

  // --- what it has besides ---------------------------------------------------

  /** Why the last file could not be shown. */
  get error() {
    return this.#error;
  }

  /** What kq.mjs says of the file that is shown. */
  get header() {
    return this.#header;
  }

  /** What is drawn on: for `drawImage`, `toBlob` and the like. */
  get canvas() {
    return this.#canvas;
  }

  get maxPixels() {
    return Number(this.getAttribute("max-pixels")) || MAX_PIXELS;
  }

  set maxPixels(value) {
    this.setAttribute("max-pixels", value);
  }

  get paused() {
    return !this.#playing;
  }

  get currentFrame() {
    return this.#shown;
  }

  /** Pauses at another frame. */
  set currentFrame(number) {
    this.pause();
    if (!this.#decoder) return;
    this.#wanted = Math.min(Math.max(Math.trunc(number) || 0, 0), this.#header.frames - 1);
    if (this.#seeking !== this.#decoder) this.#seek();
  }

  play() {
    if (this.#decoder && !this.#playing) this.#play();
  }

  pause() {
    this.#playing = null;
    this.#update();
  }

  // --- loading ---------------------------------------------------------------

  #abandon() {
    this.#job?.abort();
    this.#decoder = null;
    this.pause();
    this.#describe();
  }

  #restart() {
    this.#abandon();
    if (!this.hasAttribute("src") && this.#header) this.#begin(null);
    const job = (this.#job = new Job());
    queueMicrotask(() => job === this.#job && this.#start()); // other attributes may follow
  }

  #start(asked = this.#isDue()) {
    if (!asked || !this.#job || this.#job.started) return;
    this.#job.started = true;
    this.#load(this.#job);
  }

  #isDue() {
    const awaited = this.#near || this.loading !== "lazy";
    return awaited && this.isConnected && this.hasAttribute("src");
  }

  #come(near) {
    this.#near = near;
    this.#wake();
    this.#start();
  }

  async #load(job) {
    const { signal } = job;
    let worker;
    try {
      const [bytes, module] = await Promise.all([this.#fetch(signal), init()]);
      worker = await hire();
      if (signal.aborted) return dismiss(worker);
      signal.addEventListener("abort", () => {
        if (job.settled && this.#decoder?.worker !== worker) return; // it is another one's
        worker.terminate();
        if (!job.settled) dismiss();
      });
      const decoder = new Decoder(worker);
      const draw = ({ header, tile }) => (header ? this.#begin(header) : this.#draw(tile));
      const message = { module, bytes, maxPixels: this.maxPixels };
      this.#duration = await decoder.ask(message, draw, [bytes]);
      if (signal.aborted) return;
      job.settled = true;
      if (this.#header.frames > 1) this.#decoder = decoder;
      dismiss(this.#decoder ? null : worker);
      this.#describe();
      this.#autoplay();
      job.resolve();
      this.dispatchEvent(new Event("load"));
    } catch (error) {
      if (signal.aborted) return;
      job.settled = true;
      worker?.terminate();
      if (worker) dismiss();
      this.#begin(null);
      this.#fail(error);
      job.reject(error);
    }
  }

  async #fetch(signal) {
    if (!this.getAttribute("src")) throw new KqError("argument", "src is empty");
    const response = await fetch(this.src, {
      signal,
      credentials: this.crossOrigin === "use-credentials" ? "include" : "same-origin",
      referrerPolicy: this.referrerPolicy,
    });
    if (!response.ok) throw new KqError("argument", `the server answered ${response.status}`);
    return response.arrayBuffer();
  }

  /** Makes room for a picture, or for none. */
  #begin(header) {
    this.#header = header;
    this.#error = null;
    this.#shown = this.#wanted = 0;
    this.#canvas.width = this.naturalWidth;
    this.#canvas.height = this.naturalHeight;
    this.#canvas.hidden = !header;
    this.#text.hidden = true;
    this.#layOut();
  }

  #draw({ data, x, y, width, height }) {
    this.#context.putImageData(new ImageData(data, width, height), x, y);
  }

  #fail(error) {
    this.#error = error;
    this.#text.hidden = !!this.#header;
    this.#layOut();
    this.dispatchEvent(new Event("error"));
  }

  // --- frames ----------------------------------------------------------------

  async #ask(number) {
    const tiles = [];
    const duration = await this.#decoder.ask({ frame: number }, ({ tile }) => tiles.push(tile));
    return { number, tiles, duration };
  }

  #show({ number, tiles, duration }) {
    for (const tile of tiles) this.#draw(tile);
    this.#shown = number;
    this.#duration = duration || SLICE_TIME;
    this.#update();
  }

  #autoplay() {
    if (this.autoplay && !calm.matches) this.#play(true);
  }

  async #play(unasked = false) {
    if (!this.#decoder || this.#playing) return;
    const playing = (this.#playing = {});
    this.#update();
    const { frames, plays } = this.#header;
    const ended = this.#shown === frames - 1;
    let left = ((!this.loop && plays) || Infinity) + ended; // from the end it begins anew
    let due = performance.now() + (ended ? 0 : this.#duration);
    try {
      while (this.#shown < frames - 1 || --left) {
        const frame = await this.#ask((this.#shown + 1) % frames);
        await this.#until(due);
        if (this.#playing !== playing) return;
        if (unasked && calm.matches) break;
        this.#show(frame);
        due = Math.max(due + this.#duration, performance.now());
      }
      this.pause();
    } catch (error) {
      this.#halt(error);
    }
  }

  /** Until it is time, and somebody may look. */
  async #until(time) {
    await new Promise((done) => setTimeout(done, time - performance.now()));
    await new Promise(requestAnimationFrame);
    while (!this.#near) await new Promise((done) => (this.#wake = done));
  }

  async #seek() {
    const decoder = (this.#seeking = this.#decoder);
    try {
      while (this.#wanted !== this.#shown) this.#show(await this.#ask(this.#wanted));
    } catch (error) {
      this.#halt(error);
    }
    if (this.#seeking === decoder) this.#seeking = null;
  }

  /** A frame is damaged: what is shown stays. */
  #halt(error) {
    this.pause();
    this.#fail(error);
  }

  #toggle() {
    if (this.paused) this.play();
    else this.pause();
  }

  // --- looks -----------------------------------------------------------------

  /** What attributes and the picture say of the size, as far as no rule of the page does. */
  #layOut() {
    const { naturalWidth, naturalHeight } = this;
    const [width, height] = ["width", "height"].map((name) => {
      const [, number, percent] = /^\s*(\d+(?:\.\d+)?)(%?)/.exec(this.getAttribute(name)) ?? [];
      return number && number + (percent || "px");
    });
    const ratio = this.#header ? [naturalWidth, naturalHeight] : [width, height].map(parseFloat);
    this.#size.replaceSync(`:host {
      width: ${width ?? "fit-content"}; ${height ? `height: ${height};` : ""}
      ${ratio[0] > 0 && ratio[1] > 0 ? `aspect-ratio: auto ${ratio.join("/")};` : ""}
      ${this.#text.hidden ? `contain: size layout; contain-intrinsic-size: ${naturalWidth}px ${naturalHeight}px;` : ""}
    }`);
  }

  /** What those hear who don't see, and whether there are controls. */
  #describe() {
    const alt = this.getAttribute("alt");
    const controls = this.controls && this.#decoder !== null;
    this.#text.textContent = alt;
    this.#controls.element.hidden = !controls;
    this.#internals.role = controls ? "group" : alt === "" ? "none" : "img";
    this.#internals.ariaLabel = alt;
    this.#update();
  }

  #update() {
    this.#controls.update(this.#playing, this.#shown, this.#header ?? {});
  }
}

/** An attribute as a property. */
function reflect(name, get, set = (element, value) => element.setAttribute(name, value)) {
  Object.defineProperty(KqImgElement.prototype, name, {
    get() {
      return get(this);
    },
    set(value) {
      set(this, value);
    },
  });
}

for (const name of TEXTS) reflect(name, (element) => asImg(element, name.toLowerCase(), name));
for (const name of SWITCHES) {
  const set = (element, value) => element.toggleAttribute(name, value);
  reflect(name, (element) => element.hasAttribute(name), set);
}
reflect("src", urlOf);
reflect("width", (element) => (element.isConnected ? element.offsetWidth : element.naturalWidth));
reflect("height", (element) => (element.isConnected ? element.offsetHeight : element.naturalHeight));

customElements.define("kq-img", KqImgElement);

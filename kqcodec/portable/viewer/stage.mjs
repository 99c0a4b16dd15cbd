// The stage: a canvas on which a picture is moved, zoomed and pointed at by mouse, fingers and keys.

const MOST_SCALE = 64;
const GRID_SCALE = 10; // from which on pixels are parted by lines
const EVEN_SCALE = 4; // from which on it is a whole number, so that pixels are equally large
const SMALLEST_MARK = 9;
const STEPS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, MOST_SCALE];
const CLICK = 5; // a pointer that moves less hasn't dragged

/**
 * The canvas shows a raster, at `scale` pixels of CSS for one of the picture's.
 *
 * `told.point` gets the pixel pointed at, `{ x, y, by }` with by "pointer" or "keys", or null;
 * `told.pick` the pixel that was clicked; `told.zoom` the scale and whether the picture fits.
 */
export class Stage {
  #canvas;
  #told;
  #raster = null;
  #scale = 1;
  #goal = 1; // the scale before it was rounded
  #left = 0; // of the picture's corner, in the canvas
  #top = 0;
  #isFitted = true;
  #point = null;
  #cursor = null; // where the keys are
  #pointers = new Map();
  #dragged = 0;
  #waiting = null; // a frame of animation
  #board = null;

  constructor(canvas, told) {
    this.#canvas = canvas;
    this.#told = told;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") this.#pointAt(null); // what was tapped stays told
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show another picture, which fits; or none. */
  open(raster) {
    this.#raster = raster;
    this.#point = this.#cursor = null;
    if (raster) this.fit();
    this.redraw();
  }

  get isFitted() {
    return this.#isFitted;
  }

  get #room() {
    return [this.#canvas.clientWidth, this.#canvas.clientHeight];
  }

  get #fitting() {
    const [width, height] = this.#room;
    const scale = Math.min(width / this.#raster.width, height / this.#raster.height);
    return scale < 1 ? scale : Math.min(Math.floor(scale), MOST_SCALE);
  }

  fit() {
    this.#isFitted = true;
    this.#scale = this.#goal = this.#fitting || 1;
    const [width, height] = this.#room;
    const { width: columns, height: rows } = this.#raster;
    this.#place((width - columns * this.#scale) / 2, (height - rows * this.#scale) / 2);
  }

  /** Zoom so that what is at a point of the canvas, its middle if none is given, stays there;
   * out of large pictures until they fit. */
  zoomTo(scale, x = this.#room[0] / 2, y = this.#room[1] / 2) {
    if (!this.#raster) return;
    const least = Math.min(1, this.#fitting);
    this.#goal = Math.min(Math.max(scale, least), MOST_SCALE);
    const next = this.#goal < EVEN_SCALE ? this.#goal : Math.round(this.#goal);
    const [column, row] = [(x - this.#left) / this.#scale, (y - this.#top) / this.#scale];
    this.#scale = next;
    this.#isFitted = false;
    if (next === least && least < 1) this.fit();
    else this.#place(x - column * next, y - row * next);
  }

  /** To the next step in or out, about the keys' cursor if there is one. */
  zoomStep(direction) {
    if (!this.#raster) return;
    const halves = [...Array(24).keys()].map((step) => 2 ** (step - 24));
    const steps = [...halves, ...STEPS];
    const scale = direction > 0
      ? steps.find((step) => step > this.#scale * 1.001)
      : steps.findLast((step) => step < this.#scale / 1.001);
    const at = this.#cursor && this.#middleOf(this.#cursor);
    this.zoomTo(scale ?? this.#scale, ...(at ?? []));
  }

  #middleOf({ x, y }) {
    return [this.#left + (x + 0.5) * this.#scale, this.#top + (y + 0.5) * this.#scale];
  }

  /** Put the corner there, or so that the middle of the canvas is in the picture. */
  #place(left, top) {
    const inside = (edge, room, size) => Math.min(room / 2, Math.max(room / 2 - size, edge));
    const [width, height] = this.#room;
    this.#left = inside(left, width, this.#raster.width * this.#scale);
    this.#top = inside(top, height, this.#raster.height * this.#scale);
    this.#canvas.classList.toggle("still", this.#isFitted);
    this.#told.zoom(this.#scale, this.#isFitted);
    this.redraw();
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = this.#room;
    this.#canvas.width = Math.max(1, Math.round(width * ratio));
    this.#canvas.height = Math.max(1, Math.round(height * ratio));
    if (!this.#raster) return;
    if (this.#isFitted) this.fit();
    else this.#place(this.#left, this.#top);
    this.#draw(); // at once, since a canvas of another size is empty
  }

  redraw() {
    this.#waiting ??= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#waiting);
    this.#waiting = null;
    const context = this.#canvas.getContext("2d");
    const ratio = this.#canvas.width / this.#room[0];
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (!this.#raster?.labels || !Number.isFinite(ratio)) return;
    const view = { scale: this.#scale * ratio, left: this.#left * ratio, top: this.#top * ratio };
    if (this.#raster.isClear) this.#drawBoard(context, view);
    const complete = this.#raster.draw(context, view);
    if (this.#scale >= GRID_SCALE) this.#drawGrid(context, view);
    if (this.#point) this.#drawMark(context, view, ratio);
    if (!complete) this.redraw();
  }

  #drawBoard(context, { scale, left, top }) {
    this.#board ??= checkerboard();
    context.fillStyle = context.createPattern(this.#board, "repeat");
    const [x, y] = [Math.round(left), Math.round(top)];
    context.fillRect(
      x,
      y,
      Math.round(left + this.#raster.width * scale) - x,
      Math.round(top + this.#raster.height * scale) - y,
    );
  }

  #drawGrid(context, { scale, left, top }) {
    const { width, height } = this.#canvas;
    const right = Math.min(width, left + this.#raster.width * scale);
    const bottom = Math.min(height, top + this.#raster.height * scale);
    const [x, y] = [Math.max(0, left), Math.max(0, top)];
    context.fillStyle = "rgb(128 128 128 / 45%)";
    for (let at = Math.ceil((x - left) / scale); left + at * scale <= right; at += 1) {
      context.fillRect(Math.round(left + at * scale), y, 1, bottom - y);
    }
    for (let at = Math.ceil((y - top) / scale); top + at * scale <= bottom; at += 1) {
      context.fillRect(x, Math.round(top + at * scale), right - x, 1);
    }
  }

  /** A frame about the pixel, black in white; of the pointer's only where pixels are large. */
  #drawMark(context, { scale, left, top }, ratio) {
    if (this.#point.by === "pointer" && this.#scale < SMALLEST_MARK) return;
    const side = Math.max(scale, SMALLEST_MARK * ratio);
    const x = Math.round(left + (this.#point.x + 0.5) * scale - side / 2);
    const y = Math.round(top + (this.#point.y + 0.5) * scale - side / 2);
    for (const [color, line] of [["#fff", 4 * ratio], ["#000", 2 * ratio]]) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.strokeRect(x, y, Math.round(side) + 1, Math.round(side) + 1);
    }
  }

  #wheel(event) {
    if (!this.#raster) return;
    event.preventDefault();
    const line = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 20;
    const delta = Math.max(-200, Math.min(200, event.deltaY * line));
    const factor = Math.exp(-delta * (event.ctrlKey ? 0.01 : 0.002));
    this.zoomTo(this.#goal * factor, ...this.#within(event));
    this.#pointAt(this.#pixel(...this.#within(event)));
  }

  #within(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [
      event.clientX - box.left - this.#canvas.clientLeft,
      event.clientY - box.top - this.#canvas.clientTop,
    ];
  }

  #pixel(x, y) {
    const column = Math.floor((x - this.#left) / this.#scale);
    const row = Math.floor((y - this.#top) / this.#scale);
    return this.#raster?.has(column, row) ? { x: column, y: row, by: "pointer" } : null;
  }

  #pointAt(point) {
    this.#point = point;
    this.#told.point(point);
    this.redraw();
  }

  #down(event) {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#within(event));
    this.#dragged = this.#pointers.size > 1 ? Infinity : 0;
  }

  #move(event) {
    const at = this.#within(event);
    const before = this.#pointers.get(event.pointerId);
    if (before && this.#raster) {
      const [dx, dy] = [at[0] - before[0], at[1] - before[1]];
      this.#dragged += Math.hypot(dx, dy);
      this.#pointers.set(event.pointerId, at);
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.#pinch(other, before, at);
      else if (this.#dragged >= CLICK) this.#place(this.#left + dx, this.#top + dy);
    }
    this.#pointAt(this.#pixel(...at));
  }

  /** One of two fingers moves, and what lay between them stays there. */
  #pinch(other, before, at) {
    const span = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    const middle = (point) => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2];
    const [from, to] = [middle(before), middle(at)];
    this.#left += to[0] - from[0];
    this.#top += to[1] - from[1];
    this.zoomTo((this.#goal * span(at)) / Math.max(1, span(before)), ...to);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId) || this.#dragged >= CLICK) return;
    const pixel = this.#pixel(...this.#within(event));
    this.#pointAt(pixel);
    this.#cursor = pixel;
    if (pixel) this.#told.pick(pixel);
  }

  #cancel(event) {
    this.#pointers.delete(event.pointerId);
    this.#pointAt(null);
  }

  #key(event) {
    if (!this.#raster || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const others = {
      "+": () => this.zoomStep(1),
      "=": () => this.zoomStep(1),
      "-": () => this.zoomStep(-1),
      0: () => this.fit(),
      1: () => this.zoomTo(1),
      Enter: () => this.#cursor && this.#told.pick(this.#cursor),
      " ": () => this.#cursor && this.#told.pick(this.#cursor),
      Escape: () => this.#told.pick(null),
    };
    if (event.key in arrows) this.#step(...arrows[event.key], event.shiftKey);
    else if (event.key in others) others[event.key]();
    else return;
    event.preventDefault();
  }

  /** The keys' cursor goes a pixel on, or with Shift an eighth of the view, which follows. */
  #step(dx, dy, isFar) {
    const [width, height] = this.#room;
    const span = isFar ? Math.max(1, Math.round(Math.min(width, height) / this.#scale / 8)) : 1;
    const clamp = (value, most) => Math.min(Math.max(value, 0), most - 1);
    const from = this.#cursor ?? this.#pixelNear(width / 2, height / 2);
    const x = clamp(from.x + (this.#cursor ? dx * span : 0), this.#raster.width);
    const y = clamp(from.y + (this.#cursor ? dy * span : 0), this.#raster.height);
    this.#cursor = { x, y, by: "keys" };
    const [atX, atY] = this.#middleOf(this.#cursor);
    const margin = Math.min(width, height) / 8;
    const shift = (at, room) => Math.max(0, margin - at) - Math.max(0, at - (room - margin));
    this.#place(this.#left + shift(atX, width), this.#top + shift(atY, height));
    this.#pointAt(this.#cursor);
  }

  #pixelNear(x, y) {
    return {
      x: Math.floor((x - this.#left) / this.#scale),
      y: Math.floor((y - this.#top) / this.#scale),
    };
  }
}

/** What is seen through clear pixels. */
function checkerboard() {
  const board = Object.assign(document.createElement("canvas"), { width: 20, height: 20 });
  const context = board.getContext("2d");
  context.fillStyle = "#eee";
  context.fillRect(0, 0, 20, 20);
  context.fillStyle = "#bbb";
  context.fillRect(0, 0, 10, 10);
  context.fillRect(10, 10, 10, 10);
  return board;
}

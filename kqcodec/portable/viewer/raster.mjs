// Labels painted in pieces: squares of the picture at full size and, for views from farther
// away, at a half, a quarter and so on; each when it is first seen.

const SIDE = 256;
const MOST_PIECES = 512; // 128 MiB
const OVERVIEW = 512;
const BUDGET = 12; // milliseconds of painting for each time it is drawn
const [FINE, COARSE] = [8, 4]; // of a reduced pixel so many, across and down, are looked at

/** The picture of one frame, as far as it is known. */
export class Raster {
  #pieces = new Map();
  #overview = null;
  #version = 0;
  #known = []; // boxes of what is there; null once it is all

  constructor(width, height, isClear) {
    this.width = width;
    this.height = height;
    this.isClear = isClear;
    this.labels = null;
    this.colors = null;
    let level = 0;
    while (Math.max(width, height) > OVERVIEW * 2 ** level) level += 1;
    this.#overview = { level, version: -1, canvas: null };
  }

  /** Paint by other colours, numbers of four bytes for each label, from now on. */
  recolor(colors) {
    this.colors = colors;
    this.#version += 1;
  }

  /** Show other labels, of the whole picture; or only of the boxes that will be `reveal`ed. */
  show(labels, whole = true) {
    this.labels = labels;
    this.#known = whole ? null : [];
    this.#version += 1;
  }

  /** Show a tile more; they come row by row, and so make two or three boxes. */
  reveal({ x, y, width, height }) {
    const known = this.#known;
    known.push({ x, y, width, height });
    for (let last = known.length - 1; last > 0; last -= 1) {
      const [before, box] = [known[last - 1], known[last]];
      if (before.y === box.y && before.x + before.width === box.x) before.width += box.width;
      else if (before.width === box.width && before.x === box.x) before.height += box.height;
      else break;
      known.pop();
    }
    this.#version += 1;
  }

  get isWhole() {
    return this.#known === null;
  }

  /** Whether a pixel's label is known. */
  has(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height || !this.labels) return false;
    return this.isWhole || this.#known.some((box) =>
      x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height);
  }

  /**
   * Draw what a view shows; false if something is still to be painted, so that it is to be
   * drawn again.
   *
   * `scale` is how many of the canvas's pixels one of the picture's takes, `left` and `top`
   * where on the canvas the picture begins.
   */
  draw(context, view) {
    context.save();
    if (!this.isWhole) this.#clip(context, view);
    context.imageSmoothingEnabled = view.scale < 1;
    context.imageSmoothingQuality = "high";
    const until = performance.now() + BUDGET;
    let [seen, painted, missing] = [0, 0, 0];
    for (const { key, level, box, place } of this.#visible(context.canvas, view)) {
      seen += 1;
      let piece = this.#pieces.get(key);
      if (!this.#isFresh(piece)) {
        if (painted === 0 || performance.now() < until) { // one is, whatever it takes
          piece = this.#painted(piece ?? { level }, box, FINE);
          painted += 1;
        } else {
          missing += 1;
        }
      }
      if (piece) {
        this.#pieces.delete(key); // and to the end: the latest used
        this.#pieces.set(key, piece);
        context.drawImage(piece.canvas, ...place);
      } else {
        this.#drawOverview(context, box, place);
      }
    }
    context.restore();
    this.#forget(Math.max(seen, MOST_PIECES));
    return missing === 0;
  }

  /** The pieces in a view: their keys, levels, boxes in the picture, and places on the canvas. */
  *#visible({ width, height }, { scale, left, top }) {
    let level = 0;
    while (scale * 2 ** level < 0.5) level += 1;
    const side = SIDE * 2 ** level;
    const first = (edge) => Math.max(0, Math.floor(-edge / scale / side));
    const end = (edge, size, room) =>
      Math.min(Math.ceil(size / side), Math.ceil((room - edge) / scale / side));
    for (let row = first(top); row < end(top, this.height, height); row += 1) {
      for (let column = first(left); column < end(left, this.width, width); column += 1) {
        const box = this.#box(column * side, row * side, side);
        const x = Math.round(left + box.x * scale);
        const y = Math.round(top + box.y * scale);
        const right = Math.max(x + 1, Math.round(left + (box.x + box.width) * scale));
        const bottom = Math.max(y + 1, Math.round(top + (box.y + box.height) * scale));
        const place = [x, y, right - x, bottom - y];
        yield { key: `${level} ${column} ${row}`, level, box, place };
      }
    }
  }

  /** Keep no more than so many pieces, the latest used. */
  #forget(most) {
    for (const key of this.#pieces.keys()) {
      if (this.#pieces.size <= most) break;
      this.#pieces.delete(key);
    }
  }

  #clip(context, { scale, left, top }) {
    context.beginPath();
    for (const box of this.#known) {
      context.rect(left + box.x * scale, top + box.y * scale, box.width * scale, box.height * scale);
    }
    context.clip();
  }

  #box(x, y, side) {
    const [width, height] = [Math.min(side, this.width - x), Math.min(side, this.height - y)];
    return { x, y, width, height };
  }

  #isFresh(piece) {
    return piece !== undefined && piece.version === this.#version;
  }

  #drawOverview(context, box, place) {
    const overview = this.#overview;
    if (!this.#isFresh(overview)) {
      this.#painted(overview, { x: 0, y: 0, width: this.width, height: this.height }, COARSE);
    }
    const factor = 2 ** -overview.level;
    context.drawImage(
      overview.canvas,
      ...[box.x, box.y, box.width, box.height].map((value) => value * factor),
      ...place,
    );
  }

  /** A piece whose canvas shows that box at its level, by now's labels and colours. */
  #painted(piece, box, most) {
    const step = 2 ** piece.level;
    const width = Math.ceil(box.width / step);
    const height = Math.ceil(box.height / step);
    piece.canvas ??= Object.assign(document.createElement("canvas"), { width, height });
    const image = new ImageData(width, height);
    if (step === 1) this.#copy(box, new Uint32Array(image.data.buffer));
    else this.#average(box, step, Math.min(step, most), image);
    piece.canvas.getContext("2d").putImageData(image, 0, 0);
    piece.version = this.#version;
    return piece;
  }

  #copy(box, pixels) {
    const { labels, colors } = this;
    let to = 0;
    for (let y = box.y; y < box.y + box.height; y += 1) {
      const from = y * this.width + box.x;
      for (let at = from; at < from + box.width; at += 1) pixels[to++] = colors[labels[at]];
    }
  }

  /** Each pixel the mean of some in a square, colours weighted by their alpha. */
  #average(box, step, samples, image) {
    const { labels, colors } = this;
    const stride = step / samples;
    let to = 0;
    for (let y = box.y; y < box.y + box.height; y += step) {
      const bottom = Math.min(y + step, box.y + box.height);
      for (let x = box.x; x < box.x + box.width; x += step) {
        const right = Math.min(x + step, box.x + box.width);
        let [red, green, blue, alpha, many] = [0, 0, 0, 0, 0];
        for (let row = y; row < bottom; row += stride) {
          const from = row * this.width;
          for (let column = x; column < right; column += stride) {
            const color = colors[labels[from + column]];
            const opacity = color >>> 24;
            red += (color & 255) * opacity;
            green += ((color >>> 8) & 255) * opacity;
            blue += ((color >>> 16) & 255) * opacity;
            alpha += opacity;
            many += 1;
          }
        }
        image.data[to] = red / (alpha || 1);
        image.data[to + 1] = green / (alpha || 1);
        image.data[to + 2] = blue / (alpha || 1);
        image.data[to + 3] = alpha / many;
        to += 4;
      }
    }
  }
}

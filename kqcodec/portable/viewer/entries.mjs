// What labels stand for: the entries of a palette, or the ids of a label map.
import { meaningOf } from "../kq-meaning.mjs";

// How much of the veil there is over what isn't picked.
const VEIL = 0.85;
// Under a darker colour than this the veil is white, so that the colour stands out.
const DARK = 96;

/**
 * The things that a picture shows, *items*, each with its colour.
 *
 * In a picture an item is an entry of the palette. In a label map it is an id, which several
 * entries may share.
 */
export class Entries {
  #labels = null; // by item, its first label; null where both are the same
  #items = null; // by label, its item, likewise
  #ids;
  #meaning;

  /** `palette` has four bytes for each label, `ids` an id; null in a picture. */
  constructor({ header, palette, ids, labl }) {
    this.isMap = header.labelMap;
    this.hasAlpha = header.alpha;
    this.palette = new Uint8Array(palette); // a copy, which colours of one's own may change
    this.labels = this.palette.length / 4;
    this.#ids = ids;
    this.#meaning = meaningOf(this.isMap ? labl : null);
    this.length = this.labels;
    if (!this.isMap) return;
    this.#color();
    if (!ids.every((id, label) => label === 0 || ids[label - 1] < id)) this.#group();
  }

  /** Give labels the colours that their ids have of their own. */
  #color() {
    const { colors } = this.#meaning;
    if (colors.size === 0) return;
    this.#ids.forEach((id, label) => {
      const color = colors.get(String(id));
      if (!color) return;
      this.palette.set([...color, 255].slice(0, 4), 4 * label);
      this.hasAlpha ||= color[3] < 255;
    });
  }

  /** Make one item of the labels that have one id. */
  #group() {
    const items = new Uint32Array(this.labels);
    const labels = [];
    const known = new Map();
    for (let label = 0; label < this.labels; label += 1) {
      const id = this.#ids[label];
      let item = known.get(id);
      if (item === undefined) {
        item = labels.length;
        known.set(id, item);
        labels.push(label);
      }
      items[label] = item;
    }
    this.#items = items;
    this.#labels = labels;
    this.length = labels.length;
  }

  item(label) {
    return this.#items ? this.#items[label] : label;
  }

  #label(item) {
    return this.#items ? this.#labels[item] : item;
  }

  /** Red, green, blue and alpha. */
  color(item) {
    const at = 4 * this.#label(item);
    return this.palette.subarray(at, at + 4);
  }

  /** In CSS, without alpha where it is opaque. */
  hex(item) {
    const color = [...this.color(item)];
    if (color[3] === 255) color.pop();
    return `#${color.map((sample) => sample.toString(16).padStart(2, "0")).join("")}`;
  }

  /** An id, or in a picture the label, in decimal. */
  key(item) {
    return String(this.isMap ? this.#ids[this.#label(item)] : item);
  }

  /** What it is called, or nothing. */
  name(item) {
    if (!this.isMap) return "";
    const key = this.key(item);
    return this.#meaning.names.get(key) ?? (key === this.#meaning.nodata ? "no data" : "");
  }

  /** How many pixels each item has, from how many each label has. */
  counts(byLabel) {
    if (!this.#items) return byLabel;
    const found = new Float64Array(this.length);
    byLabel.forEach((pixels, label) => (found[this.#items[label]] += pixels));
    return found;
  }

  /** By label, the colour in which it is painted, as bytes in one number; if an item is
   * picked, that of all others is veiled. */
  paint(picked = null) {
    const painted = this.palette.slice();
    if (picked !== null) {
      const [red, green, blue] = this.color(picked);
      const veil = 0.299 * red + 0.587 * green + 0.114 * blue < DARK ? 255 : 0;
      for (let label = 0; label < this.labels; label += 1) {
        if (this.item(label) === picked) continue;
        for (let at = 4 * label; at < 4 * label + 3; at += 1) {
          painted[at] = Math.round(painted[at] * (1 - VEIL) + veil * VEIL);
        }
      }
    }
    return new Uint32Array(painted.buffer);
  }
}

/** Add to counts how often each label occurs. */
export function countLabels(labels, counts) {
  for (let at = 0; at < labels.length; at += 1) counts[labels[at]] += 1;
  return counts;
}

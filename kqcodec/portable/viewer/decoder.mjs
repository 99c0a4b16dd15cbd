// The page's side of decoding: a worker made of the page's own program, which can be stopped;
// where the browser grants none, the page itself.
import { server } from "./worker.mjs";

const LABELS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

/** One file, being decoded; its promises are rejected with what `sentence` in words.mjs takes. */
export class Decoder {
  #worker = null;
  #send = null;
  #asked = new Map(); // by number, what waits for an answer
  #number = 0;
  #url = null;
  #isServed = false; // whether the worker has begun

  /** `program` is the text that, run in a worker, serves. */
  constructor(program) {
    this.#url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    try {
      this.#worker = new Worker(this.#url, { type: "module" });
      this.#worker.onmessage = ({ data }) => this.#hear(data);
      this.#worker.onerror = (event) => this.#fall(event);
      this.#send = (message) => this.#worker.postMessage(message);
    } catch {
      this.#serveHere();
    }
  }

  #serveHere() {
    const serve = server((message) => this.#hear(message));
    this.#worker = null;
    this.#send = serve;
  }

  /** The worker couldn't begin, and so has heard nothing; or it broke down. */
  #fall(event) {
    event.preventDefault();
    this.#worker.terminate();
    const waiting = [...this.#asked.values()];
    if (this.#isServed) {
      for (const { reject } of waiting) reject({ kind: "memory" });
      this.#asked.clear();
      return;
    }
    this.#serveHere();
    for (const { message } of waiting) this.#send(message);
  }

  #hear({ id, ready, tile, answer, trouble }) {
    if (ready) this.#isServed = true;
    const asked = this.#asked.get(id);
    if (!asked) return;
    if (tile) {
      try {
        asked.onTile(tile);
        return;
      } catch (own) {
        trouble = own; // of this side, which has no memory
      }
    }
    this.#asked.delete(id);
    if (trouble) asked.reject(trouble);
    else asked.resolve(answer);
  }

  #ask(question, onTile = null) {
    return new Promise((resolve, reject) => {
      const message = { ...question, id: (this.#number += 1) };
      this.#asked.set(message.id, { resolve, reject, onTile, message });
      this.#send(message);
    });
  }

  /** Header, palette, ids, sections, durations and the bytes of each part of a file. */
  open(blob, maxPixels) {
    return this.#ask({ what: "open", blob, maxPixels });
  }

  /** The labels of a frame, row by row; `onTile` gets those so far, the latest
   * box, and its labels. */
  async frame(header, frame, onTile = () => {}) {
    const { width, height } = header;
    let labels = null;
    await this.#ask({ what: "frame", frame }, ({ box, labels: part }) => {
      labels ??= room(LABELS[part.BYTES_PER_ELEMENT], width * height);
      for (let row = 0; row < box.height; row += 1) {
        const from = row * box.width;
        labels.set(part.subarray(from, from + box.width), (box.y + row) * width + box.x);
      }
      onTile(labels, box, part);
    });
    return labels;
  }

  /** Give up all that is being done. */
  stop() {
    this.#worker?.terminate();
    URL.revokeObjectURL(this.#url);
    for (const { reject } of this.#asked.values()) reject({ kind: "stopped" });
    this.#asked.clear();
    this.#send = () => {};
  }
}

function room(Labels, many) {
  try {
    return new Labels(many);
  } catch {
    throw { kind: "memory" };
  }
}

// The workers that decode for <kq-img>: a few that all elements of a page share, so that many
// pictures don't mean many threads. One that plays frames keeps its own.
import { KqError } from "./kq.mjs";

const MOST = Math.min(navigator.hardwareConcurrency || 2, 4);
const idle = [];
const queue = [];
let busy = 0;

function newWorker() {
  try {
    return new Worker(new URL("./kq-worker.mjs", import.meta.url), { type: "module" });
  } catch {
    // This file is another site's, whose workers a page may not start but import.
    const script = `import ${JSON.stringify(new URL("./kq-worker.mjs", import.meta.url))}`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    return new Worker(url, { type: "module" });
  }
}

/** A worker, once fewer than MOST are busy. */
export async function hire() {
  if (busy < MOST) busy++;
  else await new Promise((start) => queue.push(start));
  try {
    return idle.pop() ?? newWorker();
  } catch (error) {
    dismiss();
    throw error;
  }
}

/** One worker fewer is busy; `worker`, if given, is there for others. */
export function dismiss(worker) {
  if (worker) idle.push(worker);
  const start = queue.shift();
  if (start) start();
  else busy--;
}

/** Asks a worker, and tells the answers, which come in the order of the questions. */
export class Decoder {
  #asked = [];

  constructor(worker) {
    this.worker = worker;
    worker.onmessage = ({ data }) => {
      const { onPart, resolve, reject } = this.#asked[0];
      if (data.header || data.tile) return onPart(data);
      this.#asked.shift();
      if (data.error) reject(new KqError(data.error.kind, data.error.message));
      else resolve(data.duration);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const error = new KqError("argument", event.message || "the worker cannot be loaded");
      for (const { reject } of this.#asked.splice(0)) reject(error);
    };
  }

  /** How long a frame lasts, once `onPart` has got all that belongs to it. */
  ask(message, onPart, transfer = []) {
    return new Promise((resolve, reject) => {
      this.#asked.push({ onPart, resolve, reject });
      this.worker.postMessage(message, transfer);
    });
  }
}

/** An attempt to load `src`. */
export class Job extends AbortController {
  started = false;
  settled = false;

  constructor() {
    super();
    this.done = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.done.catch(() => {}); // nobody has to ask
  }
}

// Decodes .kq files in browsers, workers and Node, by the WebAssembly module beside this
// file. What each exported name does and takes stands in kq.d.ts.

// In the order of C's kq_result.
const TEXTS = {
  ok: "",
  signature: "not a .kq file",
  truncated: "the file ends too early",
  checksum: "the file is damaged: a checksum differs",
  unsupported: "the file needs a newer decoder",
  invalid: "the file breaks a rule of the format",
  limit: "the file exceeds the limits",
  memory: "not enough memory",
  argument: "an argument is wrong",
};
const KINDS = Object.keys(TEXTS);
const CODERS = ["packed", "dense", "context", "tokens"];
const ID_ARRAYS = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};
const LABEL_ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };
// C's kq_info; the first 20 bytes of a file say so many of these.
const FIELDS = (
  "width height colors tileWidth tileHeight tiles coder alpha shortForm labelMap " +
  "dtype shape entries idCount frames axis keyDistance plays"
).split(" ");
const START = 10;
const SLICE = 12; // ms of decoding between two turns of the event loop
const STRIP = 16384; // C's KQ_STRIP: so many pixels are painted at once
const SPARE = 2 ** 26; // bytes of memory that an instance without a file may keep

export class KqError extends Error {
  name = "KqError";

  constructor(kind, message = TEXTS[kind]) {
    super(message);
    this.kind = kind;
  }
}

const check = (result) => {
  if (result) throw new KqError(KINDS[result]);
};

const isCount = (value) => Number.isInteger(value) && value >= 0;

const need = (condition, message) => {
  if (!condition) throw new KqError("argument", message);
};

/** What `make` makes; a KqError where the engine has no memory for it. */
const allocated = async (make) => {
  try {
    return await make();
  } catch (error) {
    throw error instanceof RangeError ? new KqError("memory") : error;
  }
};

// --- the module --------------------------------------------------------------

/** The module that this engine runs: with SIMD if it knows functions that return a vector. */
const ownModule = () =>
  WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123]))
    ? new URL("./kq.wasm", import.meta.url)
    : new URL("./kq-scalar.wasm", import.meta.url);

const inNode = globalThis.process?.versions?.node;

/** A file that Node reads itself, as its `fetch` doesn't; bundlers needn't look for `fs`. */
const readFile = async (path, fs = "node:fs/promises") =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ fs)).readFile(path);

const compile = async (given) => {
  let source = await given;
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source === "string" || source instanceof URL) {
    const url = String(source);
    source =
      inNode && !/^(?!file)\w\w+:/.test(url)
        ? await readFile(url.startsWith("file:") ? new URL(url) : url)
        : await fetch(url);
  }
  if (source.headers?.get("content-type") === "application/wasm" && source.ok) {
    return WebAssembly.compileStreaming(source);
  }
  return WebAssembly.compile(await bytesOf(source));
};

let loading;
let spare; // an instance whose file was closed: its memory is there already

export function init(source) {
  if (source === undefined && loading) return loading;
  spare = undefined;
  const attempt = (loading = compile(source ?? ownModule()));
  attempt.catch(() => {
    if (loading === attempt) loading = undefined; // the next one may have more luck
  });
  return attempt;
}

// --- a file ------------------------------------------------------------------

async function bytesOf(given) {
  let source = await given;
  if (source?.arrayBuffer) {
    need(source.ok ?? true, `the server answered ${source.status} ${source.statusText}`);
    source = await source.arrayBuffer();
  }
  need(source?.byteLength !== undefined, "a file is bytes, a Blob or a Response");
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** An instance of the module that holds these bytes, and no other file. */
async function enter(bytes) {
  let exports = spare;
  spare = undefined;
  exports ??= (await allocated(async () => WebAssembly.instantiate(await init(), {}))).exports;
  const at = exports.kq_input(bytes.length || 1) >>> 0;
  if (!at) throw new KqError("memory");
  new Uint8Array(exports.memory.buffer, at).set(bytes);
  return exports;
}

/** The header of the file in an instance, as far as its first n fields. */
function headerOf({ memory, kq_info_at }, n = FIELDS.length) {
  const all = new Uint32Array(memory.buffer, kq_info_at() >>> 0, 20);
  const header = Object.fromEntries(FIELDS.slice(0, n).map((name, at) => [name, all[at]]));
  const { width, height, frames, axis, labelMap, dtype, shape } = header;
  for (const flag of ["alpha", "shortForm", "labelMap"]) header[flag] = !!header[flag];
  header.coder = CODERS[header.coder];
  if (frames === undefined) return header;
  return {
    ...header,
    dtype: labelMap ? Object.keys(ID_ARRAYS)[dtype] : null,
    shape: labelMap ? [[height, width], [height, width, 1], [frames, height, width]][shape] : null,
    axis: frames ? ["time", "depth"][axis] : null,
    unit: frames ? [all[18], all[19]] : null,
  };
}

export async function readHeader(source) {
  const bytes = (await bytesOf(source)).subarray(0, 4097); // the longest short form, and one more
  const wasm = await enter(bytes);
  check(wasm.kq_header_input(bytes.length));
  return headerOf(wasm, START);
}

export async function open(source, { maxPixels = 2 ** 27, signal } = {}) {
  const bytes = await bytesOf(source);
  const wasm = await enter(bytes);
  signal?.throwIfAborted();
  check(wasm.kq_open_input(bytes.length, Math.min(maxPixels, 2 ** 32 - 1) || 1));
  return new KqFile(wasm);
}

/** The indices of the tiles that a box meets. */
function tilesOf({ width, tileWidth, tileHeight }, box) {
  const columns = Math.ceil(width / tileWidth);
  const tiles = [];
  for (let y = Math.floor(box.y / tileHeight); y * tileHeight < box.y + box.height; y++) {
    for (let x = Math.floor(box.x / tileWidth); x * tileWidth < box.x + box.width; x++) {
      tiles.push(y * columns + x);
    }
  }
  return tiles;
}

let turned = 0; // when the event loop last did, as far as is known here

/** A turn of the event loop, for which a page in the background needn't wait as for a timer. */
const turn = () =>
  new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      turned = performance.now();
      done();
    };
    port2.postMessage(0);
  });

/** The labels of a tile, into the module's memory: engines optimize it between its steps. */
async function decodeTile(wasm, frame, tile, signal) {
  check(wasm.kq_begin_tile(frame, tile));
  let state = 1;
  while (state === 1) {
    if (performance.now() - turned > SLICE) await turn();
    signal?.throwIfAborted();
    state = wasm.kq_step_tile();
  }
  if (state) check(state - 0x100);
}

/**
 * Parts of a tile to their places in a region: `part` has the labels from one on, so many, or what
 * is to stand in their places. Returns which part of the region that is.
 */
function copy(part, [x, y, width, height], data, region) {
  const left = Math.max(x, region.x);
  const top = Math.max(y, region.y);
  const columns = Math.min(x + width, region.x + region.width) - left;
  const rows = Math.min(y + height, region.y + region.height) - top;
  const gapless = columns === width && columns === region.width;
  const count = gapless ? columns * rows : columns;
  for (let row = top; row < top + rows; row += gapless ? rows : 1) {
    let from = (row - y) * width + left - x;
    let to = (row - region.y) * region.width + left - region.x;
    for (const end = from + count; from < end; from += STRIP, to += STRIP) {
      data.set(part(from, Math.min(STRIP, end - from)), to);
    }
  }
  return { x: left - region.x, y: top - region.y, width: columns, height: rows };
}

/** For `copy`: the labels themselves. */
const labelsOf = (wasm) => (first, count) => {
  const Labels = LABEL_ARRAYS[wasm.kq_label_bytes_of()];
  const at = (wasm.kq_tile_at() >>> 0) + first * Labels.BYTES_PER_ELEMENT;
  return new Labels(wasm.memory.buffer, at, count);
};

/** Their colours. */
const colorsOf = (wasm, palette) => {
  new Uint8Array(wasm.memory.buffer, wasm.kq_palette_at() >>> 0).set(palette);
  return (first, count) =>
    new Uint32Array(wasm.memory.buffer, wasm.kq_paint(first, count) >>> 0, count);
};

/** What a table has for them. */
const idsOf = (wasm, table) => (first, count) => {
  const labels = labelsOf(wasm)(first, count);
  const ids = new table.constructor(count);
  for (let i = 0; i < count; i++) ids[i] = table[labels[i]];
  return ids;
};

export class KqFile {
  #wasm;
  #queue = Promise.resolve(); // an instance decodes one tile at a time
  #palette;
  #idTable;

  constructor(wasm) {
    this.#wasm = wasm;
    this.header = headerOf(wasm);
  }

  get #module() {
    need(this.#wasm, "the file is closed");
    return this.#wasm;
  }

  /** A copy of n elements of the module's memory, unless it had none for them. */
  #slice(Type, at, n) {
    if (!at) throw new KqError("memory");
    return new Type(this.#module.memory.buffer, at >>> 0, n).slice();
  }

  get palette() {
    const at = () => this.#module.kq_palette_at();
    return (this.#palette ??= this.#slice(Uint8ClampedArray, at(), 4 * this.header.entries));
  }

  get idTable() {
    const { entries, labelMap, dtype } = this.header;
    if (labelMap && !this.#idTable) {
      const Type = ID_ARRAYS[dtype];
      const all = this.#slice(BigInt64Array, this.#module.kq_ids_at(), entries).buffer;
      const parts = new Type(all); // the lowest of each is the id
      const step = parts.length / entries;
      this.#idTable = new Type(entries).map((_, entry) => parts[entry * step]);
    }
    return this.#idTable ?? null;
  }

  duration(frame = 0) {
    this.#checkFrame(frame);
    const { axis, unit } = this.header;
    if (axis !== "time") return 0;
    return ((this.#module.kq_duration_of(frame) >>> 0) * 1000 * unit[0]) / unit[1];
  }

  section(kind) {
    const code = [...kind.padEnd(4)].reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0);
    const at = this.#module.kq_section_at(code);
    return at ? this.#slice(Uint8Array, at, this.#module.kq_section_size() >>> 0) : null;
  }

  async decode(options) {
    const { palette } = this;
    const part = (wasm) => colorsOf(wasm, palette);
    return this.#read(options, Uint32Array, part, Uint8ClampedArray);
  }

  async labels(options) {
    const Labels = LABEL_ARRAYS[this.#module.kq_label_bytes_of()];
    return this.#read(options, Labels, labelsOf);
  }

  async ids(options) {
    need(this.header.labelMap, "a picture has no ids");
    const { idTable } = this;
    return this.#read(options, idTable.constructor, (wasm) => idsOf(wasm, idTable));
  }

  async *frames(options) {
    for (let index = 0; index < (this.header.frames || 1); index++) {
      const image = await this.decode({ ...options, frame: index });
      yield { index, duration: this.duration(index), ...image };
    }
  }

  close() {
    const wasm = this.#wasm;
    this.#wasm = null;
    this.#queue.then(() => {
      if (wasm?.memory.buffer.byteLength <= SPARE) spare = wasm;
    });
  }

  #checkFrame(frame) {
    need(isCount(frame) && frame < (this.header.frames || 1), `there is no frame ${frame}`);
  }

  /** What `part` has for the labels of a region, an array of Type, once it is this call's turn. */
  #read({ frame = 0, region, onTile, signal } = {}, Type, part, View) {
    this.#checkFrame(frame);
    const { header } = this;
    const box = { x: 0, y: 0, width: header.width, height: header.height, ...region };
    const { x, y, width, height } = box;
    need(
      [x, y, width - 1, height - 1].every(isCount) &&
        x + width <= header.width &&
        y + height <= header.height,
      "the region is not within the picture",
    );
    const done = this.#queue.then(async () => {
      const wasm = this.#module;
      const data = await allocated(() => new Type(width * height));
      const image = { width, height, data: View ? new View(data.buffer) : data };
      const found = part(wasm);
      const tiles = tilesOf(header, box);
      for (const [at, tile] of tiles.entries()) {
        await decodeTile(wasm, frame, tile, signal);
        const place = new Uint32Array(wasm.memory.buffer, wasm.kq_tile_box() >>> 0, 4);
        const shown = copy(found, place, data, box);
        onTile?.({ ...shown, done: at + 1, total: tiles.length }, image);
      }
      return image;
    });
    this.#queue = done.catch(() => {});
    return done;
  }
}

async function once(source, options, use) {
  const file = await open(source, options);
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

export const decode = (source, options) => once(source, options, (file) => file.decode(options));

export const labels = (source, options) => once(source, options, (file) => file.labels(options));

export async function* frames(source, options) {
  const file = await open(source, options);
  yield* file.frames(options);
}

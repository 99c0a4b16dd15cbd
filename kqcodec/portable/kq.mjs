// Decodes .kq files in browsers, workers and Node, by the WebAssembly module beside this
// file. What each exported name does and takes stands in kq.d.ts.

// In the order of C's kq_result.
const TEXTS = {
  ok: "",
  signature: "not a .kq file",
  truncated: "it ends too early",
  checksum: "a checksum differs",
  unsupported: "it needs a newer decoder",
  invalid: "it breaks a rule",
  limit: "beyond the limits",
  memory: "not enough memory",
  argument: "no such frame",
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
const LABEL_ARRAYS = [, Uint8Array, Uint16Array, , Uint32Array]; // by their bytes
// C's kq_info. The first 20 bytes of a file say START of these, from FLAGS on whether or not.
const FIELDS = (
  "width height colors tileWidth tileHeight tiles coder alpha shortForm labelMap " +
  "dtype shape entries idCount frames axis keyDistance plays"
).split(" ");
const FLAGS = 7;
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
    source = await (inNode && !/^(?!file)\w\w+:/.test(source) ? readFile : fetch)(source);
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
    need(source.ok ?? true, `the server answered ${source.status}`);
    source = await source.arrayBuffer();
  }
  need(source?.byteLength !== undefined, "neither bytes, Blob nor Response");
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** What stands in the module's memory, until it has more of it. */
const view = (wasm, Type, at, n) => new Type(wasm.memory.buffer, at >>> 0, n);

/** An instance of the module that holds these bytes, and no other file. */
async function enter(bytes) {
  const make = async () => (await WebAssembly.instantiate(await init(), {})).exports;
  const exports = spare ?? (await allocated(make));
  spare = undefined;
  const at = exports.kq_input(bytes.length || 1);
  if (!at) throw new KqError("memory");
  view(exports, Uint8Array, at).set(bytes);
  return exports;
}

/** The header of the file in an instance, as far as its first n fields. */
function headerOf(wasm, n = FIELDS.length) {
  const all = view(wasm, Uint32Array, wasm.kq_info_at(), 20);
  const header = Object.fromEntries(
    FIELDS.slice(0, n).map((name, at) => [name, at < FLAGS || at >= START ? all[at] : !!all[at]]),
  );
  const { width, height, frames, axis, labelMap, dtype, shape } = header;
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
  check(wasm.kq_open_input(bytes.length, Math.max(1, Math.min(maxPixels, 2 ** 32 - 1)) || 1));
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
  check(state && state - 0x100);
}

/**
 * A tile to its place in a region: `part` has what is to stand there for so many labels from one
 * on. Returns which part of the region that is.
 */
function copy(wasm, part, [x, y, width, height], data, region, channels) {
  const left = Math.max(x, region.x);
  const top = Math.max(y, region.y);
  const columns = Math.min(x + width, region.x + region.width) - left;
  const bottom = Math.min(y + height, region.y + region.height);
  for (let row = top; row < bottom; row++) {
    const from = (row - y) * width + left - x;
    const to = (row - region.y) * region.width + left - region.x;
    for (let at = 0; at < columns; at += STRIP) {
      data.set(part(wasm, from + at, Math.min(STRIP, columns - at)), (to + at) * channels);
    }
  }
  return { x: left - region.x, y: top - region.y, width: columns, height: bottom - top };
}

const labelArray = (wasm) => LABEL_ARRAYS[wasm.kq_label_bytes_of()];

/** So many labels of the tile that was decoded last, from the first-th on. */
const labelsOf = (wasm, first, count) => {
  const Labels = labelArray(wasm);
  return view(wasm, Labels, wasm.kq_tile_at() + first * Labels.BYTES_PER_ELEMENT, count);
};

/** Their colours. */
const colorsOf = (wasm, first, count) =>
  view(wasm, Uint8ClampedArray, wasm.kq_paint(first, count), 4 * count);

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
    return view(this.#module, Type, at, n).slice();
  }

  get palette() {
    const size = 4 * this.header.entries;
    this.#palette ??= this.#slice(Uint8ClampedArray, this.#module.kq_palette_at(), size);
    return this.#palette;
  }

  get idTable() {
    const { entries, labelMap, dtype } = this.header;
    if (labelMap && !this.#idTable) {
      const Type = ID_ARRAYS[dtype];
      const step = 8 / Type.BYTES_PER_ELEMENT; // of each the lowest part is the id
      const parts = view(this.#module, Type, this.#module.kq_ids_at(), entries * step);
      this.#idTable = parts.filter((_, at) => at % step === 0);
    }
    return this.#idTable ?? null;
  }

  duration(frame = 0) {
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
    view(this.#module, Uint8Array, this.#module.kq_palette_at()).set(this.palette);
    return this.#read(options, Uint8ClampedArray, colorsOf, 4);
  }

  async labels(options) {
    return this.#read(options, labelArray(this.#module), labelsOf);
  }

  async ids(options) {
    need(this.header.labelMap, "a picture has no ids");
    const { idTable } = this;
    const Ids = idTable.constructor;
    return this.#read(options, Ids, (wasm, first, count) => {
      const ids = new Ids(count);
      const found = labelsOf(wasm, first, count);
      for (let at = 0; at < count; at++) ids[at] = idTable[found[at]];
      return ids;
    });
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

  /**
   * What `part` has for the labels of a region, an array of Type with so many elements for each,
   * once it is this call's turn.
   */
  #read({ frame = 0, region, onTile, signal } = {}, Type, part, channels = 1) {
    const { header } = this;
    const box = { x: 0, y: 0, width: header.width, height: header.height, ...region };
    const { x, y, width, height } = box;
    need(
      [x, y, width - 1, height - 1].every((value) => Number.isInteger(value) && value >= 0) &&
        x + width <= header.width &&
        y + height <= header.height,
      "not within the picture",
    );
    need(frame >>> 0 === frame, TEXTS.argument);
    const done = this.#queue.then(async () => {
      const wasm = this.#module;
      const data = await allocated(() => new Type(width * height * channels));
      const image = { width, height, data };
      const tiles = tilesOf(header, box);
      for (const [at, tile] of tiles.entries()) {
        await decodeTile(wasm, frame, tile, signal);
        const place = view(wasm, Uint32Array, wasm.kq_tile_box(), 4);
        const shown = copy(wasm, part, place, data, box, channels);
        onTile?.({ ...shown, done: at + 1, total: tiles.length }, image);
      }
      return image;
    });
    this.#queue = done.catch(() => {});
    return done;
  }
}

/** A method of a file, which is opened for it and closed. */
const once = (method) => async (source, options) => {
  const file = await open(source, options);
  try {
    return await file[method](options);
  } finally {
    file.close();
  }
};

export const decode = once("decode");

export const labels = once("labels");

export async function* frames(source, options) {
  const file = await open(source, options);
  try {
    yield* file.frames(options);
  } finally {
    file.close();
  }
}

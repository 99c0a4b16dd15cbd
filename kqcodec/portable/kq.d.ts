/** Reads `.kq` files: indexed pictures, label maps, and frames of either. */

declare global {
  namespace WebAssembly {
    interface Module {} // as in lib.dom.d.ts, which Node does without
  }
}

/** What a file is read from. A Response must be of success; views may begin anywhere. */
export type KqSource = ArrayBufferLike | ArrayBufferView | Blob | Response;

/** Why a file was refused; `argument`: it is the caller who is wrong. */
export type KqErrorKind =
  | "signature"
  | "truncated"
  | "checksum"
  | "unsupported"
  | "invalid"
  | "limit"
  | "memory"
  | "argument";

export class KqError extends Error {
  constructor(kind: KqErrorKind, message?: string);
  readonly kind: KqErrorKind;
}

/** What the first 20 bytes of a file say, or a file in the short form. */
export interface KqHeaderStart {
  /** Of the picture or of one frame, in pixels. */
  width: number;
  height: number;
  /** K: labels are less. */
  colors: number;
  alpha: boolean;
  coder: "packed" | "dense" | "context" | "tokens";
  /** In pixels; tiles at the right and lower edge may be smaller. */
  tileWidth: number;
  tileHeight: number;
  tiles: number;
  shortForm: boolean;
  labelMap: boolean;
}

export type KqDtype =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64";

export interface KqHeader extends KqHeaderStart {
  /** The type of a label map's ids; null of pictures. */
  dtype: KqDtype | null;
  /** The shape of a label map's array: [height, width], [height, width, 1] or
   * [frames, height, width]; null of pictures. */
  shape: number[] | null;
  /** Of the palette, or of a label map's table of ids. */
  entries: number;
  /** How many different ids a label map has; 0 of pictures. */
  idCount: number;
  /** 0 of a still. */
  frames: number;
  /** What frames follow each other along; null of a still. */
  axis: "time" | "depth" | null;
  /** Every so many frames one can be read without those ahead of it; 0: only the first. */
  keyDistance: number;
  /** How often frames are shown; 0: for ever. */
  plays: number;
  /** A fraction: the seconds that a duration of 1 lasts, or the metres between two slices (0 if
   * they aren't known); null of a still. */
  unit: [number, number] | null;
}

/** Part of a picture, in pixels; within the picture, and not empty. */
export interface KqRegion {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Part of the decoded image that has just been filled, as so many of all its tiles. */
export interface KqTile extends KqRegion {
  done: number;
  total: number;
}

/** Row by row, `width * height` of them. */
export interface KqArray<Data> {
  width: number;
  height: number;
  data: Data;
}

/** RGBA, not premultiplied: what `new ImageData(data, width, height)` takes. The colours are sRGB
 * unless `section("icc ")` has a profile. */
export type KqImage = KqArray<Uint8ClampedArray<ArrayBuffer>>;

/** As wide as the file needs them. */
export type KqLabels = Uint8Array | Uint16Array | Uint32Array;

/** In the type that `header.dtype` names; truth values as 0 and 1. */
export type KqIds =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface KqOpenOptions {
  /** More are refused before memory is taken for them, of kind `limit`; 2^27. */
  maxPixels?: number;
  /** Rejects with its reason. To stop a fetch as well, give it the same signal. */
  signal?: AbortSignal;
}

export interface KqReadOptions<Data> {
  /** Counted from 0. */
  frame?: number;
  /** Only the tiles that it meets are decoded. */
  region?: KqRegion;
  /** Called after each tile, with the image as far as it is there: the same object that is
   * returned at the end. */
  onTile?: (tile: KqTile, image: KqArray<Data>) => void;
  signal?: AbortSignal;
}

export type KqDecodeOptions = KqReadOptions<Uint8ClampedArray<ArrayBuffer>>;

export interface KqFrame extends KqImage {
  index: number;
  /** In milliseconds. */
  duration: number;
}

/**
 * An open file, with an instance of the module of its own; all its checksums have been compared.
 * What is asked of it at once is done one after the other. Decoding lets the event loop turn every
 * few milliseconds.
 */
export class KqFile {
  private constructor();
  readonly header: KqHeader;
  /** RGBA of each entry; of a label map those of PASCAL VOC's rule, though its section `labl` may
   * have others. `decode` paints with it: who writes into it sees other colours. */
  readonly palette: Uint8ClampedArray<ArrayBuffer>;
  /** The id of each entry of a label map; null of pictures. */
  readonly idTable: KqIds | null;
  /** Of a frame, in milliseconds; 0 of stills, volumes, and frames that aren't there. */
  duration(frame?: number): number;
  /** A copy of the first section of a kind, `"icc "`, `"exif"` or `"xmp "` for instance, or null. */
  section(kind: string): Uint8Array<ArrayBuffer> | null;
  decode(options?: KqDecodeOptions): Promise<KqImage>;
  /** Which entry each pixel has. */
  labels(options?: KqReadOptions<KqLabels>): Promise<KqArray<KqLabels>>;
  /** Which id each pixel of a label map has. */
  ids(options?: KqReadOptions<KqIds>): Promise<KqArray<KqIds>>;
  /** All frames one after the other; a still is one of duration 0. */
  frames(options?: Omit<KqDecodeOptions, "frame">): AsyncGenerator<KqFrame, void, undefined>;
  /** Lets go of the file and of the module's memory. */
  close(): void;
}

/**
 * Loads the module that decodes, once; other functions call it without an argument if nobody has.
 * That loads `kq.wasm` beside this file, or `kq-scalar.wasm` where the engine has no SIMD. A string
 * is a URL, or in Node a path.
 */
export function init(
  module?:
    | WebAssembly.Module
    | KqSource
    | URL
    | string
    | Promise<WebAssembly.Module | KqSource>,
): Promise<WebAssembly.Module>;

/** Reads what the first 20 bytes say (up to 4,096 of a file in the short form), of a file that
 * may end behind them. Like all else here it rejects with a KqError for what it refuses. */
export function readHeader(source: KqSource | Promise<KqSource>): Promise<KqHeaderStart>;

/** Checks all of a file but its labels, before memory is taken for these. Its bytes are copied. */
export function open(
  source: KqSource | Promise<KqSource>,
  options?: KqOpenOptions,
): Promise<KqFile>;

/** `open`, `decode` and `close` in one. */
export function decode(
  source: KqSource | Promise<KqSource>,
  options?: KqOpenOptions & KqDecodeOptions,
): Promise<KqImage>;

/** `open`, `labels` and `close` in one. */
export function labels(
  source: KqSource | Promise<KqSource>,
  options?: KqOpenOptions & KqReadOptions<KqLabels>,
): Promise<KqArray<KqLabels>>;

/** `open`, `frames` and `close` in one. */
export function frames(
  source: KqSource | Promise<KqSource>,
  options?: KqOpenOptions & Omit<KqDecodeOptions, "frame">,
): AsyncGenerator<KqFrame, void, undefined>;

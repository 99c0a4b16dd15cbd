// How many bytes each part of a file takes (spec/kq.md, sections 2, 4 to 6, 12, 18 and 19).
// Only of files that the decoder has opened, and so has checked from end to end.

const [HEADER, CRC_32, CRC_16] = [20, 4, 2];
const SECTION_HEAD = 10;
const [CODED, SECTIONS, LABEL_MAP] = [2, 4, 8]; // flags
const [IS_FRAME, HAS_DURATION, IS_UNCHANGED] = [1, 2, 4]; // bits of a frame's head

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new RangeError("parts of a file beyond its end");
    return this.bytes[this.at++];
  }

  /** A number in groups of seven bits (rule 6.4). */
  length() {
    let value = 0;
    for (;;) {
      const byte = this.byte();
      value = value * 128 + (byte & 127);
      if (byte < 128) return value;
    }
  }

  /** Four bytes, the most significant first. */
  word() {
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0;
  }

  skip(many) {
    this.at += many;
  }
}

/**
 * The bytes of header, palette (of label maps the table of ids), sections, labels, and of
 * directory and checksums; `kinds`, what the sections are, with the bytes of their data; and
 * of a sequence `frameBytes`, those of each.
 *
 * `header` is as kq.mjs gives it, `bytes` the whole file.
 */
export function partsOf(bytes, header) {
  const reader = new Reader(bytes);
  const front = header.shortForm ? shortFront(reader) : longFront(reader);
  const found = { ...front, labels: 0, directory: 0, kinds: [], frameBytes: null };
  const samples = header.alpha ? 4 : 3;
  const start = reader.at;
  if (front.flags & (CODED | LABEL_MAP)) reader.skip(reader.length());
  else reader.skip(samples * header.colors);
  found.palette = reader.at - start;
  if (header.shortForm) {
    found.labels = reader.length();
  } else {
    reader.skip(CRC_32);
    const sections = reader.at;
    if (front.flags & SECTIONS) found.kinds = sectionsOf(reader);
    found.sections = reader.at - sections;
    if (header.frames) found.frameBytes = framesOf(reader, header.tiles, found);
    else for (let tile = 0; tile < header.tiles; tile += 1) tileOf(reader, found);
  }
  found.directory = bytes.length - found.header - found.palette - found.sections - found.labels;
  return found;
}

function longFront(reader) {
  const flags = reader.bytes[6] & 31;
  reader.skip(HEADER);
  return { flags, header: HEADER, sections: 0 };
}

function shortFront(reader) {
  reader.skip(2);
  const flags = reader.byte() & 31;
  for (let field = 0; field < 3; field += 1) reader.length();
  return { flags, header: reader.at, sections: 0 };
}

function sectionsOf(reader) {
  const kinds = [];
  for (;;) {
    const kind = String.fromCharCode(...reader.bytes.subarray(reader.at, reader.at + 4));
    reader.skip(4);
    const length = reader.word();
    reader.skip(SECTION_HEAD - 8 + length + CRC_32);
    if (kind === "END ") return kinds;
    kinds.push([kind, length]);
  }
}

function tileOf(reader, found) {
  const length = reader.length();
  found.labels += length;
  reader.skip(length + CRC_32);
}

/** The bytes of each frame, head, payloads and checksums together (rule 19.4). */
function framesOf(reader, tiles, found) {
  const sizes = [];
  for (;;) {
    const start = reader.at;
    const flags = reader.byte();
    if (flags & HAS_DURATION) reader.length();
    let payloads = 0;
    if (flags & IS_FRAME && !(flags & IS_UNCHANGED)) {
      for (let tile = 0; tile < tiles; tile += 1) {
        const length = reader.length();
        found.labels += length;
        payloads += length && length + CRC_32;
      }
    }
    reader.skip(CRC_16 + payloads);
    if (!(flags & IS_FRAME)) return Float64Array.from(sizes);
    sizes.push(reader.at - start);
  }
}

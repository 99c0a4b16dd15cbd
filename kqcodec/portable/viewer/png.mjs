// Labels as a PNG file, with a palette where 256 colours are enough; so nothing is lost, as
// would be where a canvas multiplies colours by their alpha.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const [INDEXED, RGB, RGBA] = [3, 2, 6]; // types of colour
const BATCH = 1 << 20; // bytes that are compressed at a time, about

let table = null;

function crc32(...runs) {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
    return byte;
  });
  let crc = -1;
  for (const run of runs) for (const byte of run) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

function word(value) {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function chunk(kind, data) {
  const name = new TextEncoder().encode(kind);
  return [Uint8Array.from(word(data.length)), name, data, Uint8Array.from(word(crc32(name, data)))];
}

/** A file of a picture's labels in its colours, four bytes for each label. */
export async function pngOf({ width, height, labels, palette, hasAlpha, icc = null }) {
  const k = palette.length / 4;
  const type = k <= 256 ? INDEXED : hasAlpha ? RGBA : RGB;
  const depth = type !== INDEXED ? 8 : [1, 2, 4, 8].find((bits) => k <= 1 << bits);
  const row = type !== INDEXED ? colorRow(labels, palette, type === RGBA ? 4 : 3)
    : indexRow(labels, depth);
  const parts = [
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", Uint8Array.from([...word(width), ...word(height), depth, type, 0, 0, 0])),
  ];
  if (icc) {
    const name = [...new TextEncoder().encode("icc"), 0, 0]; // and compressed by method 0
    parts.push(...chunk("iCCP", Uint8Array.from([...name, ...(await deflated([icc]))])));
  }
  if (type === INDEXED) {
    parts.push(...chunk("PLTE", palette.filter((_, at) => at % 4 < 3)));
    if (hasAlpha) parts.push(...chunk("tRNS", palette.filter((_, at) => at % 4 === 3)));
  }
  parts.push(...chunk("IDAT", await deflated(rows(width, height, row, depth * (type === INDEXED
    ? 1 : type === RGBA ? 4 : 3)))), ...chunk("IEND", new Uint8Array(0)));
  return new Blob(parts, { type: "image/png" });
}

/** Runs of rows, each with its filter, 0 for none, ahead. */
function* rows(width, height, fill, bits) {
  const stride = 1 + Math.ceil((width * bits) / 8);
  const many = Math.max(1, Math.floor(BATCH / stride));
  for (let y = 0; y < height; y += many) {
    const batch = new Uint8Array(stride * Math.min(many, height - y));
    for (let at = 0; at < batch.length; at += stride) {
      fill(batch.subarray(at + 1, at + stride), (y + at / stride) * width, width);
    }
    yield batch;
  }
}

function colorRow(labels, palette, samples) {
  return (row, from, width) => {
    for (let x = 0; x < width; x += 1) {
      const color = 4 * labels[from + x];
      for (let sample = 0; sample < samples; sample += 1) {
        row[samples * x + sample] = palette[color + sample];
      }
    }
  };
}

function indexRow(labels, depth) {
  const each = 8 / depth;
  return (row, from, width) => {
    for (let x = 0; x < width; x += 1) {
      row[Math.floor(x / each)] |= labels[from + x] << (8 - depth * ((x % each) + 1));
    }
  };
}

async function deflated(runs) {
  const stream = new CompressionStream("deflate"); // zlib's format, which PNG asks for
  const result = new Response(stream.readable).arrayBuffer();
  const writer = stream.writable.getWriter();
  for (const run of runs) {
    await writer.write(run);
    await new Promise((done) => setTimeout(done)); // for the page to stay alive meanwhile
  }
  await writer.close();
  return new Uint8Array(await result);
}

// All vectors of the format through a module with kq.mjs's names, in Node and in browsers.

/** What `index.json` asks to be hashed of a file: RGB, RGBA, or ids, the highest byte first. */
async function* frames(file, alpha) {
  for (let frame = 0; frame < (file.header.frames || 1); frame++) {
    const { data } = await (file.header.labelMap ? file.ids({ frame }) : file.decode({ frame }));
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const size = data.BYTES_PER_ELEMENT;
    if (file.header.labelMap) {
      yield bytes.map((_, at) => bytes[at - (at % size) + size - 1 - (at % size)]);
    } else {
      yield alpha ? bytes : bytes.filter((_, at) => at % 4 < 3);
    }
  }
}

async function pixels(file, alpha) {
  const parts = [];
  for await (const part of frames(file, alpha)) parts.push(part);
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function found(kq, data, alpha) {
  try {
    const file = await kq.open(data);
    const digest = await pixels(file, alpha);
    file.close();
    return digest;
  } catch (error) {
    return error.kind ?? String(error);
  }
}

/** Those that are treated otherwise than the index says; `read` has the bytes of a file. */
export async function wrong(kq, index, read) {
  const differ = [];
  for (const vector of [...index.valid, ...index.invalid]) {
    const expected = vector.pixels_sha256 ?? vector.kind;
    const actual = await found(kq, await read(vector.name), vector.alpha);
    if (actual !== expected) differ.push([vector.name, expected, actual]);
  }
  return differ;
}

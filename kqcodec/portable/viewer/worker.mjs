// The worker's side: one file, opened and decoded frame by frame, a tile at a time.
import { open, readHeader } from "../kq-inline.mjs";
import { partsOf } from "./parts.mjs";

/**
 * What answers the messages of decoder.mjs, by `post(message, transferred)`.
 *
 * "open" is answered by what the file is, "frame" by its tiles and an end; either by what went
 * wrong instead. Messages are answered one after the other.
 */
export function server(post) {
  let file = null;
  let queue = Promise.resolve();
  const answers = {
    async open({ blob, maxPixels }) {
      const bytes = await readAll(blob);
      try {
        file = await open(bytes, { maxPixels });
      } catch (error) {
        if (error.kind === "limit") await addPixels(error, bytes);
        throw error;
      }
      return opened(file, bytes);
    },
    async frame({ id, frame }) {
      const { width, height, tileWidth, tileHeight } = file.header;
      for (let y = 0; y < height; y += tileHeight) {
        for (let x = 0; x < width; x += tileWidth) {
          const box = {
            ...{ x, y },
            width: Math.min(tileWidth, width - x),
            height: Math.min(tileHeight, height - y),
          };
          const { data } = await file.labels({ frame, region: box });
          post({ id, tile: { box, labels: data } }, [data.buffer]);
        }
      }
      return null;
    },
  };
  return (message) => {
    queue = queue.then(async () => {
      try {
        post({ id: message.id, answer: await answers[message.what](message) });
      } catch (error) {
        const kind = error instanceof WebAssembly.CompileError ? "engine" : error.kind;
        post({ id: message.id, trouble: { kind, message: error.message, pixels: error.pixels } });
      }
    });
  };
}

async function readAll(blob) {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch {
    throw Object.assign(new Error(), { kind: "unreadable" });
  }
}

async function addPixels(error, bytes) {
  const { width, height } = await readHeader(bytes);
  error.pixels = width * height;
}

function opened(file, bytes) {
  const { header } = file;
  const durations = Float64Array.from({ length: header.frames }, (_, frame) => file.duration(frame));
  return {
    header,
    palette: file.palette,
    ids: file.idTable,
    labl: file.section("labl"),
    icc: file.section("icc "),
    durations,
    parts: partsOf(bytes, header),
    fileBytes: bytes.length,
  };
}

// What <kq-img> has done away from the page: one picture, tile by tile, of each frame asked for.
import { meaningOf } from "./kq-meaning.mjs";
import { init, open } from "./kq.mjs";

const LEAST_PIXELS = 2 ** 16; // that are worth a message, unless the row ends

let ready;
let file;

/** Gives ids the colours of section `labl`; others keep theirs. */
function color({ palette, idTable }, data) {
  const { colors } = meaningOf(data);
  idTable.forEach((id, entry) => {
    const found = colors.get(`${id}`);
    if (found) palette.set([...found, 255].slice(0, 4), 4 * entry);
  });
}

async function decode(frame) {
  const { width, height, tileWidth, tileHeight } = file.header;
  const together = Math.ceil(LEAST_PIXELS / (tileWidth * tileHeight)); // tiles of a row
  for (let y = 0; y < height; y += tileHeight) {
    for (let x = 0; x < width; x += together * tileWidth) {
      const region = {
        x,
        y,
        width: Math.min(together * tileWidth, width - x),
        height: Math.min(tileHeight, height - y),
      };
      const { data } = await file.decode({ frame, region });
      postMessage({ tile: { ...region, data } }, [data.buffer]);
    }
  }
  postMessage({ duration: file.duration(frame) });
}

async function answer({ module, bytes, maxPixels, frame = 0 }) {
  try {
    if (bytes) {
      ready ??= init(module);
      await ready;
      file = await open(bytes, { maxPixels });
      const meaning = file.header.labelMap && file.section("labl");
      if (meaning) color(file, meaning);
      postMessage({ header: file.header });
    }
    await decode(frame);
    if (file.header.frames < 2) file.close();
  } catch ({ kind, message }) {
    postMessage({ error: { kind, message } });
  }
}

let answered; // until then the next question waits
onmessage = ({ data }) => {
  answered = Promise.resolve(answered).then(() => answer(data));
};

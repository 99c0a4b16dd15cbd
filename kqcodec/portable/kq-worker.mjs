// What <kq-img> has done away from the page: one picture, tile by tile, of each frame asked for.
import { init, open } from "./kq.mjs";

let file;

async function decode(frame) {
  const { width, height, tileWidth, tileHeight } = file.header;
  for (let y = 0; y < height; y += tileHeight) {
    for (let x = 0; x < width; x += tileWidth) {
      const region = {
        x,
        y,
        width: Math.min(tileWidth, width - x),
        height: Math.min(tileHeight, height - y),
      };
      const { data } = await file.decode({ frame, region });
      postMessage({ tile: { ...region, data } }, [data.buffer]);
    }
  }
  postMessage({ duration: file.duration(frame) });
}

onmessage = async ({ data: { module, bytes, maxPixels, frame = 0 } }) => {
  try {
    if (bytes) {
      init(module);
      file = await open(bytes, { maxPixels });
      postMessage({ header: file.header });
    }
    await decode(frame);
  } catch ({ kind, message }) {
    postMessage({ error: { kind, message } });
  }
};

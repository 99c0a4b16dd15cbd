// A page with this script shows <img src="chart.kq">, also those that are added later.
//
// The <img> of a still stays, and gets a PNG of the same pixels as its source: so listeners,
// rules for `img` and what else a page does with images keep working, and `load` is the event
// that the browser sends itself. An <img> can't have frames drawn on it: it is replaced by a
// <kq-img> that has its attributes and plays. Either has the first source as `data-kq-src`.
//
// What stands in the page before this script runs the browser may have tried itself, and have
// sent `error` for.
import "./kq-img.mjs";

const NAME = /\.kq([?#]|$)/i;
const sources = new WeakMap(); // what each <img> is being given
const gone = new FinalizationRegistry((url) => URL.revokeObjectURL(url));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) start(target);
  },
  { rootMargin: "50%" },
);

const canvasUrl = async (canvas) => {
  const png = await new Promise((done) => canvas.toBlob(done));
  if (!png) throw new Error("the canvas is too large");
  return URL.createObjectURL(png);
};

async function start(img) {
  watcher.unobserve(img);
  const source = sources.get(img);
  const shown = document.createElement("kq-img");
  for (const { name, value } of img.attributes) shown.setAttribute(name, value);
  shown.autoplay = true;
  shown.src = img.dataset.kqSrc;
  try {
    await shown.decode();
    if (sources.get(img) !== source) return shown.removeAttribute("src"); // its worker may go
    if (shown.header.frames > 1) {
      img.dispatchEvent(new Event("load"));
      img.replaceWith(shown);
    } else {
      const url = await canvasUrl(shown.canvas);
      gone.register(img, url);
      if (sources.get(img) === source) img.src = url;
    }
  } catch {
    if (sources.get(img) === source) img.dispatchEvent(new Event("error"));
  }
}

function consider(img) {
  const src = img.getAttribute("src");
  if (!src) return;
  sources.delete(img);
  if (!NAME.test(src)) return;
  sources.set(img, {});
  img.dataset.kqSrc = src;
  img.removeAttribute("src"); // so the browser doesn't try, and sends no event
  if (img.loading === "lazy") watcher.observe(img);
  else start(img);
}

new MutationObserver((records) => {
  for (const { target, addedNodes } of records) {
    if (target.localName === "img") consider(target);
    for (const node of addedNodes) {
      if (node.localName === "img") consider(node);
      else node.querySelectorAll?.("img").forEach(consider);
    }
  }
}).observe(document, { childList: true, subtree: true, attributeFilter: ["src"] });

document.querySelectorAll("img").forEach(consider);

// The figures about a file: at the top, its bits against theory, its frames, and what else it has.
import { facts, make } from "./elements.mjs";
import { sizeRows } from "./theory.mjs";
import { counted, number, percent } from "./words.mjs";

const MOST_BARS = 240;
const PARTS = [
  ["header", "header", "c0"],
  ["palette", "palette", "c1"],
  ["directory and checksums", "directory", "c2"],
  ["extension sections", "sections", "c3"],
  ["labels", "labels", "rest"],
];
const METADATA = { "icc ": "ICC profile", exif: "Exif", "xmp ": "XMP", labl: "names of ids", lidx: "index of ids" };

const bits = (value) => number(value, 1);
const nounOf = (header) => (header.axis === "time" ? "frame" : "slice");

/** The figures that matter most. */
export function headFacts(element, { header, parts, fileBytes }, entries) {
  const { toRaw, toTheory } = sizeRows({ header, parts, fileBytes, counts: null });
  const size = `${number(header.width)} × ${number(header.height)}`;
  const many = number(entries.length);
  element.replaceChildren(...facts([
    header.frames
      ? [`${nounOf(header)}s`, `${number(header.frames)} of ${size}`]
      : [header.labelMap ? "label map" : "picture", size],
    header.labelMap ? ["ids", `${many} of ${header.dtype}`]
      : ["colours", many + (header.alpha ? ", with alpha" : "")],
    [`.kq, ${header.coder}`, counted(fileBytes, "byte")],
    ["of raw", percent(toRaw)],
    ["of theory", percent(toTheory)],
  ]));
}

/** The file's parts beside the formula, as a bar and a table. */
export function bitsSection(element, opened, counts) {
  const { header, parts, fileBytes } = opened;
  const { rows, k, pixels, theory } = sizeRows({ header, parts, fileBytes, counts });
  const longest = Math.max(8 * fileBytes, theory);
  const drawn = PARTS.map(([name, part, kind]) =>
    [header.labelMap && part === "palette" ? "ids" : name, 8 * parts[part], kind])
    .filter(([, value]) => value);
  const bar = make("div", { class: "bar", role: "img", "aria-label": "the parts of the file" });
  for (const [name, value, kind] of drawn) {
    const part = make("i", { class: kind, title: `${name}: ${number(value)} bits` });
    part.style.width = `${(100 * value) / longest}%`;
    bar.append(part);
  }
  const limit = make("span", { class: "limit", title: "theory" });
  limit.style.left = `calc(${(100 * theory) / longest}% - 1px)`;
  bar.append(limit);
  const legend = make("p", { class: "legend" }, ...drawn.map(([name, , kind]) =>
    make("span", {}, make("i", { class: `key ${kind}` }), name)));
  const table = make("table", {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "part"),
      ...["bits", "of raw", "of theory"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {},
      make("th", { scope: "row", class: row.isPart ? "part" : null }, row.title),
      ...[bits(row.bits), percent(row.toRaw), percent(row.toTheory)].map((text) =>
        make("td", {}, text))))));
  element.replaceChildren(
    make("h2", {}, "Bits"),
    make("p", {},
      `N = ${counted(pixels, "pixel")}${header.frames ? ` of all ${nounOf(header)}s` : ""} and K = ` +
      `${counted(k, header.labelMap ? "label" : "colour")}. The line in the bar is the theory, ` +
      `${bits(theory)} bits; the file has ${percent((8 * fileBytes) / theory)} of it.`),
    bar, legend, make("div", { class: "scroll" }, table),
  );
}

/** A bar for the bytes of each frame, or for some together. */
export function framesSection(element, { header, parts }) {
  element.hidden = !header.frames;
  if (!header.frames) return;
  const sizes = parts.frameBytes;
  const noun = nounOf(header);
  const together = Math.ceil(sizes.length / MOST_BARS);
  const bars = make("div", { class: "frames", role: "img", "aria-label": `the bytes of each ${noun}` });
  const groups = [];
  for (let first = 0; first < sizes.length; first += together) {
    const group = sizes.subarray(first, first + together);
    groups.push([first, group.length, group.reduce((sum, size) => sum + size, 0) / group.length]);
  }
  const highest = groups.reduce((most, [, , mean]) => Math.max(most, mean), 1);
  for (const [first, many, mean] of groups) {
    const name = many === 1 ? `${noun} ${number(first + 1)}`
      : `${noun}s ${number(first + 1)} to ${number(first + many)}, each`;
    const bar = make("i", { title: `${name}: ${counted(Math.round(mean), "byte")}` });
    bar.style.height = `${(100 * mean) / highest}%`;
    bars.append(bar);
  }
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const most = sizes.reduce((found, size) => Math.max(found, size), 0);
  element.replaceChildren(
    make("h2", {}, header.axis === "time" ? "Frames" : "Slices"),
    make("p", {}, `The bytes of each: ${bits(all / sizes.length)} on average, ${number(most)} at most.`),
    bars,
  );
}

/** What else there is to tell. */
export function fileSection(element, { header, parts, icc }) {
  const others = parts.kinds.filter(([kind]) => kind !== "FRAM")
    .map(([kind, length]) => `${METADATA[kind] ?? kind.trim()} (${counted(length, "byte")})`);
  const seconds = header.frames && header.axis === "time" ? [
    ["plays", header.plays === 0 ? "for ever" : counted(header.plays, "time")],
  ] : [];
  const keys = header.frames ? [
    ["key frames", header.keyDistance === 0 ? "the first alone"
      : header.keyDistance === 1 ? "all" : `one in ${number(header.keyDistance)}`],
  ] : [];
  const rows = [
    ["coder", header.coder + (header.shortForm ? ", short form" : "")],
    ["tiles", header.tiles === 1 ? "1"
      : `${number(header.tiles)} of ${number(header.tileWidth)} × ${number(header.tileHeight)}`],
    ...seconds, ...keys,
    ["sections", others.length ? others.join(", ") : "none"],
  ];
  element.replaceChildren(
    make("h2", {}, "File"),
    make("dl", { class: "told" }, ...rows.flatMap(([name, value]) =>
      [make("dt", {}, name), make("dd", {}, value)])),
    ...(icc ? [make("p", { class: "faint" },
      "Colours are shown as sRGB; a PNG saved from here has the file’s own ICC profile.")] : []),
  );
}

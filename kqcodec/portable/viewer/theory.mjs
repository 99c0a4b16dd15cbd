// A file's bits beside the formula 24·K + N·log2 K.

const bytesOf = (dtype) => (dtype === "bool" ? 1 : Number(dtype.replace(/\D/g, "")) / 8);

/**
 * What a file weighs and what it should, in bits: rows of a name, bits, their ratio to raw and
 * to theory, and whether it is a part of the file.
 *
 * `counts`, how often each label occurs, are null where they aren't known of all frames.
 */
export function sizeRows({ header, parts, fileBytes, counts }) {
  const frames = header.frames || 1;
  const pixels = header.width * header.height * frames;
  const sample = header.labelMap ? 8 * bytesOf(header.dtype) : header.alpha ? 32 : 24;
  const k = header.labelMap ? header.entries : header.colors;
  const front = header.labelMap ? 8 * parts.palette : sample * k;
  const name = header.labelMap ? "ids" : `${sample}·K`;
  const theory = front + pixels * Math.log2(k);
  const raw = sample * pixels;
  const bits = [
    [`raw ${sample}·N`, raw],
    [`theory ${name} + N·log2 K`, theory],
    [`fixed width ${name} + N·ceil(log2 K)`, front + pixels * Math.ceil(Math.log2(k))],
    ...(counts ? [[`order-0 entropy ${name} + N·H`, front + entropy(counts)]] : []),
    ["file", 8 * fileBytes],
    ["header", 8 * parts.header, true],
    [header.labelMap ? "ids" : "palette", 8 * parts.palette, true],
    ["directory and checksums", 8 * parts.directory, true],
    ["labels", 8 * parts.labels, true],
    ...(parts.sections ? [["extension sections", 8 * parts.sections, true]] : []),
  ];
  const rows = bits.map(([title, value, isPart = false]) =>
    ({ title, bits: value, toRaw: value / raw, toTheory: value / theory, isPart }));
  return { rows, k, pixels, theory, toRaw: 8 * fileBytes / raw, toTheory: 8 * fileBytes / theory };
}

/** N·H: the sum of count·log2(N / count). */
function entropy(counts) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count) => sum + (count && count * Math.log2(all / count)), 0);
}

// Figures and names as people read them, and one sentence for each thing that can be wrong.

/** A number with its thousands separated, and at most so many decimals. */
export function number(value, decimals = 0) {
  return value.toLocaleString("en-US", { maximumFractionDigits: decimals });
}

/** A share of 1, with more digits where it is small. */
export function percent(share) {
  if (share > 0 && share < 5e-7) return "under\u00a00.0001\u00a0%";
  const digits = share >= 0.001 || share === 0 ? 2 : 4;
  const text = (100 * share).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${text}\u00a0%`;
}

/** "1 frame", "2 frames". */
export function counted(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

// What is shown as nothing or puts text in another order: controls, marks and overrides of
// direction, line separators, characters of no width but for the joiners that scripts need.
const HIDDEN =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

/** Text of strangers with every character that hides or misleads written out, as `\u202e`. */
export function visible(text) {
  return text.replace(HIDDEN, (hidden) => {
    const code = hidden.codePointAt(0);
    return code < 0x80
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** A length in metres with the unit that suits it. */
export function metres(value) {
  const units = [["km", 1e3], ["m", 1], ["mm", 1e-3], ["µm", 1e-6], ["nm", 1e-9]];
  const [unit, size] = units.find(([, least]) => value >= least) ?? units.at(-1);
  return `${number(value / size, 3)}\u00a0${unit}`;
}

const SENTENCES = {
  signature:
    "This isn’t a .kq file, or mail or a text-mode transfer has changed it; send such files as " +
    "binary ones.",
  truncated: "The file is cut short: it ends before its contents do. Get an undamaged copy.",
  checksum: "The file is damaged: a checksum doesn’t match. Get an undamaged copy.",
  unsupported:
    "The file needs a version, coder or section that this page doesn’t know. Look for a newer one.",
  invalid:
    "The file’s checksums are right, but what they cover breaks a rule of the format: whatever " +
    "wrote it made a mistake.",
  limit: "The file asks for more memory or work than this page gives.",
  engine: "This browser is too old: its WebAssembly has no vectors.",
  memory: "The browser hasn’t enough memory for this picture.",
  stopped: "Decoding was stopped.",
  unreadable: "The browser can’t read the file: it may have been moved, or be a folder.",
};

/**
 * What went wrong, in a sentence.
 *
 * `trouble` has a `kind`, as kq.mjs gives it to its errors, or others of this page's own;
 * where that is "limit", the `pixels` that the header says. So many are `allowed`.
 */
export function sentence({ kind, pixels = 0, message = "" }, allowed) {
  if (kind === "limit" && pixels > allowed) {
    return (
      `The picture has ${number(pixels)} pixels, more than the ${number(allowed)} ` +
      "that are opened unasked."
    );
  }
  return SENTENCES[kind] ?? `This page made a mistake: ${visible(message)}`;
}

// What the ids of a label map mean: its section `labl` (spec/kq.md, rules 18.19 to 18.24).

const MOST_BYTES = 1 << 24;
const ID = /^(0|-?[1-9][0-9]*)$/;
const [LEAST_ID, GREATEST_ID] = [-(2n ** 63n), 2n ** 64n - 1n];
const USAGES = [
  ...["Generic", "PixelCount", "Name", "Min", "Max", "MinMax"],
  ...["Red", "Green", "Blue", "Alpha"].flatMap((name) => [name, `${name}Min`, `${name}Max`]),
];

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isText = (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value);
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isId = (value) =>
  isText(value) && value.length <= 20 && ID.test(value) &&
  BigInt(value) >= LEAST_ID && BigInt(value) <= GREATEST_ID;
const isColor = (value) =>
  Array.isArray(value) && (value.length === 3 || value.length === 4) &&
  value.every((sample) => Number.isInteger(sample) && sample >= 0 && sample <= 255);
const byId = (check) => (value) =>
  isObject(value) && Object.entries(value).every(([id, other]) => isId(id) && check(other));
const orNull = (check) => (value) => value === null || check(value);

const KINDS = { integer: Number.isSafeInteger, real: isNumber, string: isText };

function areColumns(value) {
  if (!Array.isArray(value)) return false;
  return value.every((column) =>
    isObject(column) && isText(column.name) && USAGES.includes(column.usage) &&
    Object.hasOwn(KINDS, column.kind) && Array.isArray(column.values) &&
    column.values.every(KINDS[column.kind]) && column.values.length === value[0].values.length);
}

const MEMBERS = {
  names: byId(isText),
  colors: byId(isColor),
  nodata: orNull(isId),
  ignore: (value) => Array.isArray(value) && value.every(isId),
  attributes: areColumns,
  transform: orNull((value) =>
    Array.isArray(value) && value.length === 6 && value.every(isNumber)),
  crs: orNull(isText),
  tags: (value) => isObject(value) && Object.values(value).every(isText),
};

/**
 * Names, colours and the id of no data: Maps by id, in decimal, and a string or null.
 *
 * Data that break the rules count as absent, as a whole (rule 18.22); but JSON.parse doesn't
 * tell that a member comes twice, that a number is long, or that 1.0 isn't written as 1.
 */
export function meaningOf(data) {
  const found = parsed(data) ?? {};
  return {
    names: new Map(Object.entries(found.names ?? {})),
    colors: new Map(Object.entries(found.colors ?? {})),
    nodata: found.nodata ?? null,
  };
}

function parsed(data) {
  if (data === null || data.length > MOST_BYTES) return null;
  try {
    const found = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
    if (!isObject(found)) return null;
    const sound = Object.entries(MEMBERS).every(
      ([name, check]) => !Object.hasOwn(found, name) || check(found[name]));
    return sound ? found : null;
  } catch {
    return null; // no UTF-8, or no JSON
  }
}

// Elements of the page. Text becomes text nodes and never markup, whoever wrote it.

/** An element with attributes, and with elements and text in it; null leaves out either. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The swatch of a colour, over a checkerboard that shows where it is clear. */
export function swatch(color) {
  const inner = make("i");
  inner.style.background = color;
  return make("i", { class: "swatch clear", "aria-hidden": "true" }, inner);
}

/** Names and values side by side, the values ready to be put in. */
export function facts(pairs) {
  return pairs.map(([name, ...value]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
}

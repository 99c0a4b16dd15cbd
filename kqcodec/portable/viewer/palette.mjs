// The list of colours or ids with their shares, of which one can be picked.
import { make, swatch } from "./elements.mjs";
import { counted, number, percent, visible } from "./words.mjs";

const MOST_ROWS = 256; // then as many more when asked
const MOST_IN_STRIP = 256;
const STRIP = 2000; // less than one part in so many wouldn't be seen in the strip
const FEW = 12; // which need no search

/** The panel beside the stage, in `element`; `onPick` gets an item, or null. */
export class Palette {
  #entries;
  #counts;
  #total;
  #order;
  #rows = MOST_ROWS;
  #picked = null;
  #onPick;

  constructor(element, entries, onPick) {
    this.#entries = entries;
    this.#onPick = onPick;
    this.strip = make("div", { class: "strip clear", "aria-hidden": "true" });
    this.summary = make("p", { class: "faint" });
    const sorts = [["share", "by share"], ["place", entries.isMap ? "by id" : "by index"]];
    this.sort = make("select", { "aria-label": "order" },
      ...sorts.map(([value, text]) => make("option", { value }, text)));
    this.search = make("input", {
      ...{ type: "search", placeholder: entries.isMap ? "id or name" : "index or #colour" },
      ...{ "aria-label": "search", autocomplete: "off", spellcheck: "false" },
    });
    this.search.hidden = entries.length <= FEW;
    const kind = entries.isMap ? "entries ids" : "entries";
    this.list = make("ul", { class: kind, role: "listbox", "aria-labelledby": "palette-title" });
    this.more = make("button", { type: "button", class: "more" });
    element.replaceChildren(
      make("div", { class: "head" },
        make("h2", { id: "palette-title" }, entries.isMap ? "Labels" : "Palette"), this.sort),
      this.summary, this.strip, this.search, this.list, this.more,
    );
    this.sort.onchange = this.search.oninput = () => {
      this.#rows = MOST_ROWS;
      this.#arrange();
    };
    this.more.onclick = () => {
      this.#rows += MOST_ROWS;
      this.#list();
    };
    this.list.onclick = (event) => this.#choose(event.target.closest("li"));
    this.list.onkeydown = (event) => this.#key(event);
  }

  /** Tell shares of what is on the stage: how many pixels each item has, and all; or that
   * nothing is known yet. */
  tell(counts = null, total = 0) {
    this.#counts = counts;
    this.#total = total;
    this.#arrange();
  }

  share(item) {
    return this.#counts ? this.#counts[item] / this.#total : null;
  }

  /** Mark an item as picked, or none. */
  mark(item) {
    this.#picked = item;
    for (const row of this.list.children) this.#markRow(row);
    const row = this.list.querySelector("[aria-selected=true]");
    if (row) this.#scrollTo(row);
  }

  /** Scroll the list, but never the page, so that a row is seen. */
  #scrollTo(row) {
    const [list, top] = [this.list, row.offsetTop - this.list.offsetTop];
    const isSeen = top >= list.scrollTop &&
      top + row.offsetHeight <= list.scrollTop + list.clientHeight;
    if (!isSeen) list.scrollTop = top - (list.clientHeight - row.offsetHeight) / 2;
  }

  #markRow(row) {
    const isPicked = Number(row.dataset.item) === this.#picked;
    row.setAttribute("aria-selected", String(isPicked));
  }

  #arrange() {
    const entries = this.#entries;
    const counts = this.#counts;
    const wanted = this.search.value.trim().toLowerCase();
    let order = Uint32Array.from({ length: entries.length }, (_, item) => item);
    if (wanted) {
      order = order.filter((item) =>
        entries.key(item) === wanted || entries.name(item).toLowerCase().includes(wanted) ||
        entries.hex(item).includes(wanted));
    }
    if (counts && this.sort.value === "share") order.sort((a, b) => counts[b] - counts[a] || a - b);
    this.#order = order;
    const used = counts ? counts.reduce((sum, count) => sum + (count > 0), 0) : 0;
    this.summary.textContent =
      counted(entries.length, entries.isMap ? "id" : "colour") +
      (counts && used < entries.length ? `, ${number(used)} used here` : "");
    this.#fillStrip(used);
    this.#list();
  }

  #fillStrip(used) {
    this.strip.hidden = !this.#counts || used > MOST_IN_STRIP;
    if (this.strip.hidden) return;
    const seen = this.#order.filter((item) => this.#counts[item] * STRIP >= this.#total);
    this.strip.replaceChildren(...[...seen].map((item) => {
      const part = make("i", { title: `${this.#entries.hex(item)}, ${percent(this.share(item))}` });
      part.style.flex = `${this.#counts[item]} 0 0`;
      part.style.background = this.#entries.hex(item);
      return part;
    }));
  }

  #list() {
    const shown = [...this.#order.subarray(0, this.#rows)];
    const most = shown.reduce((found, item) => Math.max(found, this.#counts?.[item] ?? 0), 1);
    this.list.replaceChildren(...shown.map((item) => this.#row(item, most)));
    (this.list.querySelector("[aria-selected=true]") ?? this.list.firstChild)
      ?.setAttribute("tabindex", 0);
    const rest = this.#order.length - shown.length;
    this.more.hidden = rest === 0;
    this.more.textContent = `Show ${number(Math.min(rest, MOST_ROWS))} more of ${number(rest)}`;
  }

  #row(item, most) {
    const entries = this.#entries;
    const pixels = this.#counts?.[item];
    const name = visible(entries.name(item));
    const row = make(
      "li",
      { role: "option", tabindex: -1, "data-item": item, class: pixels === 0 ? "unused" : null },
      swatch(entries.hex(item)),
      make("span", { class: "which" },
        make("b", {}, entries.key(item)),
        name ? make("bdi", { title: name }, name) : null,
        make("code", {}, entries.hex(item))),
      pixels === undefined ? null : this.#amount(item, pixels, most),
    );
    this.#markRow(row);
    return row;
  }

  #amount(item, pixels, most) {
    const bar = make("i", { class: "share", "aria-hidden": "true" });
    bar.style.width = `${(100 * pixels) / most}%`;
    return make("span", { class: "amount", title: counted(pixels, "pixel") },
      pixels ? percent(this.share(item)) : "unused", bar);
  }

  #choose(row) {
    if (!row) return;
    const item = Number(row.dataset.item);
    this.#focus(row);
    this.#onPick(item === this.#picked ? null : item);
  }

  #focus(row) {
    for (const other of this.list.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  #key(event) {
    const row = event.target.closest("li");
    const next = {
      ArrowDown: row?.nextElementSibling,
      ArrowUp: row?.previousElementSibling,
      Home: this.list.firstElementChild,
      End: this.list.lastElementChild,
    };
    if (event.key === "Enter" || event.key === " ") this.#choose(row);
    else if (event.key === "Escape") this.#onPick(null);
    else if (event.key in next) this.#focus(next[event.key] ?? row);
    else return;
    event.preventDefault();
  }
}

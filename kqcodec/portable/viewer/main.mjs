// The page: files that come in, their tabs, and the tools about the stage.
import { make } from "./elements.mjs";
import { Session } from "./session.mjs";
import { Stage } from "./stage.mjs";
import { number, visible } from "./words.mjs";
import { server } from "./worker.mjs";

const NAMES = [
  ...["title", "choose", "files", "tabs", "empty", "trouble", "troubleText", "troubleTitle"],
  ...["again", "opened", "facts", "canvas", "busy", "busyText", "progress", "stop", "readout"],
  ...["spoken", "player", "palette", "bits", "frames", "file", "save", "zoomIn", "zoomOut"],
  ...["zoom", "fit", "whole", "unpick", "frame"],
];

class Page {
  constructor() {
    for (const name of NAMES) this[name] = document.getElementById(name);
    this.program = document.getElementById("program").textContent;
    this.list = [];
    this.chosen = -1;
    this.session = null;
    this.stage = new Stage(this.canvas, {
      point: (point) => this.session?.readout(point),
      pick: (point) => this.session?.pickPixel(point),
      zoom: (scale, isFitted) => this.tellZoom(scale, isFitted),
    });
    this.connect();
  }

  connect() {
    this.choose.onclick = () => this.files.click();
    this.empty.querySelector("button").onclick = () => this.files.click();
    this.files.onchange = () => {
      this.add([...this.files.files].map(fileOf));
      this.files.value = "";
    };
    this.stop.onclick = () => this.session.stop();
    this.zoomIn.onclick = () => this.stage.zoomStep(1);
    this.zoomOut.onclick = () => this.stage.zoomStep(-1);
    this.fit.onclick = () => this.stage.fit();
    this.whole.onclick = () => this.stage.zoomTo(1);
    this.unpick.onclick = () => this.session.pick(null);
    this.save.onclick = () => this.savePng();
    this.tabs.onkeydown = (event) => this.tabKey(event);
    this.connectDrops();
  }

  connectDrops() {
    let depth = 0; // of the elements that a file is dragged over
    const mark = (change) => {
      depth = change ? Math.max(0, depth + change) : 0;
      document.body.classList.toggle("dropping", depth > 0);
    };
    const isFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => isFiles(event) && mark(1));
    addEventListener("dragleave", (event) => isFiles(event) && mark(-1));
    addEventListener("dragover", (event) => isFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      mark(0);
      this.add([...event.dataTransfer.files].map(fileOf));
    });
  }

  /** More files, of which the first is shown. */
  add(files) {
    if (files.length === 0) return;
    const first = this.list.length;
    this.list.push(...files);
    this.tabs.append(...files.map((file, at) => this.tab(file, first + at)));
    this.tabs.hidden = this.list.length < 2;
    this.show(first);
  }

  tab({ name }, at) {
    const shown = visible(name);
    const tab = make("button",
      { type: "button", role: "tab", "aria-controls": "opened", title: shown }, make("bdi", {}, shown));
    tab.onclick = () => this.show(at);
    return tab;
  }

  show(at) {
    this.chosen = at;
    [...this.tabs.children].forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === at));
      tab.tabIndex = index === at ? 0 : -1;
    });
    this.tabs.children[at].scrollIntoView({ block: "nearest", inline: "nearest" });
    const name = visible(this.list[at].name);
    this.title.replaceChildren(make("bdi", {}, name));
    document.title = name;
    this.empty.hidden = true;
    this.reopen();
  }

  reopen(allowed) {
    this.session?.close();
    this.session = new Session(this, this.list[this.chosen], allowed);
    this.session.open();
  }

  tabKey(event) {
    const count = this.list.length;
    const next = {
      ArrowRight: (this.chosen + 1) % count,
      ArrowLeft: (this.chosen + count - 1) % count,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.show(next);
    this.tabs.children[next].focus();
  }

  /** As at the beginning of a file. */
  reset() {
    this.opened.hidden = true;
    this.opened.removeAttribute("aria-busy");
    this.busy.hidden = true;
    this.save.disabled = true;
    this.unpick.hidden = true;
    this.readout.replaceChildren();
  }

  tellTrouble(name, text) {
    this.troubleTitle.replaceChildren(make("bdi", {}, visible(name)), " isn’t shown");
    this.troubleText.textContent = text;
    this.trouble.hidden = false;
  }

  tellZoom(scale, isFitted) {
    this.zoom.textContent = `${number(100 * scale, scale < 0.1 ? 1 : 0)} %`;
    this.fit.setAttribute("aria-pressed", String(isFitted));
    this.whole.setAttribute("aria-pressed", String(scale === 1));
  }

  isStill() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  async savePng() {
    this.save.disabled = true;
    try {
      const { blob, name } = await this.session.png();
      const link = make("a", { href: URL.createObjectURL(blob), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once it has surely begun
    } finally {
      this.save.disabled = false;
    }
  }
}

const fileOf = (file) => ({ name: file.name, blob: async () => file });

/** A file inside the page: the text of a script element, in base64. */
function inlined(script) {
  return {
    name: script.dataset.name ?? "inlined.kq",
    async blob() {
      try {
        const text = atob(script.textContent.trim());
        return new Blob([Uint8Array.from(text, (character) => character.charCodeAt(0))]);
      } catch {
        throw { kind: "unreadable" };
      }
    },
  };
}

if (globalThis.document === undefined) {
  const serve = server(postMessage.bind(globalThis));
  globalThis.onmessage = ({ data }) => serve(data);
  postMessage({ ready: true });
} else {
  const page = new Page();
  page.add([...document.querySelectorAll('script[type="application/x-kq"]')].map(inlined));
}

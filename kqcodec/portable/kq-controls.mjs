// How <kq-img> looks, and its controls: a button that plays and pauses, and a slider over the
// frames.

export const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: inline-block; overflow: clip; min-width: 0; min-height: 0; }
  :host([hidden]), [hidden] { display: none !important; }
  canvas {
    position: absolute; inset: 0; width: 100%; height: 100%; box-sizing: border-box;
    padding: inherit; object-fit: inherit; object-position: inherit;
  }
  div {
    position: absolute; inset: auto 0 0; display: flex; gap: 8px; padding: 4px 8px;
    align-items: center; background: #000b; color: #fff; color-scheme: dark;
  }
  button {
    all: unset; box-sizing: border-box; flex: none; width: 24px; height: 24px; padding: 5px;
    cursor: pointer;
  }
  button:focus-visible, input:focus-visible { outline: 2px solid; }
  button::before {
    content: ""; display: block; height: 100%; background: currentColor;
    clip-path: polygon(0 0, 100% 50%, 0 100%);
  }
  .playing::before {
    clip-path: polygon(0 0, 33% 0, 33% 100%, 67% 100%, 67% 0, 100% 0, 100% 100%, 0 100%);
  }
  input { flex: auto; min-width: 0; margin: 0; accent-color: currentColor; }
  @media (pointer: coarse) { button { width: 44px; height: 44px; padding: 14px; } }
`);

export class Controls {
  element = document.createElement("div");
  #button = document.createElement("button");
  #slider = document.createElement("input");

  /** `toggle` plays or pauses; `seek` takes the number of a frame. */
  constructor(toggle, seek) {
    this.#button.onclick = toggle;
    this.#slider.type = "range";
    this.#slider.oninput = (event) => {
      event.stopPropagation();
      seek(this.#slider.valueAsNumber);
    };
    this.#slider.onkeydown = (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      toggle();
    };
    this.element.part = "controls";
    this.element.append(this.#button, this.#slider);
  }

  update(playing, shown, { frames = 0, axis } = {}) {
    this.#button.className = playing ? "playing" : "";
    this.#button.ariaLabel = playing ? "Pause" : "Play";
    this.#slider.max = frames - 1;
    this.#slider.value = shown;
    this.#slider.ariaLabel = axis === "depth" ? "Slice" : "Frame";
    this.#slider.ariaValueText = `${shown + 1} of ${frames}`;
  }
}

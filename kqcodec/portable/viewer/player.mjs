// Frames: a slider, steps and, along time, playing.
import { make } from "./elements.mjs";
import { metres, number } from "./words.mjs";

const SLICE_TIME = 100; // milliseconds that a slice of a volume is shown while they are played
const LEAST_TIME = 10;

/**
 * The controls of one sequence, in `element`.
 *
 * `show(frame)` resolves once the frame is on the stage, to false if it won't be; `foresee(frame)`
 * begins to decode one that will be wanted soon, and `settle()` is told when it stands still.
 */
export class Player {
  #header;
  #durations;
  #starts;
  #told;
  #shown = 0;
  #wanted = 0;
  #drawing = null;
  #timer = null;
  #due = 0;
  #played = 0;
  #isClosed = false;

  constructor(element, { header, durations }, told) {
    this.#header = header;
    this.#told = told;
    const isTime = header.axis === "time";
    this.noun = isTime ? "frame" : "slice";
    this.#durations = durations.map((time) => (isTime ? Math.max(time, LEAST_TIME) : SLICE_TIME));
    this.#starts = new Float64Array(durations.length + 1);
    durations.forEach((time, frame) => (this.#starts[frame + 1] = this.#starts[frame] + time));
    const button = (text, label, name = null) =>
      make("button", { type: "button", "aria-label": label, class: name }, text);
    this.back = button("‹", `one ${this.noun} back`);
    this.play = button("Play", null, "play");
    this.forward = button("›", `one ${this.noun} on`);
    this.slider = make("input", {
      ...{ type: "range", min: 0, max: this.last, value: 0 },
      "aria-label": this.noun,
    });
    const speeds = [["0.25", "¼ ×"], ["0.5", "½ ×"], ["1", "1 ×"], ["2", "2 ×"], ["4", "4 ×"]];
    this.speed = make("select", {}, ...speeds.map(([value, text]) =>
      make("option", { value, ...(value === "1" && { selected: "" }) }, text)));
    this.told = make("output", { "aria-live": "off" });
    element.replaceChildren(
      ...[this.back, this.play, this.forward, this.slider],
      make("label", {}, "Speed ", this.speed),
      this.told,
    );
    this.back.onclick = () => this.#stepTo(this.#wanted - 1);
    this.forward.onclick = () => this.#stepTo(this.#wanted + 1);
    this.slider.oninput = () => this.#stepTo(Number(this.slider.value));
    this.play.onclick = () => (this.isPlaying ? this.pause() : this.start());
    this.#tell();
  }

  get last() {
    return this.#header.frames - 1;
  }

  get isPlaying() {
    return this.#timer !== null;
  }

  get frame() {
    return this.#shown;
  }

  #stepTo(frame) {
    this.pause();
    return this.#go(frame);
  }

  #go(frame) {
    this.#wanted = frame;
    this.#tell();
    if (this.#shown !== frame) this.#drawing ??= this.#draw();
    return this.#drawing;
  }

  async #draw() {
    while (this.#shown !== this.#wanted && !this.#isClosed) {
      const goal = this.#wanted;
      if (await this.#told.show(goal)) this.#shown = goal;
    }
    this.#drawing = null;
    if (!this.isPlaying && !this.#isClosed) this.#told.settle();
  }

  #tell() {
    const frame = this.#wanted;
    this.slider.value = frame;
    this.back.disabled = frame === 0;
    this.forward.disabled = frame === this.last;
    const place = `${this.noun} ${number(frame + 1)} of ${number(this.last + 1)}`;
    this.told.textContent = `${place}${this.#where(frame)}`;
    this.slider.setAttribute("aria-valuetext", place);
  }

  #where(frame) {
    const { axis, unit } = this.#header;
    if (axis === "depth") return unit[0] ? `, ${metres((frame * unit[0]) / unit[1])} deep` : "";
    const seconds = (time) => (time / 1000).toFixed(2);
    const lasts = this.#starts[frame + 1] - this.#starts[frame];
    return (
      `, at ${seconds(this.#starts[frame])} of ${seconds(this.#starts.at(-1))} s, ` +
      `shown for ${number(lasts, 1)} ms`
    );
  }

  start() {
    this.play.textContent = "Pause";
    this.#played = 0;
    if (this.#wanted === this.last) this.#go(0);
    this.#due = performance.now();
    this.#wait();
  }

  pause() {
    if (!this.isPlaying) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.play.textContent = "Play";
    if (!this.#drawing && !this.#isClosed) this.#told.settle();
  }

  close() {
    this.#isClosed = true;
    this.pause();
  }

  #wait() {
    const now = performance.now();
    this.#due = Math.max(this.#due + this.#durations[this.#wanted] / this.speed.value, now);
    this.#timer = setTimeout(() => this.#next(), this.#due - now);
    this.#told.foresee(this.#wanted === this.last ? 0 : this.#wanted + 1);
  }

  async #next() {
    if (this.#wanted === this.last) {
      this.#played += 1;
      if (this.#header.axis === "depth" || this.#played === this.#header.plays) {
        this.pause();
        return;
      }
    }
    await this.#go(this.#wanted === this.last ? 0 : this.#wanted + 1);
    if (this.isPlaying) this.#wait();
  }
}

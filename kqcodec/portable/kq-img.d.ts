/** `<kq-img>`, which importing this defines: shows a `.kq` file as `<img>` shows others, and plays
 * frames. It sends `load` and `error`, and decodes in a worker. */
import type { KqError, KqHeader } from "./kq.js";

export class KqImgElement extends HTMLElement {
  /** Where the picture is; as a property, absolute. */
  src: string;
  alt: string;
  /** In pixels; as a property, what the page shows. */
  get width(): number;
  set width(value: number | string);
  get height(): number;
  set height(value: number | string);
  /** `"lazy"` waits until the picture is near the window. */
  loading: string;
  crossOrigin: string | null;
  referrerPolicy: string;
  /** Plays frames at once, unless the user prefers reduced motion. */
  autoplay: boolean;
  /** Plays for ever; otherwise as often as the file says. */
  loop: boolean;
  /** A button that plays and pauses, and a slider. */
  controls: boolean;
  /** The attribute `max-pixels`: more are refused; 2^25 unless it is set. */
  maxPixels: number;
  readonly complete: boolean;
  readonly currentSrc: string;
  /** 0 until the header is there. */
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  /** Why the last file could not be shown, or null. */
  readonly error: KqError | Error | null;
  /** Of the file that is shown, or null. */
  readonly header: KqHeader | null;
  /** What is drawn on: for `drawImage`, `toBlob` and the like. */
  readonly canvas: HTMLCanvasElement;
  readonly paused: boolean;
  /** Counted from 0; setting it pauses there. */
  currentFrame: number;
  play(): void;
  pause(): void;
  /** Loads the picture, wherever the element is; resolves once it, or its first frame, is there,
   * and rejects with why it isn't. */
  decode(): Promise<void>;
}

declare global {
  interface HTMLElementTagNameMap {
    "kq-img": KqImgElement;
  }
}

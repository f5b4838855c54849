/** How late the event loop is. Handlers and requests share it, so a scrape cannot be answered while it is blocked, only afterwards. */

const BEAT_MS = 1000;
const BEATS = 60;

/** Remembers the delays of a timer for a minute. */
export class LoopLag {
  readonly #delays: number[] = [];
  #due = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly beatMs: number = BEAT_MS) {}

  /** Begin to measure. */
  start(): void {
    this.#due = performance.now() + this.beatMs;
    this.#timer = setTimeout(() => {
      this.#delays.push(this.#late());
      if (this.#delays.length > BEATS) this.#delays.shift();
      this.start();
    }, this.beatMs);
    // A measurement keeps no process alive.
    this.#timer.unref();
  }

  /** End it, and forget. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#due = Number.POSITIVE_INFINITY;
    this.#delays.length = 0;
  }

  /** The longest delay, in seconds. */
  get seconds(): number {
    return Math.max(this.#late(), ...this.#delays) / 1000;
  }

  /** By how many milliseconds the timer is late now. */
  #late(): number {
    return Math.max(0, performance.now() - this.#due);
  }
}

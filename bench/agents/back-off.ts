const longestMs = 300_000;
const healthyMs = 60_000;

/** How long a host waits before it tries again, as PROTOCOL.md says under "Coming back". */
export class BackOff {
  readonly #random: () => number;
  #failures = 0;
  #openedAt: number | null = null;
  #spreadMs = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  opened(now: number, spreadMs: number): void {
    this.#openedAt = now;
    this.#spreadMs = spreadMs;
  }

  /** A connection ended, or was never made. `leastMs`: what the controller asked for. Returns the wait, milliseconds. */
  lost(now: number, {retry, leastMs}: {retry: boolean; leastMs: number}): number {
    const wasOpen = this.#openedAt !== null;
    if (this.#openedAt !== null && now - this.#openedAt >= healthyMs) this.#failures = 0;
    this.#openedAt = null;
    if (!retry) return longestMs;
    const span =
      wasOpen && this.#failures === 0 ? this.#spreadMs : Math.min(longestMs, 1000 * 2 ** Math.min(this.#failures, 9));
    this.#failures++;
    return leastMs + this.#random() * span;
  }
}

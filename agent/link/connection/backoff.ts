import type {Clock} from '../clock.ts';
import {isWorthRetrying, type LinkProblem} from '../problem.ts';

/** PROTOCOL.md, "Coming back". Milliseconds. */
const longestMs = 300_000;
const stepMs = 1000;
const healthyMs = 60_000;

/** How a try, or the session that it led to, ended. */
export type Ended = {
  problem: LinkProblem;
  /** How long the session was open, null when it never was. */
  openMs: number | null;
  /** What the last `welcome` said. */
  spreadMs: number;
  /** What `drain` said, null without one. */
  drainMs: number | null;
};

/** Says how long to wait before the next try. `random` gives numbers in [0, 1). */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  delayAfter({problem, openMs, spreadMs, drainMs}: Ended): number {
    if (openMs !== null && openMs >= healthyMs) this.#failures = 0;
    else this.#failures++;
    if (!isWorthRetrying(problem.code)) return longestMs;
    const tries = this.#failures === 0 ? 0 : this.#random() * Math.min(longestMs, stepMs * 2 ** this.#failures);
    const spread = openMs === null ? 0 : this.#random() * spreadMs;
    return Math.max(tries, drainMs ?? spread, problem.retryAfterMs ?? 0);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** Lets through one thing each `intervalMs`. */
export class OncePer {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #last: number | null = null;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Milliseconds until the next may pass; 0: now. */
  waitMs(): number {
    return this.#last === null ? 0 : Math.max(0, this.#last + this.#intervalMs - this.#clock.monotonic());
  }

  pass(): boolean {
    if (this.waitMs() > 0) return false;
    this.#last = this.#clock.monotonic();
    return true;
  }
}

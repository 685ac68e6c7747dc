import type {Clock} from '../clock.ts';

/** Messages, pings among them: a controller has an acknowledgement a batch to say, and little else. */
const perSecond = 100;
const atOnce = 1000;

/** A bucket of tokens: how much a peer may still say. */
export class Allowance {
  readonly #clock: Clock;
  #left = atOnce;
  #at: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#at = clock.monotonic();
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(atOnce, this.#left + ((now - this.#at) / 1000) * perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

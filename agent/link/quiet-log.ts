import type {Log} from '../../controller/protocol/log.ts';
import type {Clock} from './clock.ts';
import type {LinkProblem} from './problem.ts';

/** Milliseconds after the first line of a trouble at which the next ones may come; the last goes on. */
const intervals = [60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000];

/**
 * Says a trouble once, then at growing intervals as long as it is the same. One that may pass by itself is a warning only
 * once it has lasted, and until then `info`.
 */
export class QuietLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #what: string;
  readonly #patienceMs: number;
  #code: string | null = null;
  #lines = 0;
  #unsaid = 0;
  #at = 0;
  /** Since when it is this trouble, and whether that was said as `info`. */
  #since = 0;
  #hinted = false;

  /** `what` is not going on: "cannot report to the controller". `patienceMs`: how long that is nothing to warn of, default 0. */
  constructor(log: Log, clock: Clock, what: string, patienceMs = 0) {
    this.#log = log;
    this.#clock = clock;
    this.#what = what;
    this.#patienceMs = patienceMs;
  }

  trouble({code, message}: LinkProblem): void {
    const now = this.#clock.monotonic();
    if (code !== this.#code) this.#begin(code, now);
    if (now - this.#since < this.#patienceMs) {
      if (!this.#hinted) this.#log('info', this.#what, {code, problem: message, times: 1});
      else this.#unsaid++;
      this.#hinted = true;
      return;
    }
    const interval = intervals[Math.min(this.#lines, intervals.length) - 1] ?? 0;
    if (this.#lines > 0 && now - this.#at < interval) {
      this.#unsaid++;
      return;
    }
    this.#lines++;
    this.#log('warning', this.#what, {code, problem: message, times: this.#unsaid + 1});
    this.#at = now;
    this.#unsaid = 0;
  }

  over(): void {
    this.#begin(null, 0);
  }

  #begin(code: string | null, now: number): void {
    this.#code = code;
    this.#since = now;
    this.#hinted = false;
    this.#lines = 0;
    if (code === null) this.#unsaid = 0;
  }
}

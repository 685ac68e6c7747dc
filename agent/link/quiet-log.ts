import type {Log} from '../../controller/protocol/log.ts';
import type {Clock} from './clock.ts';
import type {LinkProblem} from './problem.ts';

/** Milliseconds after the first line of a trouble at which the next ones may come; the last goes on. */
const intervals = [60_000, 5 * 60_000, 15 * 60_000, 60 * 60_000];

/** Says a trouble once, then at growing intervals as long as it is the same, and its end. */
export class QuietLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #what: string;
  #code: string | null = null;
  #lines = 0;
  #unsaid = 0;
  #at = 0;

  /** `what` is not going on: "cannot report to the controller". */
  constructor(log: Log, clock: Clock, what: string) {
    this.#log = log;
    this.#clock = clock;
    this.#what = what;
  }

  trouble({code, message}: LinkProblem): void {
    const now = this.#clock.monotonic();
    const interval = intervals[Math.min(this.#lines, intervals.length) - 1] ?? 0;
    if (code === this.#code && now - this.#at < interval) {
      this.#unsaid++;
      return;
    }
    this.#lines = code === this.#code ? this.#lines + 1 : 1;
    this.#log('warning', this.#what, {code, problem: message, times: this.#unsaid + 1});
    this.#code = code;
    this.#at = now;
    this.#unsaid = 0;
  }

  over(): void {
    this.#code = null;
    this.#lines = 0;
    this.#unsaid = 0;
  }
}

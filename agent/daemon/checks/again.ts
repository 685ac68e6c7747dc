import type {Clocks} from './clocks.ts';

type Entry = {
  waitMs: number /** By the monotonic clock; null: told, and not known yet how it went. */;
  dueAt: number | null;
};

/**
 * What did not work and is tried again by itself: after a first wait, then after twice as long each time. No host waits for
 * another here, so there is nothing to spread.
 */
export class Again {
  readonly #clocks: Clocks;
  readonly #longestMs: number;
  readonly #due: (keys: string[]) => void;
  readonly #entries = new Map<string, Entry>();
  #cancel = () => {};

  /** `due` is told all keys whose wait is over at once; each is then `later` or `over`. */
  constructor(clocks: Clocks, longestMs: number, due: (keys: string[]) => void) {
    this.#clocks = clocks;
    this.#longestMs = longestMs;
    this.#due = due;
  }

  /** It did not work: this time it waits `firstMs`, or twice as long as the last time if that is more. */
  later(key: string, firstMs: number): void {
    const before = this.#entries.get(key)?.waitMs ?? 0;
    const waitMs = Math.min(this.#longestMs, Math.max(firstMs, 2 * before));
    this.#entries.set(key, {waitMs, dueAt: this.#clocks.monotonic() + waitMs});
    this.#sleep();
  }

  /** It worked, or there is no point any more. */
  over(key: string): void {
    if (this.#entries.delete(key)) this.#sleep();
  }

  clear(): void {
    this.#cancel();
    this.#entries.clear();
  }

  #sleep(): void {
    this.#cancel();
    const dues = [...this.#entries.values()].flatMap(({dueAt}) => dueAt ?? []);
    if (dues.length === 0) return;
    const wait = Math.max(0, Math.ceil(Math.min(...dues) - this.#clocks.monotonic()));
    this.#cancel = this.#clocks.after(wait, () => this.#wake());
  }

  #wake(): void {
    const now = this.#clocks.monotonic();
    const due: string[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.dueAt === null || entry.dueAt > now) continue;
      entry.dueAt = null;
      due.push(key);
    }
    this.#sleep();
    if (due.length > 0) this.#due(due);
  }
}

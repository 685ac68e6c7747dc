import type {Clocks} from './clocks.ts';

export type Rate = {
  /** Passes at once. */ burst: number /** How long until one more is allowed, milliseconds. */;
  everyMs: number;
};

/** A token bucket: how much may happen at once, and how often after that. */
class Bucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: number;

  constructor(rate: Rate, now: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** Milliseconds until a token is there; 0 when there is one. */
  wait(now: number): number {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (now - this.#at) / this.#rate.everyMs);
    this.#at = now;
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#rate.everyMs);
  }

  take(): void {
    this.#tokens -= 1;
  }

  isFull(now: number): boolean {
    this.wait(now);
    return this.#tokens >= this.#rate.burst;
  }
}

/**
 * Lets keys through, each no more often than its rate, and all together no more often than another. What comes too often
 * waits and is let through once: the last change is never lost.
 */
export class Gate {
  readonly #clocks: Clocks;
  readonly #each: Rate;
  readonly #all: Bucket;
  readonly #open: (keys: string[]) => void;
  readonly #buckets = new Map<string, Bucket>();
  readonly #waiting = new Set<string>();
  #cancel: (() => void) | null = null;

  constructor(clocks: Clocks, {each, all}: {each: Rate; all: Rate}, open: (keys: string[]) => void) {
    this.#clocks = clocks;
    this.#each = each;
    this.#all = new Bucket(all, clocks.monotonic());
    this.#open = open;
  }

  push(keys: Iterable<string>): void {
    for (const key of keys) this.#waiting.add(key);
    this.#pass();
  }

  stop(): void {
    this.#cancel?.();
    this.#waiting.clear();
  }

  #pass(): void {
    this.#cancel?.();
    this.#cancel = null;
    const now = this.#clocks.monotonic();
    const waits = new Map([...this.#waiting].map(key => [key, this.#bucket(key, now).wait(now)]));
    const ready = [...waits.keys()].filter(key => waits.get(key) === 0);
    const wait = this.#all.wait(now);
    if (ready.length > 0 && wait === 0) {
      this.#all.take();
      for (const key of ready) {
        this.#bucket(key, now).take();
        this.#waiting.delete(key);
      }
      this.#open(ready);
    }
    this.#forgetFull(now);
    if (this.#waiting.size === 0) return;
    const next = Math.max(
      this.#all.wait(now),
      Math.min(...[...this.#waiting].map(key => this.#bucket(key, now).wait(now))),
    );
    this.#cancel = this.#clocks.after(Math.max(1, next), () => this.#pass());
  }

  #bucket(key: string, now: number): Bucket {
    const bucket = this.#buckets.get(key) ?? new Bucket(this.#each, now);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #forgetFull(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}

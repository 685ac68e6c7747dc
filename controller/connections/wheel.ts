/** What a wheel calls again and again: it says after how many milliseconds it wants to be called next, or null for never. */
export type Turn = (now: number) => number | null;

const slots = 256;
const slotMs = 500;

/**
 * One timer for all connections: a ring of slots of half a second each, so that ten thousand hosts cost no more than the
 * ones whose time has come. A turn may be half a second late; times beyond the ring are looked at once a round.
 */
export class Wheel {
  readonly #ring: Array<Map<Turn, number>> = Array.from({length: slots}, () => new Map());
  readonly #where = new Map<Turn, number>();
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #at: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#at = Math.floor(now() / slotMs);
    this.#timer = setInterval(() => this.advance(), slotMs);
    this.#timer.unref();
  }

  /** Puts a turn in, or moves one that is there. */
  set(turn: Turn, afterMs: number): void {
    this.remove(turn);
    const due = Math.max(this.#at + 1, Math.ceil((this.#now() + afterMs) / slotMs));
    const slot = Math.min(due, this.#at + slots - 1) % slots;
    (this.#ring[slot] as Map<Turn, number>).set(turn, due);
    this.#where.set(turn, slot);
  }

  remove(turn: Turn): void {
    const slot = this.#where.get(turn);
    if (slot === undefined) return;
    this.#ring[slot]?.delete(turn);
    this.#where.delete(turn);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** What the timer calls. */
  advance(): void {
    const now = this.#now();
    const end = Math.floor(now / slotMs);
    // After a suspended machine wakes up, one round reaches all.
    for (let step = Math.max(this.#at + 1, end - slots); step <= end; step++) {
      this.#at = step;
      const slot = this.#ring[step % slots] as Map<Turn, number>;
      for (const [turn, due] of [...slot]) {
        if (this.#where.get(turn) !== step % slots) continue;
        this.remove(turn);
        const next = due <= step ? turn(now) : (due - step) * slotMs;
        if (next !== null && !this.#where.has(turn)) this.set(turn, next);
      }
    }
  }
}

import type {Clocks} from '../../agent/daemon/checks/clocks.ts';

/** Time that stands until a test moves it; the clock of the wall can be set apart from the monotonic one. */
export class TestClocks implements Clocks {
  #wall: number;
  #monotonic = 1000;
  readonly #timers = new Set<{at: number; run: () => void}>();

  constructor(wall: string) {
    this.#wall = Date.parse(wall);
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, run: () => void): () => void {
    const timer = {at: this.#monotonic + ms, run};
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = [...this.#timers].filter(({at}) => at <= end).sort((a, b) => a.at - b.at)[0];
      this.#move(Math.max(0, (next?.at ?? end) - this.#monotonic));
      if (next === undefined) return;
      this.#timers.delete(next);
      next.run();
    }
  }

  /** Sets the clock of the wall, as date(1) does. */
  set(wall: string): void {
    this.#wall = Date.parse(wall);
  }

  #move(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
  }
}

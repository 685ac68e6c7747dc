/** So many a second on average, and at most `burst` at once. */
export class Bucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #level: number;
  #at: number;

  /** `now` is milliseconds of any clock that does not go back. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#level = burst;
    this.#at = now;
  }

  /** Takes one, or says no. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  /** Takes `amount` in any case; returns for how many milliseconds that was too much. */
  spend(amount: number, now: number): number {
    this.#fill(now);
    this.#level -= amount;
    return this.#level >= 0 ? 0 : (-this.#level / this.#perSecond) * 1000;
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#burst, this.#level + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}

/** How long a test waits for what must come; a busy machine is slow. */
const longMs = 30_000;

/** Things that come one after the other, kept, and awaited by whoever wants one. */
export class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  add(value: T): void {
    this.all.push(value);
    for (const check of [...this.#waiting]) check();
  }

  /** The first that fits, of those that came and of those that will; rejects after half a minute. */
  find<S extends T>(fits: (value: T) => value is S): Promise<S>;
  find(fits: (value: T) => boolean): Promise<T>;
  find(fits: (value: T) => boolean): Promise<T> {
    return until(
      () => this.all.find(fits),
      this.#waiting,
      () => `what was waited for did not come: ${JSON.stringify(this.all).slice(-2000)}`,
    );
  }

  /** Resolves when so many have come. */
  async count(wanted: number): Promise<void> {
    await until(
      () => (this.all.length >= wanted ? true : undefined),
      this.#waiting,
      () => `only ${this.all.length} of ${wanted} came`,
    );
  }
}

function until<T>(look: () => T | undefined, waiting: Set<() => void>, complaint: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const check = () => {
      const found = look();
      if (found === undefined) return;
      clearTimeout(timer);
      waiting.delete(check);
      resolve(found);
    };
    const timer = setTimeout(() => {
      waiting.delete(check);
      reject(new Error(complaint()));
    }, longMs);
    waiting.add(check);
    check();
  });
}

/** Looks again and again until there is something; for what tells nobody that it changed. */
export async function eventually<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
  const end = performance.now() + longMs;
  for (;;) {
    const found = look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

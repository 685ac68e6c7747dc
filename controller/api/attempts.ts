/** So many wrong tokens are answered at once; then one more each `refillMs`. */
const burst = 20;
const refillMs = 3_000;
/** Addresses that are remembered. A flood from more of them forgets the oldest, and costs no more memory. */
const maxAddresses = 10_000;

/** How many wrong tokens an address showed. The addresses of one IPv6 /64 are one, as one person has them all. */
export class FailedAttempts {
  readonly #full = new Map<string, number>();

  /** Milliseconds until the address may try again; 0 when it may now. */
  waitMs(remote: string, now: number): number {
    const full = this.#full.get(networkOf(remote));
    if (full === undefined) return 0;
    // A clock that went back must lock nobody out for longer than a whole refill.
    const debtMs = Math.min(full - now, burst * refillMs);
    return Math.max(0, debtMs - (burst - 1) * refillMs);
  }

  note(remote: string, now: number): void {
    const network = networkOf(remote);
    const full = Math.min(Math.max(this.#full.get(network) ?? 0, now), now + burst * refillMs) + refillMs;
    this.#full.delete(network);
    this.#full.set(network, full);
    const [oldest] = this.#full.keys();
    if (this.#full.size > maxAddresses && oldest !== undefined) this.#full.delete(oldest);
  }

  get size(): number {
    return this.#full.size;
  }
}

/** An IPv4 address as it is, also where IPv6 carries it; of an IPv6 address its first 64 bits. */
export function networkOf(address: string): string {
  const mapped = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [head = '', tail] = (address.split('%')[0] as string).toLowerCase().split('::');
  const [left, right] = [head, tail ?? ''].map(part => part.split(':').filter(group => group !== '')) as [
    string[],
    string[],
  ];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map(group => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

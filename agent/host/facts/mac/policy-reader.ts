/** What is wrong with a binary policy; caught where it is parsed. */
export class PolicyError extends Error {}

/**
 * Reads the little-endian numbers of an SELinux binary policy, every one checked against the end. The bytes come from
 * the host: counts are bounded by what is left before anything is done so many times.
 */
export class PolicyReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  /** A count of things that take at least `size` bytes each. */
  count(size: number): number {
    return this.bounded(this.u32(), size);
  }

  /** The same for a count that was read earlier. */
  bounded(count: number, size: number): number {
    this.#need(count * size);
    return count;
  }

  text(length: number): string {
    this.#need(length);
    const value = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#at, length).toString('latin1');
    this.#at += length;
    return value;
  }

  skip(length: number): void {
    this.#need(length);
    this.#at += length;
  }

  /** The numbers in an ebitmap (libsepol ebitmap.c): map size 64, high bit, count, then start bit and 64 bits each. */
  ebitmap(): number[] {
    const members: number[] = [];
    this.#nodes((start, low, high) => {
      for (let bit = 0; bit < 32; bit++) if ((low >>> bit) & 1) members.push(start + bit);
      for (let bit = 0; bit < 32; bit++) if ((high >>> bit) & 1) members.push(start + 32 + bit);
    });
    return members;
  }

  skipEbitmap(): void {
    this.#nodes(() => {});
  }

  #nodes(use: (start: number, low: number, high: number) => void): void {
    const mapSize = this.u32();
    const highBit = this.u32();
    if (mapSize !== 64) throw new PolicyError(`a bit map of ${mapSize} bits a node, 64 wanted`);
    const count = this.count(highBit === 0 ? 0 : 12);
    if (highBit === 0) return;
    let previous = -1;
    for (let node = 0; node < count; node++) {
      const start = this.u32();
      if (start <= previous || start % 64 !== 0 || start > highBit - 64)
        throw new PolicyError('a bit map whose nodes are out of order');
      previous = start;
      use(start, this.u32(), this.u32());
    }
  }

  #need(length: number): void {
    if (length > this.#bytes.byteLength - this.#at) throw new PolicyError('it ends too early');
  }
}

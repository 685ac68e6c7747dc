/** Numbers that look random and are the same at each run, so that a failing fuzz test fails again. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return limit => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0;
    return Math.floor((mixed / 2 ** 32) * limit);
  };
}

/** A copy of the bytes with one to eight small faults: bytes changed, numbers made huge, pieces cut or repeated. */
export function mutated(bytes: Buffer, below: (limit: number) => number): Buffer {
  let copy = Buffer.from(bytes);
  for (let faults = 1 + below(8); faults > 0 && copy.length > 8; faults--) {
    const at = below(copy.length - 4);
    const kind = below(5);
    if (kind === 0) copy[at] = below(256);
    else if (kind === 1) copy.writeUInt32BE([0, 1, 0x7fffffff, 0x80000000, 0xffffffff][below(5)] as number, at);
    else if (kind === 2) copy[at] = (copy[at] as number) ^ (1 << below(8));
    else if (kind === 3) copy = copy.subarray(0, at);
    else copy.copy(copy, at, below(copy.length), copy.length);
  }
  return copy;
}

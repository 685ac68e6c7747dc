/**
 * Whether this machine's turn for a phased update has not come: apt throws a die that is the same for all binaries of
 * a source version on one machine. Source: apt's upgrade.cc; std::seed_seq, std::minstd_rand and
 * std::uniform_int_distribution as libstdc++ has them.
 */
export function isPhasedAway({
  source,
  sourceVersion,
  percentage,
  machineId,
}: {
  source: string;
  sourceVersion: string;
  percentage: number;
  machineId: string;
}): boolean {
  const seed = [...Buffer.from(`${source}-${sourceVersion}-${machineId}`, 'latin1')].map(byte => (byte << 24) >> 24);
  return dieOf(seed) > percentage;
}

const modulus = 0x7fffffff;

/** A throw of 0 to 100. */
function dieOf(seed: number[]): number {
  let state = (seedSequence(seed, 4)[3] as number) % modulus;
  if (state === 0) state = 1;
  const range = modulus - 2;
  const scale = Math.floor(range / 101);
  for (;;) {
    state = Number((BigInt(state) * 48_271n) % BigInt(modulus));
    const thrown = state - 1;
    if (thrown < scale * 101) return Math.floor(thrown / scale);
  }
}

/** `count` words of std::seed_seq::generate, [rand.util.seedseq]. */
function seedSequence(seed: number[], count: number): number[] {
  const words = new Array<number>(count).fill(0x8b8b8b8b | 0);
  const size = seed.length;
  const tail = count >= 623 ? 11 : count >= 68 ? 7 : count >= 39 ? 5 : count >= 7 ? 3 : Math.floor((count - 1) / 2);
  const gap = Math.floor((count - tail) / 2);
  const other = gap + tail;
  const rounds = Math.max(size + 1, count);
  const at = (index: number) => words[((index % count) + count) % count] as number;
  const mixed = (value: number) => value ^ (value >>> 27);
  for (let k = 0; k < rounds; k++) {
    const first = Math.imul(1_664_525, mixed(at(k) ^ at(k + gap) ^ at(k - 1)));
    const second = (first + (k === 0 ? size : k <= size ? (k % count) + (seed[k - 1] as number) : k % count)) | 0;
    words[(k + gap) % count] = (at(k + gap) + first) | 0;
    words[(k + other) % count] = (at(k + other) + second) | 0;
    words[k % count] = second;
  }
  for (let k = rounds; k < rounds + count; k++) {
    const first = Math.imul(1_566_083_941, mixed((at(k) + at(k + gap) + at(k - 1)) | 0));
    const second = (first - (k % count)) | 0;
    words[(k + gap) % count] = at(k + gap) ^ first;
    words[(k + other) % count] = at(k + other) ^ second;
    words[k % count] = second;
  }
  return words.map(word => word >>> 0);
}

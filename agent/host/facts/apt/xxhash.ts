const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;

const rotate = (value: number, by: number) => (value << by) | (value >>> (32 - by));

/** XXH32 with seed 0 over pieces, the checksum of LZ4 frames. Source: xxhash_spec.md. */
export class XxHash32 {
  #lanes: [number, number, number, number] = [(prime1 + prime2) | 0, prime2 | 0, 0, -prime1 | 0];
  #rest = Buffer.alloc(16);
  #held = 0;
  #length = 0;

  update(bytes: Buffer): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(16 - this.#held, bytes.length);
      bytes.copy(this.#rest, this.#held, 0, at);
      this.#held += at;
      if (this.#held < 16) return;
      this.#stripes(this.#rest, 0, 16);
    }
    const end = bytes.length - ((bytes.length - at) % 16);
    this.#stripes(bytes, at, end);
    this.#held = bytes.copy(this.#rest, 0, end);
  }

  /** The checksum as an unsigned number. */
  digest(): number {
    const [a, b, c, d] = this.#lanes;
    let hash = this.#length >= 16 ? (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0 : prime5;
    hash = (hash + this.#length) | 0;
    let at = 0;
    for (; at + 4 <= this.#held; at += 4) {
      hash = Math.imul(rotate((hash + Math.imul(this.#rest.readInt32LE(at), prime3)) | 0, 17), prime4);
    }
    for (; at < this.#held; at++) {
      hash = Math.imul(rotate((hash + Math.imul(this.#rest[at] as number, prime5)) | 0, 11), prime1);
    }
    hash = Math.imul(hash ^ (hash >>> 15), prime2);
    hash = Math.imul(hash ^ (hash >>> 13), prime3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #stripes(bytes: Buffer, start: number, end: number): void {
    let [a, b, c, d] = this.#lanes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = start; at < end; at += 16) {
      a = Math.imul(rotate((a + Math.imul(view.getInt32(at, true), prime2)) | 0, 13), prime1);
      b = Math.imul(rotate((b + Math.imul(view.getInt32(at + 4, true), prime2)) | 0, 13), prime1);
      c = Math.imul(rotate((c + Math.imul(view.getInt32(at + 8, true), prime2)) | 0, 13), prime1);
      d = Math.imul(rotate((d + Math.imul(view.getInt32(at + 12, true), prime2)) | 0, 13), prime1);
    }
    this.#lanes = [a, b, c, d];
  }
}

export function xxHash32(bytes: Buffer): number {
  const hash = new XxHash32();
  hash.update(bytes);
  return hash.digest();
}

import {XxHash32, xxHash32} from './xxhash.ts';

const frameMagic = 0x184d2204;
const skippableMagic = 0x184d2a50;
const windowBytes = 64 * 1024;

type Frame = {
  blockMaxBytes: number;
  linked: boolean;
  blockChecksums: boolean;
  contentSize: number | null;
  checksum: XxHash32 | null;
  size: number;
};

/**
 * Unpacks LZ4 frames piece by piece: 64 KiB of window and one block are held, whatever the file's size. Every length
 * and offset is checked, and every checksum that the frame has. Throws an Error for damaged input.
 * Source: lz4_Frame_format.md, lz4_Block_format.md.
 */
export class Lz4Decoder {
  readonly #emit: (chunk: Buffer) => void;
  #input = Buffer.alloc(0);
  #frame: Frame | null = null;
  /** The window stands before the block that is being unpacked. */
  #output = Buffer.alloc(0);
  #window = 0;
  #skip = 0;
  #frames = 0;

  /** `emit` gets each unpacked block; it is valid during the call only. */
  constructor(emit: (chunk: Buffer) => void) {
    this.#emit = emit;
  }

  push(chunk: Buffer): void {
    let input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    for (;;) {
      const used =
        this.#skip > 0 ? this.#skipBytes(input) : this.#frame === null ? this.#header(input) : this.#block(input);
      if (used === 0) break;
      input = input.subarray(used);
    }
    this.#input = Buffer.from(input);
  }

  end(): void {
    if (this.#frame !== null || this.#skip > 0 || this.#input.length > 0)
      throw new Error('the LZ4 data ends too early');
    if (this.#frames === 0) throw new Error('there is no LZ4 frame');
  }

  #skipBytes(input: Buffer): number {
    const count = Math.min(this.#skip, input.length);
    this.#skip -= count;
    return count;
  }

  /** The bytes that the header takes, or 0 while it is not complete. */
  #header(input: Buffer): number {
    if (input.length < 7) return 0;
    const magic = input.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      if (input.length < 8) return 0;
      this.#skip = input.readUInt32LE(4);
      this.#frames++;
      return 8;
    }
    if (magic !== frameMagic) throw new Error('not an LZ4 frame');
    const [flags, descriptor] = [input[4] as number, input[5] as number];
    if (flags >> 6 !== 1) throw new Error(`unknown version ${flags >> 6} of the LZ4 frame format`);
    if ((flags & 0b10) !== 0 || (descriptor & 0x8f) !== 0)
      throw new Error('reserved bits are set in the LZ4 frame header');
    if ((flags & 0b1) !== 0) throw new Error('the LZ4 frame needs a dictionary');
    const sizeCode = descriptor >> 4;
    if (sizeCode < 4) throw new Error('the LZ4 frame has an unknown block size');
    const length = (flags & 0b1000) !== 0 ? 15 : 7;
    if (input.length < length) return 0;
    if (((xxHash32(input.subarray(4, length - 1)) >> 8) & 0xff) !== input[length - 1])
      throw new Error('the LZ4 frame header is damaged');
    const blockMaxBytes = 1 << (8 + 2 * sizeCode);
    this.#frame = {
      blockMaxBytes,
      linked: (flags & 0b10_0000) === 0,
      blockChecksums: (flags & 0b1_0000) !== 0,
      contentSize: length === 15 ? Number(input.readBigUInt64LE(6)) : null,
      checksum: (flags & 0b100) !== 0 ? new XxHash32() : null,
      size: 0,
    };
    this.#frames++;
    this.#window = 0;
    if (this.#output.length !== windowBytes + blockMaxBytes)
      this.#output = Buffer.allocUnsafe(windowBytes + blockMaxBytes);
    return length;
  }

  #block(input: Buffer): number {
    const frame = this.#frame as Frame;
    if (input.length < 4) return 0;
    const word = input.readUInt32LE(0);
    if (word === 0) return this.#endMark(input, frame);
    const stored = word >>> 31 === 1;
    const size = word & 0x7fffffff;
    if (size > frame.blockMaxBytes) throw new Error(`an LZ4 block of ${size} bytes is larger than the frame allows`);
    const length = 4 + size + (frame.blockChecksums ? 4 : 0);
    if (input.length < length) return 0;
    const block = input.subarray(4, 4 + size);
    if (frame.blockChecksums && xxHash32(block) !== input.readUInt32LE(4 + size))
      throw new Error('an LZ4 block is damaged');
    const start = this.#window;
    const end = stored
      ? start + block.copy(this.#output, start)
      : unpackBlock(block, this.#output, start, start + frame.blockMaxBytes);
    const unpacked = this.#output.subarray(start, end);
    frame.checksum?.update(unpacked);
    frame.size += unpacked.length;
    this.#emit(unpacked);
    this.#window = frame.linked ? Math.min(end, windowBytes) : 0;
    if (frame.linked) this.#output.copyWithin(0, end - this.#window, end);
    return length;
  }

  #endMark(input: Buffer, frame: Frame): number {
    const length = frame.checksum === null ? 4 : 8;
    if (input.length < length) return 0;
    if (frame.checksum !== null && frame.checksum.digest() !== input.readUInt32LE(4))
      throw new Error('the LZ4 data is damaged: its checksum differs');
    if (frame.contentSize !== null && frame.contentSize !== frame.size)
      throw new Error('the LZ4 data is damaged: its size differs');
    this.#frame = null;
    return length;
  }
}

/** Unpacks one block into `output` from `start`; what stands before it is the window. Gives where it ended. */
function unpackBlock(input: Buffer, output: Buffer, start: number, limit: number): number {
  const end = input.length;
  let from = 0;
  let to = start;
  while (from < end) {
    const token = input[from++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (from >= end) throw new Error('an LZ4 block is damaged: a length is cut off');
        more = input[from++] as number;
        literals += more;
      }
    }
    if (from + literals > end || to + literals > limit) throw new Error('an LZ4 block is damaged: literals overrun it');
    if (literals > 32) {
      input.copy(output, to, from, from + literals);
      to += literals;
      from += literals;
    } else for (const stop = to + literals; to < stop; ) output[to++] = input[from++] as number;
    if (from === end) return to;
    if (from + 2 > end) throw new Error('an LZ4 block is damaged: an offset is cut off');
    const offset = (input[from] as number) | ((input[from + 1] as number) << 8);
    from += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let more = 255;
      while (more === 255) {
        if (from >= end) throw new Error('an LZ4 block is damaged: a length is cut off');
        more = input[from++] as number;
        length += more;
      }
    }
    if (offset === 0 || offset > to || to + length > limit)
      throw new Error('an LZ4 block is damaged: a match lies outside');
    if (offset >= length && length > 32) {
      output.copyWithin(to, to - offset, to - offset + length);
      to += length;
    } else for (const stop = to + length; to < stop; to++) output[to] = output[to - offset] as number;
  }
  throw new Error('an LZ4 block is damaged: it ends without literals');
}

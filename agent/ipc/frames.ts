import {parseJson} from '../../controller/protocol/codec.ts';

/** One message on a local socket: its length (u32, big-endian), then JSON. Longer ones end the connection. */
export const maxFrameBytes = 1024 * 1024;
const headBytes = 4;

export function encodeFrame(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  if (body.length > maxFrameBytes)
    throw new RangeError(`a frame has at most ${maxFrameBytes} bytes, not ${body.length}`);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Cuts what a socket gives into messages. Keeps at most one unfinished frame. */
export class FrameReader {
  readonly #maxBytes: number;
  #pending = Buffer.alloc(0);

  /** `maxBytes`: what the longest message of this peer can have. */
  constructor(maxBytes: number = maxFrameBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a message began that is not whole yet. */
  get isInFrame(): boolean {
    return this.#pending.length > 0;
  }

  /** The values that are whole now, or why the connection must end. */
  push(chunk: Uint8Array): {ok: true; values: unknown[]} | {ok: false; reason: string} {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const values: unknown[] = [];
    while (this.#pending.length >= headBytes) {
      const length = this.#pending.readUInt32BE();
      if (length > this.#maxBytes)
        return {ok: false, reason: `a frame of ${length} bytes: ${this.#maxBytes} are allowed`};
      if (this.#pending.length < headBytes + length) break;
      const value = parseJson(this.#pending.toString('utf8', headBytes, headBytes + length));
      if (value === undefined) return {ok: false, reason: 'a frame that is no JSON'};
      values.push(value);
      this.#pending = this.#pending.subarray(headBytes + length);
    }
    return {ok: true, values};
  }
}

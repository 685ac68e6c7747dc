import type {KeyObject} from 'node:crypto';
import {constants, zstdCompressSync, zstdDecompressSync} from 'node:zlib';
import type {Static, TObject, TSchema} from 'typebox';
import {type Batch, batchType, isBatch} from './batch.ts';
import type {CloseName} from './close-codes.ts';
import {limits} from './limits.ts';
import {hasShape} from './shape.ts';
import {preAuthEncoding, signEd25519, verifyEd25519} from './signing.ts';

/** Bytes of a peer to a typed value, or which refusal they earn. Never throws. */
export type Decoded<T> = {ok: true; value: T} | {ok: false; code: CloseName; reason: string};

const refused = (code: CloseName, reason: string): Decoded<never> => ({ok: false, code, reason});

/** Writes a message as the text of one frame. */
export const encodeMessage = (message: {t: string; b: unknown}): string =>
  JSON.stringify({v: 1, t: message.t, b: message.b});

/** Reads the text of one frame as one of the messages of `schemas` (`fromHost` or `fromController`). */
export function decodeMessage<S extends {[name: string]: TObject}>(
  schemas: S,
  text: string,
): Decoded<{[N in keyof S & string]: {t: N; b: Static<S[N]>}}[keyof S & string]> {
  if (text.length > limits.frame) return refused('TOO_LARGE', `a frame has at most ${limits.frame} bytes`);
  const value = parseJson(text);
  if (!isRecord(value)) return refused('PROTOCOL', 'a frame is a JSON object');
  if (value.v !== 1) return refused('PROTOCOL', 'v is 1');
  const {t, b} = value;
  const schema = typeof t === 'string' && Object.hasOwn(schemas, t) ? schemas[t] : undefined;
  if (schema === undefined) return refused('PROTOCOL', 'unknown message');
  return hasShape(schema as TSchema, b)
    ? ({ok: true, value: {t, b}} as never)
    : refused('PROTOCOL', `the body of "${t}" has not its shape`);
}

/** A signed batch as it travels. */
export type SealedBatch = {epoch: number; from: number; to: number; payload: Buffer; signature: Buffer};

/** zstd's level for batches: 200 findings come to 4.3 KB at 9 and 5.0 KB at 3. */
const level = 9;
const compress = (bytes: Uint8Array) => zstdCompressSync(bytes, {params: {[constants.ZSTD_c_compressionLevel]: level}});

/** Compresses and signs. Throws a RangeError when the batch is over its limit: the caller made it too long. */
export function sealBatch(value: Batch, key: KeyObject): SealedBatch {
  const plain = Buffer.from(JSON.stringify(value), 'utf8');
  if (plain.length > limits.batch)
    throw new RangeError(`a batch has at most ${limits.batch} bytes, not ${plain.length}`);
  const payload = compress(plain);
  const {epoch, from, to} = value;
  return {epoch, from, to, payload, signature: signEd25519(preAuthEncoding(batchType, payload), key)};
}

/** Checks the signature first, then size, shape and order; only then does anybody read what a batch says. */
export function openBatch(sealed: SealedBatch, agent: string, key: KeyObject): Decoded<Batch> {
  if (!verifyEd25519(preAuthEncoding(batchType, sealed.payload), sealed.signature, key))
    return refused('UNAUTHENTICATED', 'the signature of the batch is not right');
  const plain = decompress(sealed.payload, limits.batch);
  if (plain === null) return refused('TOO_LARGE', `a batch is a zstd frame of at most ${limits.batch} bytes`);
  const value = parseJson(plain.toString('utf8'));
  if (!isBatch(value)) return refused('PROTOCOL', 'the batch has not its shape');
  const {epoch, from, to, items} = value;
  if (value.agent !== agent || epoch !== sealed.epoch || from !== sealed.from || to !== sealed.to)
    return refused('PROTOCOL', 'the batch says something else than its envelope');
  const ordered = items.every(({n}, index) => n >= from && n <= to && (index === 0 || n > (items[index - 1]?.n ?? 0)));
  if (from > to || from < 1 || !ordered) return refused('PROTOCOL', 'the numbers of the batch are not in order');
  return {ok: true, value};
}

/** A document, ready to travel. */
export const packDocument = (plain: Uint8Array): Buffer => compress(plain);

/** The plain bytes of a zstd frame, or null when it is none or holds more than `maxBytes`. */
export function decompress(bytes: Uint8Array, maxBytes: number): Buffer | null {
  try {
    return zstdDecompressSync(bytes, {maxOutputLength: maxBytes});
  } catch {
    return null;
  }
}

/** JSON to a value; undefined when it is none or nested deeper than `limits.depth`. */
export function parseJson(text: string): unknown {
  if (isDeeperThan(text, limits.depth)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Counts brackets outside strings, before anything is built from them. */
function isDeeperThan(text: string, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index);
    if (inString) {
      if (char === 92) index++;
      else if (char === 34) inString = false;
    } else if (char === 34) inString = true;
    else if (char === 123 || char === 91) {
      if (++depth > max) return true;
    } else if (char === 125 || char === 93) depth--;
  }
  return false;
}

const isRecord = (value: unknown): value is {[key: string]: unknown} =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

import {createHash} from 'node:crypto';
import type {Readable} from 'node:stream';
import {createGunzip, createZstdDecompress} from 'node:zlib';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {XmlError, type XmlHandler, XmlReader} from './xml.ts';

/** One file that repomd.xml names, at its place in the cache. */
export type RepodataFile = {
  type: string;
  path: string;
  checksum: {algorithm: string; hex: string} | null;
  timestampMs: number | null;
};
export type Repomd = {
  path: string;
  /** The newest timestamp of its files, else the revision where that is a time. Milliseconds. */
  releasedMs: number | null;
  /** When this machine fetched it or last found it still right. */
  fetchedMs: number;
  files: Map<string, RepodataFile>;
};

const maxRepomdBytes = 4 * 1024 * 1024;
const maxCompressedBytes = 256 * 1024 * 1024;
const maxPlainBytes = 768 * 1024 * 1024;
const algorithms = new Map([
  ['sha', 'sha1'],
  ['sha1', 'sha1'],
  ['sha224', 'sha224'],
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
]);

/** Reads `directory`/repodata/repomd.xml of a cached repository. */
export async function readRepomd(host: Host, directory: string): Promise<Look<Repomd>> {
  const path = `${directory}/repodata/repomd.xml`;
  const file = await host.fs.readFile(path, {maxBytes: maxRepomdBytes});
  if (!file.ok) return file;
  if (file.value.truncated)
    return failed('unsupported', `cannot read ${path}: it is larger than ${maxRepomdBytes} bytes`);
  const handler = new RepomdHandler(directory);
  try {
    const reader = new XmlReader(handler);
    reader.write(new TextDecoder('utf-8', {fatal: true}).decode(file.value.bytes));
    reader.end();
  } catch (error) {
    return failed('io', `cannot read ${path}: ${problemOf(error)}`);
  }
  const stamps = [...handler.files.values()].flatMap(({timestampMs}) => timestampMs ?? []);
  const releasedMs = stamps.length > 0 ? Math.max(...stamps) : asTime(handler.revision);
  const primary = handler.files.get('primary');
  const stat = primary === undefined ? null : await host.fs.stat(primary.path);
  const fetchedMs = Math.max(file.value.stat.modifiedMs, stat?.ok ? stat.value.modifiedMs : 0);
  return looked({path, releasedMs, fetchedMs, files: handler.files});
}

class RepomdHandler implements XmlHandler {
  readonly files = new Map<string, RepodataFile>();
  revision = '';
  readonly #directory: string;
  #current: RepodataFile | null = null;
  #algorithm = '';

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(name: string, attributes: () => Map<string, string>, depth: number): boolean {
    if (depth === 1 && name !== 'repomd') throw new XmlError('it is not a repomd file');
    if (depth === 2 && name === 'data')
      this.#current = {type: attributes().get('type') ?? '', path: '', checksum: null, timestampMs: null};
    if (depth === 3 && this.#current !== null) {
      // Only the name counts: the cache keeps all files in one folder, and a path must not lead out of it.
      if (name === 'location')
        this.#current.path = `${this.#directory}/repodata/${(attributes().get('href') ?? '').replace(/^.*\//s, '')}`;
      if (name === 'checksum') this.#algorithm = attributes().get('type') ?? '';
    }
    return (depth === 2 && name === 'revision') || (depth === 3 && (name === 'checksum' || name === 'timestamp'));
  }

  close(name: string, text: string, depth: number): void {
    if (depth === 2 && name === 'revision') this.revision = text.trim();
    if (depth === 2 && name === 'data' && this.#current !== null) {
      this.files.set(this.#current.type, this.#current);
      this.#current = null;
      if (this.files.size > 100) throw new XmlError('it names too many files');
    }
    if (depth !== 3 || this.#current === null) return;
    const algorithm = algorithms.get(this.#algorithm);
    if (name === 'checksum' && algorithm !== undefined)
      this.#current.checksum = {algorithm, hex: text.trim().toLowerCase()};
    if (name === 'timestamp') this.#current.timestampMs = asTime(text.trim());
  }
}

/** Seconds since the epoch as text, if it can be one: revisions may also be plain counters. */
function asTime(text: string): number | null {
  const seconds = /^\d{9,11}(?:\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  return seconds > 500_000_000 ? Math.floor(seconds) * 1000 : null;
}

/** Reads one repository file through `handler`. Fails when it is not what repomd.xml promised. */
export async function readRepodata(host: Host, file: RepodataFile, handler: XmlHandler): Promise<Look<null>> {
  const reader = new XmlReader(handler);
  const read = await readPieces(host, file, text => reader.write(text));
  if (!read.ok) return read;
  try {
    reader.end();
    return looked(null);
  } catch (error) {
    return failed('io', `cannot read ${file.path}: ${problemOf(error)}`);
  }
}

/** The file's text, unpacked, in pieces. What `use` throws as XmlError ends reading and is the reason. */
export async function readPieces(
  host: Host,
  {path, checksum}: RepodataFile,
  use: (text: string) => void,
): Promise<Look<null>> {
  const read = await host.fs.readFile(path, {maxBytes: maxCompressedBytes});
  if (!read.ok) return read;
  const {bytes, truncated} = read.value;
  if (truncated)
    return failed('unsupported', `cannot read ${path}: it is larger than ${maxCompressedBytes / 1024 / 1024} MiB`);
  if (checksum !== null && createHash(checksum.algorithm).update(bytes).digest('hex') !== checksum.hex) {
    return failed('io', `cannot read ${path}: its ${checksum.algorithm} is not the one in repomd.xml`);
  }
  const source = await unpacked(host, path, bytes);
  if ('reason' in source) return failed('unsupported', source.reason);
  const decoder = new TextDecoder('utf-8', {fatal: true});
  let total = 0;
  try {
    for await (const piece of source.pieces) {
      total += piece.length;
      if (total > maxPlainBytes)
        return failed(
          'unsupported',
          `cannot read ${path}: unpacked it is larger than ${maxPlainBytes / 1024 / 1024} MiB`,
        );
      use(decoder.decode(piece, {stream: true}));
    }
    use(decoder.decode());
    return looked(null);
  } catch (error) {
    return failed('io', `cannot read ${path}: ${problemOf(error)}`);
  }
}

/** xz and bzip2 are not in Node; the machine's own tools unpack them, which an image cannot be asked for. */
const unpackers = new Map([
  ['.xz', '/usr/bin/xz'],
  ['.bz2', '/usr/bin/bzip2'],
]);
const maxUnpackedByTool = 256 * 1024 * 1024;

async function unpacked(
  host: Host,
  path: string,
  bytes: Buffer,
): Promise<{pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>} | {reason: string}> {
  const ending = /\.[a-z0-9]+$/.exec(path)?.[0] ?? '';
  if (ending === '.gz') return {pieces: streamThrough(createGunzip(), bytes)};
  if (ending === '.zst') return {pieces: streamThrough(createZstdDecompress(), bytes)};
  if (ending === '.xml' || ending === '.yaml') return {pieces: [bytes]};
  const tool = unpackers.get(ending);
  if (tool === undefined) return {reason: `cannot read ${path}: reeve does not unpack ${ending || 'such'} files`};
  const result = await host.run([tool, '-dc', path], {timeoutMs: 30_000, maxBytes: maxUnpackedByTool});
  return result.failed ? {reason: `cannot read ${path}: ${result.reason}`} : {pieces: [Buffer.from(result.stdout)]};
}

function streamThrough(stream: Readable & NodeJS.WritableStream, bytes: Buffer): AsyncIterable<Uint8Array> {
  stream.end(bytes);
  return stream;
}

function problemOf(error: unknown): string {
  if (error instanceof XmlError) return error.message;
  if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return 'it is not in UTF-8';
  return `it is damaged (${error instanceof Error ? error.message : String(error)})`;
}

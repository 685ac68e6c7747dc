import {Buffer} from 'node:buffer';
import type {Transform} from 'node:stream';
import {createGunzip, createZstdDecompress} from 'node:zlib';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {Lz4Decoder} from './lz4.ts';

/** The endings under which apt keeps an index, in the order in which a missing one is looked for. */
export const packedEndings = ['', '.lz4', '.gz', '.zst', '.xz', '.bz2'] as const;

/** Unpacked bytes of one index: Debian's main has 50 MB. More is not believed. */
const maxUnpackedBytes = 512 * 1024 * 1024;
const programs = new Map<string, [string, ...string[]]>([
  ['.xz', ['/usr/bin/xz', '--decompress', '--stdout', '--']],
  ['.bz2', ['/usr/bin/bzip2', '--decompress', '--stdout', '--']],
]);

/**
 * Reads an index that may be packed, and hands it over unpacked, piece by piece. Damaged data, and a `use` that throws,
 * are a failed look. xz and bzip2, which Node cannot unpack, need the program on a running machine.
 */
export async function readPacked(host: Host, path: string, use: (chunk: Buffer) => void): Promise<Look<null>> {
  let total = 0;
  const count = (chunk: Buffer) => {
    total += chunk.length;
    if (total > maxUnpackedBytes) throw new Error(`it unpacks to more than ${maxUnpackedBytes} bytes`);
    use(chunk);
  };
  const ending = packedEndings.findLast(candidate => path.endsWith(candidate)) ?? '';
  const program = programs.get(ending);
  if (program !== undefined) return runUnpacker(host, path, program, count);
  const unpacker =
    ending === '.lz4'
      ? lz4(count)
      : ending === '.gz'
        ? piped(createGunzip(), count)
        : ending === '.zst'
          ? piped(createZstdDecompress(), count)
          : plain(count);
  const file = await host.fs.readChunks(path, unpacker.push);
  try {
    await unpacker.end(!file.ok);
  } catch (error) {
    if (file.ok) return failed('io', `cannot unpack ${path}: ${messageOf(error)}`);
  }
  if (!file.ok) return file;
  return file.value.truncated ? failed('io', `cannot read all of ${path}: it is too large`) : looked(null);
}

type Unpacker = {push: (chunk: Buffer) => void | Promise<void>; end: (failed: boolean) => void | Promise<void>};

const plain = (use: (chunk: Buffer) => void): Unpacker => ({push: use, end: () => {}});

function lz4(use: (chunk: Buffer) => void): Unpacker {
  const decoder = new Lz4Decoder(use);
  return {push: chunk => decoder.push(chunk), end: failed => (failed ? undefined : decoder.end())};
}

/** Waits for each piece to be unpacked before the next, so that neither side piles up. */
function piped(stream: Transform, use: (chunk: Buffer) => void): Unpacker {
  let broken: Error | null = null;
  const ended = new Promise<void>(resolve => stream.once('close', resolve));
  stream.on('error', error => {
    broken ??= error;
  });
  stream.on('data', (chunk: Buffer) => {
    if (broken !== null) return;
    try {
      use(chunk);
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  return {
    push: async chunk => {
      // A stream that breaks never calls a write back, but it always closes.
      const written = new Promise<void>(resolve => stream.write(Buffer.from(chunk), () => resolve()));
      await Promise.race([written, ended]);
      if (broken !== null) throw broken;
    },
    end: async failed => {
      if (failed) stream.destroy();
      else stream.end();
      await ended;
      if (broken !== null) throw broken;
    },
  };
}

async function runUnpacker(
  host: Host,
  path: string,
  argv: [string, ...string[]],
  use: (chunk: Buffer) => void,
): Promise<Look<null>> {
  const result = await host.run([...argv, path], {timeoutMs: 60_000, maxBytes: maxUnpackedBytes});
  if (result.failed) return failed('unsupported', `cannot unpack ${path}: ${result.reason}`);
  try {
    use(Buffer.from(result.stdout, 'utf8'));
    return looked(null);
  } catch (error) {
    return failed('io', `cannot unpack ${path}: ${messageOf(error)}`);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

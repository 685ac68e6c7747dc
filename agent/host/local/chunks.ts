import {closeSync, fstatSync, readSync} from 'node:fs';
import type {ChunkOptions, HostFile} from '../host.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import {openForReading} from './read.ts';
import {Elsewhere, type Opened} from './resolve.ts';
import {fileType, hostStat} from './stat.ts';

const defaultChunkBytes = 256 * 1024;
const defaultMaxBytes = 256 * 1024 * 1024;

/**
 * Hands an opened file over in chunks that share one buffer, and closes it. Once a chunk was handed out a change of the
 * file cannot be hidden by reading again, so it fails as `changed`. Throws {@link Elsewhere} alone.
 */
export async function readChunksOf(
  path: string,
  open: () => Opened,
  use: (chunk: Buffer) => void | Promise<void>,
  {chunkBytes = defaultChunkBytes, maxBytes = defaultMaxBytes}: ChunkOptions = {},
): Promise<Look<Omit<HostFile, 'bytes'> & {size: number}>> {
  const doing = `read ${path}`;
  const descriptors: number[] = [];
  try {
    const opened = open();
    descriptors.push(opened.fd);
    const type = fileType(opened.stats);
    if (type !== 'file') return failed('wrong-type', `cannot ${doing}: it is a ${type}, not a regular file`);
    const fd = openForReading(opened.fd);
    descriptors.push(fd);
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, maxBytes));
    let size = 0;
    let truncated = false;
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) break;
      truncated = size + count > maxBytes;
      const wanted = buffer.subarray(0, Math.min(count, maxBytes - size));
      size += wanted.length;
      if (wanted.length > 0) await use(wanted);
      if (truncated) break;
    }
    const after = fstatSync(fd);
    if (after.size !== opened.stats.size || after.mtimeMs !== opened.stats.mtimeMs) {
      return failed('changed', `cannot ${doing}: it changed while it was read`);
    }
    return looked({size, truncated, stat: hostStat(after)});
  } catch (error) {
    if (error instanceof Elsewhere) throw error;
    return lookError(doing, error);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

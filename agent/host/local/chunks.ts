import {closeSync, constants, fstatSync, openSync, readSync} from 'node:fs';
import type {ChunkOptions, HostFile} from '../host.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import {fileType, hostStat} from './fs.ts';
import type {Opened} from './resolve.ts';

const defaultChunkBytes = 256 * 1024;
const defaultMaxBytes = 256 * 1024 * 1024;

/**
 * Hands an opened file over in chunks that share one buffer, and closes it. Once a chunk was handed out a change of the
 * file cannot be hidden by reading again, so it fails as `changed`.
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
    const fd = openSync(`/proc/self/fd/${opened.fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
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
    return lookError(doing, error);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

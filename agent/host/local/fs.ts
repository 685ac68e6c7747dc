import type {DirectFs} from '../direct.ts';
import type {ChunkOptions, HostFile, HostFs} from '../host.ts';
import {type Look, lookError, looked} from '../look.ts';
import {readChunksOf} from './chunks.ts';
import {directFs} from './direct.ts';
import {Mounts} from './mounts.ts';
import {native as builtNative, type Native} from './native.ts';
import {Elsewhere, Resolver} from './resolve.ts';
import {SlowReader} from './slow.ts';
import {walkLocal} from './walk.ts';

/** What of a file on a mount that may never answer is read at most, when it is wanted in chunks. */
const maxSlowChunks = 16 * 1024 * 1024;

/**
 * Looks at this machine's files below `root` (`/` for the machine itself). Mounts that may never answer are looked at
 * in another process, so that none of this waits for longer than that process is given.
 */
export function localFs(root: string, native: Native | null = builtNative): HostFs {
  const mounts = new Mounts();
  const resolver = new Resolver(root, mounts);
  const direct = directFs(resolver, native);
  const slow = new SlowReader();
  const look = async <M extends keyof DirectFs>(
    method: M,
    ...args: Parameters<DirectFs[M]>
  ): Promise<ReturnType<DirectFs[M]>> => {
    try {
      return (direct[method] as (...rest: Parameters<DirectFs[M]>) => ReturnType<DirectFs[M]>)(...args);
    } catch (error) {
      if (error instanceof Elsewhere) return slow.ask(error.mount, root, method, args);
      throw error;
    }
  };
  return {
    lstat: path => look('lstat', path),
    stat: path => look('stat', path),
    readLink: path => look('readLink', path),
    realPath: path => look('realPath', path),
    readFile: (path, options) => look('readFile', path, options),
    readTail: (path, options) => look('readTail', path, options),
    readChunks: async (path, use, options) => {
      try {
        return await readChunksOf(path, () => resolver.open(path, true), use, options);
      } catch (error) {
        if (!(error instanceof Elsewhere)) throw error;
        const maxBytes = Math.min(options?.maxBytes ?? maxSlowChunks, maxSlowChunks);
        return handOver(await slow.ask(error.mount, root, 'readFile', [path, {maxBytes}]), path, use, options);
      }
    },
    list: (path, options) => look('list', path, options),
    readXattr: (path, name) => look('readXattr', path, name),
    walk: (path, visitor, limits) => walkLocal({resolver, mounts, native}, path, visitor, limits),
  };
}

async function handOver(
  file: Look<HostFile>,
  path: string,
  use: (chunk: Buffer) => void | Promise<void>,
  {chunkBytes = 256 * 1024}: ChunkOptions = {},
): ReturnType<HostFs['readChunks']> {
  if (!file.ok) return file;
  const {bytes, truncated, stat} = file.value;
  try {
    for (let start = 0; start < bytes.length; start += chunkBytes) await use(bytes.subarray(start, start + chunkBytes));
  } catch (error) {
    return lookError(`read ${path}`, error);
  }
  return looked({size: bytes.length, truncated, stat});
}

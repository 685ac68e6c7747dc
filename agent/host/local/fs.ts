import {closeSync, constants, fstatSync, opendirSync, openSync, readSync, type Stats} from 'node:fs';
import {basename, dirname} from 'node:path/posix';
import type {FileType} from '../../../policies/facts/file.ts';
import type {HostFile, HostFs, HostStat} from '../host.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import {decodeName} from '../names.ts';
import {readChunksOf} from './chunks.ts';
import {type Opened, openInRoot, readLinkFd} from './resolve.ts';

const defaultMaxBytes = 1024 * 1024;
const defaultMaxEntries = 100_000;

/** Looks at this machine's files below `root` (`/` for the machine itself). */
export function localFs(root: string): HostFs {
  const open = (path: string, follow: boolean) => openInRoot(root, path, follow);
  return {
    lstat: async path => attempt(`look at ${path}`, () => withOpened(open(path, false), ({stats}) => hostStat(stats))),
    stat: async path => attempt(`look at ${path}`, () => withOpened(open(path, true), ({stats}) => hostStat(stats))),
    readLink: async path =>
      attempt(`read the link ${path}`, () => withOpened(open(dirname(path), true), ({fd}) => readLinkFd(fd, basename(path)))),
    realPath: async path => attempt(`resolve ${path}`, () => withOpened(open(path, true), opened => opened.path)),
    readFile: async (path, {maxBytes = defaultMaxBytes, follow = true} = {}) => readRegular(path, () => open(path, follow), maxBytes),
    readTail: async (path, {maxBytes}) => readRegular(path, () => open(path, true), maxBytes, readEnd),
    readChunks: async (path, use, options) => readChunksOf(path, () => open(path, true), use, options),
    list: async (path, {max = defaultMaxEntries} = {}) => attempt(`list ${path}`, () => withOpened(open(path, true), ({fd}) => listFd(fd, max))),
    readXattr: async path => failed('unsupported', `cannot read attributes of ${path}: the native part is not built`),
  };
}

function attempt<T>(doing: string, look: () => T): Look<T> {
  try {
    return looked(look());
  } catch (error) {
    return lookError(doing, error);
  }
}

function withOpened<T>(opened: Opened, use: (opened: Opened) => T): T {
  try {
    return use(opened);
  } finally {
    closeSync(opened.fd);
  }
}

type ReadOpened = (pathFd: number, before: Stats, maxBytes: number) => HostFile | null;

function readRegular(path: string, open: () => Opened, maxBytes: number, read: ReadOpened = readOpened): Look<HostFile> {
  const doing = `read ${path}`;
  try {
    for (let attempts = 0; attempts < 2; attempts++) {
      const file = withOpened(open(), ({fd, stats}) => {
        const type = fileType(stats);
        if (type !== 'file') return failed('wrong-type', `cannot ${doing}: it is a ${type}, not a regular file`);
        return read(fd, stats, maxBytes);
      });
      if (file !== null) return 'ok' in file ? file : looked(file);
    }
    return failed('changed', `cannot ${doing}: it changed while it was read, twice`);
  } catch (error) {
    return lookError(doing, error);
  }
}

/** Null when the file changed meanwhile. The O_PATH handle is opened anew for reading, so it is the file that was checked. */
function readOpened(pathFd: number, before: Stats, maxBytes: number): HostFile | null {
  const fd = openSync(`/proc/self/fd/${pathFd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const {bytes, truncated} = readToEnd(fd, before.size, maxBytes);
    const after = fstatSync(fd);
    const changed = before.size > 0 && (after.size !== before.size || after.mtimeMs !== before.mtimeMs);
    return changed ? null : {bytes, truncated, stat: hostStat(after)};
  } finally {
    closeSync(fd);
  }
}

/** Null when the file became shorter meanwhile: it was rewritten, not appended to. */
function readEnd(pathFd: number, before: Stats, maxBytes: number): HostFile | null {
  const fd = openSync(`/proc/self/fd/${pathFd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const start = Math.max(0, before.size - maxBytes);
    const bytes = Buffer.allocUnsafe(before.size - start);
    let total = 0;
    for (let count = 1; count > 0 && total < bytes.length; total += count) {
      count = readSync(fd, bytes, total, bytes.length - total, start + total);
    }
    const after = fstatSync(fd);
    return after.size < before.size || total < bytes.length ? null : {bytes, truncated: start > 0, stat: hostStat(after)};
  } finally {
    closeSync(fd);
  }
}

/** Files of /proc and /sys say that their size is 0, so only the end of reading tells. */
function readToEnd(fd: number, sizeHint: number, maxBytes: number): {bytes: Buffer; truncated: boolean} {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const room = maxBytes + 1 - total;
    const want = Math.min(room, chunks.length === 0 ? Math.max(4096, sizeHint + 1) : 65_536);
    const chunk = Buffer.allocUnsafe(want);
    const count = readSync(fd, chunk, 0, want, null);
    total += count;
    if (count > 0) chunks.push(chunk.subarray(0, count));
    if (count === 0 || total > maxBytes) break;
  }
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  return {bytes: bytes.subarray(0, maxBytes), truncated: total > maxBytes};
}

function listFd(fd: number, max: number): {names: string[]; truncated: boolean} {
  // Node's types know no buffer encoding for directories; latin1 keeps each byte as one character.
  const directory = opendirSync(`/proc/self/fd/${fd}`, {encoding: 'latin1', bufferSize: 256});
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (names.length >= max) return {names, truncated: true};
      names.push(decodeName(Buffer.from(entry.name, 'latin1')));
    }
    return {names, truncated: false};
  } finally {
    directory.closeSync();
  }
}

export function hostStat(stats: Stats): HostStat {
  const {mode, uid, gid, nlink, size, dev, ino, mtimeMs, ctimeMs} = stats;
  return {type: fileType(stats), mode: mode & 0o7777, uid, gid, links: nlink, size, device: dev, inode: ino, modifiedMs: mtimeMs, changedMs: ctimeMs};
}

export function fileType(stats: Stats): FileType {
  switch (stats.mode & constants.S_IFMT) {
    case constants.S_IFDIR:
      return 'directory';
    case constants.S_IFLNK:
      return 'link';
    case constants.S_IFIFO:
      return 'fifo';
    case constants.S_IFSOCK:
      return 'socket';
    case constants.S_IFCHR:
      return 'character-device';
    case constants.S_IFBLK:
      return 'block-device';
    default:
      return 'file';
  }
}

import {closeSync, constants, fstatSync, opendirSync, openSync, readSync, type Stats, statfsSync} from 'node:fs';
import type {HostFile} from '../host.ts';
import {failed, type Look, looked} from '../look.ts';
import {decodeName, isAscii} from '../names.ts';
import type {Opened} from './resolve.ts';
import {fileType, hostStat} from './stat.ts';

export function withOpened<T>(opened: Opened, use: (opened: Opened) => T): T {
  try {
    return use(opened);
  } finally {
    closeSync(opened.fd);
  }
}

/** Reads an O_PATH handle's file; null when it changed meanwhile. */
type ReadOpened = (pathFd: number, before: Stats, maxBytes: number) => HostFile | null;

/** Tries a second time when the file changed meanwhile. Anything but a regular file is never opened for reading. */
export function readRegular(doing: string, open: () => Opened, maxBytes: number, read: ReadOpened): Look<HostFile> {
  for (let attempts = 0; attempts < 2; attempts++) {
    const file = withOpened(open(), ({fd, stats}) => {
      const type = fileType(stats);
      if (type !== 'file') return failed('wrong-type', `cannot ${doing}: it is a ${type}, not a regular file`);
      return read(fd, stats, maxBytes);
    });
    if (file !== null) return 'ok' in file ? file : looked(file);
  }
  return failed('changed', `cannot ${doing}: it changed while it was read, twice`);
}

/** The first `maxBytes`. The O_PATH handle is opened anew for reading, so it is the file that was checked. */
export const readBeginning: ReadOpened = (pathFd, before, maxBytes) => {
  const fd = openForReading(pathFd);
  try {
    const {bytes, truncated} = readToEnd(fd, before.size, maxBytes);
    const after = fstatSync(fd);
    const changed = after.size !== before.size || after.mtimeMs !== before.mtimeMs || after.ctimeMs !== before.ctimeMs;
    // Two writes within one tick of the clock leave the same times; then the length gives them away.
    const torn = !truncated && bytes.length !== after.size && sizesAreTrue(fd);
    return changed || torn ? null : {bytes, truncated, stat: hostStat(after)};
  } finally {
    closeSync(fd);
  }
};

/** Magic numbers of statfs(2) for file systems whose files are made when they are read, so that their size says nothing. */
const sizeless = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x62656570, // configfs
  0x42494e4d, // binfmt_misc
  0xcafe4a11, // bpf
  0x65735543, // fusectl
  0x65735546, // FUSE, as of lxcfs, which stands in for files of /proc
]);

const sizesAreTrue = (fd: number): boolean => !sizeless.has(statfsSync(`/proc/self/fd/${fd}`).type >>> 0);

/** The last `maxBytes`. A file that became shorter was rewritten, not appended to. */
export const readEnd: ReadOpened = (pathFd, before, maxBytes) => {
  const fd = openForReading(pathFd);
  try {
    const start = Math.max(0, before.size - maxBytes);
    const bytes = Buffer.allocUnsafe(before.size - start);
    let total = 0;
    for (let count = 1; count > 0 && total < bytes.length; total += count) {
      count = readSync(fd, bytes, total, bytes.length - total, start + total);
    }
    const after = fstatSync(fd);
    if (after.size < before.size || total < bytes.length) return null;
    return {bytes, truncated: start > 0, stat: hostStat(after)};
  } finally {
    closeSync(fd);
  }
};

/** Only for what is known to be a regular file. Kernel files that would wait for an event answer EAGAIN instead. */
export const openForReading = (pathFd: number): number =>
  openSync(`/proc/self/fd/${pathFd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);

/** Files of /proc and /sys tell a wrong size, so there only the end of reading tells. */
function readToEnd(fd: number, size: number, maxBytes: number): {bytes: Buffer; truncated: boolean} {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const room = maxBytes + 1 - total;
    const want = Math.min(room, chunks.length === 0 ? Math.max(4096, size + 1) : 65_536);
    const chunk = Buffer.allocUnsafe(want);
    const count = readSync(fd, chunk, 0, want, null);
    total += count;
    if (count > 0) chunks.push(chunk.subarray(0, count));
    if (count === 0 || total > maxBytes || (total === size && count < want)) break;
  }
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  return {bytes: bytes.subarray(0, maxBytes), truncated: total > maxBytes};
}

export function listFd(fd: number, max: number): {names: string[]; truncated: boolean} {
  // Node's types know no buffer encoding for directories; latin1 keeps each byte as one character.
  const directory = opendirSync(`/proc/self/fd/${fd}`, {encoding: 'latin1', bufferSize: 256});
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (names.length >= max) return {names, truncated: true};
      names.push(decodeLatin1(entry.name));
    }
    return {names, truncated: false};
  } finally {
    directory.closeSync();
  }
}

/** A name that Node read as latin1, one character a byte. */
export const decodeLatin1 = (name: string): string => (isAscii(name) ? name : decodeName(Buffer.from(name, 'latin1')));

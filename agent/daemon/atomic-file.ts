import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import {dirname} from 'node:path';
import {ReeveError} from '../errors.ts';

/** Puts a file in place whole, on disk before this returns: a temporary one in the same folder, fsync, rename, fsync. */
export function writeWhole(path: string, content: Uint8Array | string, mode: number): void {
  const draft = `${path}.new`;
  rmSync(draft, {force: true});
  const fd = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fchmodSync(fd, mode);
    fsyncSync(fd);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, {force: true});
    throw error;
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(path));
}

export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a file that nobody but us may read or write; null when there is none. Throws `REEVE_STATE_UNUSABLE` when it is
 * a link or no regular file, belongs to somebody else, lets others in, or has more than `maxBytes`.
 */
export function readPrivate(path: string, uid: number, maxBytes: number): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw unusable(path, code === 'ELOOP' ? 'it is a symbolic link' : `${code}`, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unusable(path, 'it is no regular file');
    refuseOthers(path, stat, uid);
    if (stat.size > maxBytes) throw unusable(path, `it has ${stat.size} bytes, at most ${maxBytes} are right`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a directory that is ours, when it is not there. One that is there must be a directory, ours, and closed to those
 * whom `mode` leaves out (0700: to all others; 0755: they must not write), or it is `REEVE_STATE_UNUSABLE`.
 */
export function ownDirectory(path: string, uid: number, mode: 0o700 | 0o755): void {
  try {
    mkdirSync(path, {recursive: true, mode});
  } catch (error) {
    throw unusable(path, (error as NodeJS.ErrnoException).code ?? `${error}`, error);
  }
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw unusable(path, 'it is no directory');
  refuseOthers(path, stat, uid, mode);
}

function refuseOthers(path: string, stat: Stats, uid: number, most = 0o700): void {
  if (stat.uid !== uid) throw unusable(path, `owner is uid ${stat.uid}, must be ${uid}`);
  const surplus = stat.mode & 0o777 & ~(most | 0o700);
  if (surplus !== 0)
    throw unusable(
      path,
      `mode is ${(stat.mode & 0o777).toString(8).padStart(4, '0')}, others must be kept out (chmod ${most === 0o755 ? 'go-w' : 'go='})`,
    );
}

const unusable = (path: string, reason: string, cause?: unknown) =>
  new ReeveError('REEVE_STATE_UNUSABLE', `cannot use "${path}": ${reason}`, {cause});

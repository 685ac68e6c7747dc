import {basename, dirname} from 'node:path/posix';
import type {DirectFs} from '../direct.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import {NoProc} from './mounts.ts';
import {type Native, nativeError} from './native.ts';
import {listFd, readBeginning, readEnd, readRegular, withOpened} from './read.ts';
import {Elsewhere, type Resolver, readLinkFd} from './resolve.ts';
import {hostStat} from './stat.ts';

const defaultMaxBytes = 1024 * 1024;
const defaultMaxEntries = 100_000;

/** They throw {@link Elsewhere}, and nothing else. */
export function directFs(resolver: Resolver, native: Native | null): DirectFs {
  const statOf = (path: string, follow: boolean) =>
    attempt(`look at ${path}`, () => looked(withOpened(resolver.open(path, follow), ({stats}) => hostStat(stats))));
  return {
    lstat: path => statOf(path, false),
    stat: path => statOf(path, true),
    readLink: path =>
      attempt(`read the link ${path}`, () =>
        looked(withOpened(resolver.open(dirname(path), true), ({fd}) => readLinkFd(fd, basename(path)))),
      ),
    realPath: path =>
      attempt(`resolve ${path}`, () => looked(withOpened(resolver.open(path, true), opened => opened.path))),
    readFile: (path, {maxBytes = defaultMaxBytes, follow = true} = {}) =>
      attempt(`read ${path}`, () =>
        readRegular(`read ${path}`, () => resolver.open(path, follow), maxBytes, readBeginning),
      ),
    readTail: (path, {maxBytes}) =>
      attempt(`read ${path}`, () => readRegular(`read ${path}`, () => resolver.open(path, true), maxBytes, readEnd)),
    list: (path, {max = defaultMaxEntries} = {}) =>
      attempt(`list ${path}`, () => looked(withOpened(resolver.open(path, true), ({fd}) => listFd(fd, max)))),
    readXattr: (path, name) =>
      attempt(`read ${name} of ${path}`, () =>
        withOpened(resolver.open(path, false), ({fd}) => readXattrFd(native, fd, name, path)),
      ),
  };
}

function attempt<T>(doing: string, look: () => Look<T>): Look<T> {
  try {
    return look();
  } catch (error) {
    if (error instanceof Elsewhere) throw error;
    if (error instanceof NoProc) return failed('unsupported', `cannot ${doing}: ${error.message}`);
    return lookError(doing, error);
  }
}

/** A file system that can store no attributes holds none. */
export function readXattrFd(native: Native | null, fd: number, name: string, path: string): Look<Buffer | null> {
  const doing = `read ${name} of ${path}`;
  if (native === null) {
    return failed(
      'unsupported',
      `cannot ${doing}: reeve's native part is not built, install a C compiler and run make -C agent/native`,
    );
  }
  const value = native.readAttribute(fd, name);
  if (typeof value !== 'number') return looked(value);
  const error = nativeError(value) as Error & {code: string};
  return error.code === 'ENOTSUP' || error.code === 'EOPNOTSUPP' ? looked(null) : lookError(doing, error);
}

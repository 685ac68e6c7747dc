import type {HostFile, HostFs, HostStat} from './host.ts';
import type {Look} from './look.ts';

/** The looks of {@link HostFs} that give one answer, done at once. */
export type DirectFs = {
  lstat(path: string): Look<HostStat>;
  stat(path: string): Look<HostStat>;
  readLink(path: string): Look<string>;
  realPath(path: string): Look<string>;
  readFile(path: string, options?: {maxBytes?: number; follow?: boolean}): Look<HostFile>;
  readTail(path: string, options: {maxBytes: number}): Look<HostFile>;
  list(path: string, options?: {max?: number}): Look<{names: string[]; truncated: boolean}>;
  readXattr(path: string, name: string): Look<Buffer | null>;
};

/** The same, as promises. */
export function promised(fs: DirectFs): Pick<HostFs, keyof DirectFs> {
  return {
    lstat: async path => fs.lstat(path),
    stat: async path => fs.stat(path),
    readLink: async path => fs.readLink(path),
    realPath: async path => fs.realPath(path),
    readFile: async (path, options) => fs.readFile(path, options),
    readTail: async (path, options) => fs.readTail(path, options),
    list: async (path, options) => fs.list(path, options),
    readXattr: async (path, name) => fs.readXattr(path, name),
  };
}

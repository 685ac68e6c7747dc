import {opendirSync, readdirSync} from 'node:fs';

/** A directory's names as latin1, one character a byte, one after the other. */
export type NameStream = {
  /** Undefined at the end. Throws Node's errors. */
  next(): string | undefined;
  close(): void;
};

/** File systems on which the size of a directory tells how much is in it. */
const sized = new Set(['btrfs', 'ext2', 'ext3', 'ext4', 'f2fs', 'tmpfs', 'xfs']);
/** A few thousand entries at most: read at once, which is cheaper. */
const smallBytes = 32 * 1024;

/** Large directories are read bit by bit, so that one with a million entries takes no more memory than another. */
export function openNames(fd: number, fstype: string, size: number): NameStream {
  const path = `/proc/self/fd/${fd}`;
  if (sized.has(fstype) && size <= smallBytes) {
    const names = readdirSync(path, {encoding: 'latin1'});
    let index = 0;
    return {next: () => names[index++], close: () => {}};
  }
  const directory = opendirSync(path, {encoding: 'latin1', bufferSize: 256});
  return {next: () => directory.readSync()?.name, close: () => directory.closeSync()};
}

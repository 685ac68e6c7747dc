import {constants, type Stats} from 'node:fs';
import type {FileType} from '../../../policies/facts/file.ts';
import type {HostStat} from '../host.ts';

export function hostStat(stats: Stats): HostStat {
  const {mode, uid, gid, nlink, size, dev, ino, mtimeMs, ctimeMs} = stats;
  return {
    type: fileType(stats),
    mode: mode & 0o7777,
    uid,
    gid,
    links: nlink,
    size,
    device: dev,
    inode: ino,
    modifiedMs: mtimeMs,
    changedMs: ctimeMs,
  };
}

export function fileType({mode}: {mode: number}): FileType {
  switch (mode & constants.S_IFMT) {
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

import {closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats} from 'node:fs';
import type {FileType} from '../../../policies/facts/file.ts';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import {isAscii} from '../names.ts';
import type {WalkEntry} from '../walk.ts';
import {readXattrFd} from './direct.ts';
import {join} from './mounts.ts';
import {field, fieldCount, type Native, nativeError} from './native.ts';
import {decodeLatin1, openForReading} from './read.ts';
import {O_PATH, type Resolver} from './resolve.ts';
import {fileType} from './stat.ts';

/** The directory whose entries are looked at. `trusted`: nobody else can make a link or a mount in it. */
export type Directory = {path: string; fd: number; device: number; mount: MountFact; trusted: boolean};

const noEntry = -2;
const link = constants.O_NOFOLLOW;

/**
 * Looks at the entries of open directories without ever waiting for a mount that is served from elsewhere, even one
 * that a user made a moment ago. With the native part that is one cheap call; without it, in directories where users
 * can mount, each entry is opened first and its descriptor asked for its mount.
 */
export class Glancer {
  readonly #native: Native | null;
  readonly #resolver: Resolver;
  readonly #fields = new Float64Array(fieldCount);
  readonly #identity = new Float64Array(fieldCount);
  readonly #entry: Entry;

  constructor(native: Native | null, resolver: Resolver) {
    this.#native = native;
    this.#resolver = resolver;
    this.#entry = new Entry(this, native, this.#fields);
  }

  /** The same object each time; null when the entry is gone. Names are latin1, one character a byte. Throws. */
  look(directory: Directory, name: string): Entry | null {
    const fields = this.#fields;
    if (this.#native !== null) {
      const errno = this.#native.glance(directory.fd, name, fields);
      if (errno === noEntry) return null;
      if (errno < 0) throw nativeError(errno);
      const mount = fields[field.mount] as number;
      const crossed = mount === 0 ? fields[field.device] !== directory.device : mount !== directory.mount.id;
      if (crossed) this.#checkMountOf(directory, name);
    } else if (directory.trusted) {
      const stats = lstatSync(entryPath(directory.fd, name), {throwIfNoEntry: false});
      if (stats === undefined) return null;
      fill(fields, stats);
    } else {
      const fd = openOrNone(entryPath(directory.fd, name), O_PATH | link);
      if (fd < 0) return null;
      try {
        this.#resolver.checkMount(fd);
        fill(fields, fstatSync(fd));
      } finally {
        closeSync(fd);
      }
    }
    return this.#entry.become(directory, name);
  }

  /** An O_PATH descriptor, -1 when the directory is gone. Throws when it is a link or a file by now. */
  openDirectory(directory: Directory, name: string): number {
    const fd = openOrNone(entryPath(directory.fd, name), O_PATH | link | constants.O_DIRECTORY);
    if (fd < 0) return -1;
    try {
      if (!directory.trusted) this.#resolver.checkMount(fd);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** An O_PATH descriptor for the directory above, as it is now. */
  openParent(fd: number): number {
    return openOrNone(`/proc/self/fd/${fd}/..`, O_PATH | constants.O_DIRECTORY);
  }

  /** Without asking a file server. `isOurs`: only root and we can change what is in the directory. */
  identify(fd: number): {device: number; inode: number; size: number; isOurs: boolean} {
    const fields = this.#identity;
    if (this.#native === null) fill(fields, fstatSync(fd));
    else {
      const errno = this.#native.glance(fd, '', fields);
      if (errno < 0) throw nativeError(errno);
    }
    return {
      isOurs: this.#resolver.isOurs({uid: fields[field.uid] as number, mode: fields[field.mode] as number}),
      device: fields[field.device] as number,
      inode: fields[field.inode] as number,
      size: fields[field.size] as number,
    };
  }

  /** An O_PATH descriptor of the entry that was looked at last, and of no other. */
  openSame(directory: Directory, name: string): number {
    const device = this.#fields[field.device];
    const inode = this.#fields[field.inode];
    const fd = openSync(entryPath(directory.fd, name), O_PATH | link);
    try {
      if (!directory.trusted) this.#resolver.checkMount(fd);
      const same = this.identify(fd);
      if (same.device === device && same.inode === inode) return fd;
      throw new Error('it was replaced while the tree was walked');
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #checkMountOf(directory: Directory, name: string): void {
    const fd = openOrNone(entryPath(directory.fd, name), O_PATH | link);
    if (fd < 0) return;
    try {
      this.#resolver.checkMount(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** What a walk shows its visitor: always the entry that was looked at last. */
export class Entry implements WalkEntry {
  readonly #glancer: Glancer;
  readonly #native: Native | null;
  readonly #fields: Float64Array;
  #directory: Directory | null = null;
  #name = '';
  /** Used again for each file that is read. */
  #content = Buffer.alloc(0);

  constructor(glancer: Glancer, native: Native | null, fields: Float64Array) {
    this.#glancer = glancer;
    this.#native = native;
    this.#fields = fields;
  }

  become(directory: Directory, name: string): this {
    this.#directory = directory;
    this.#name = name;
    return this;
  }

  get type(): FileType {
    return fileType({mode: this.#fields[field.mode] as number});
  }
  get mode(): number {
    return (this.#fields[field.mode] as number) & 0o7777;
  }
  get uid(): number {
    return this.#fields[field.uid] as number;
  }
  get gid(): number {
    return this.#fields[field.gid] as number;
  }
  get links(): number {
    return this.#fields[field.links] as number;
  }
  get size(): number {
    return this.#fields[field.size] as number;
  }
  get device(): number {
    return this.#fields[field.device] as number;
  }
  get inode(): number {
    return this.#fields[field.inode] as number;
  }
  get modifiedMs(): number {
    return this.#fields[field.modifiedMs] as number;
  }
  get changedMs(): number {
    return this.#fields[field.changedMs] as number;
  }
  get name(): string {
    return decodeLatin1(this.#name);
  }

  isDirectory(): boolean {
    return ((this.#fields[field.mode] as number) & constants.S_IFMT) === constants.S_IFDIR;
  }

  path(): string {
    return join((this.#directory as Directory).path, this.name);
  }

  readStart(maxBytes: number): Look<Buffer> {
    const doing = `read ${this.path()}`;
    if (this.type !== 'file') return failed('wrong-type', `cannot ${doing}: it is a ${this.type}, not a regular file`);
    return this.#withFd(doing, fd => {
      const content = openForReading(fd);
      try {
        if (this.#content.length < maxBytes) this.#content = Buffer.allocUnsafeSlow(maxBytes);
        return looked(this.#content.subarray(0, readSync(content, this.#content, 0, maxBytes, 0)));
      } finally {
        closeSync(content);
      }
    });
  }

  readXattr(name: string): Look<Buffer | null> {
    if (this.#native === null) return readXattrFd(null, -1, name, this.path());
    return this.#withFd(`read ${name} of ${this.path()}`, fd => readXattrFd(this.#native, fd, name, this.path()));
  }

  #withFd<T>(doing: string, use: (fd: number) => Look<T>): Look<T> {
    let fd = -1;
    try {
      fd = this.#glancer.openSame(this.#directory as Directory, this.#name);
      return use(fd);
    } catch (error) {
      return lookError(doing, error);
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }
}

function entryPath(fd: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${fd}/${name}`;
  return isAscii(name) ? path : Buffer.from(path, 'latin1');
}

/** -1 when there is nothing of that name any more. */
function openOrNone(path: string | Buffer, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT') return -1;
    if (code === 'ENOTDIR' || code === 'ELOOP') throw new Error('it was replaced while the tree was walked');
    throw error;
  }
}

function fill(fields: Float64Array, {mode, uid, gid, nlink, size, dev, ino, mtimeMs, ctimeMs}: Stats): void {
  fields[field.mode] = mode;
  fields[field.uid] = uid;
  fields[field.gid] = gid;
  fields[field.links] = nlink;
  fields[field.size] = size;
  fields[field.device] = dev;
  fields[field.inode] = ino;
  fields[field.modifiedMs] = mtimeMs;
  fields[field.changedMs] = ctimeMs;
  fields[field.mount] = 0;
}

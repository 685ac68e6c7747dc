import type {FileType} from '../../../policies/facts/file.ts';
import {type DirectFs, promised} from '../direct.ts';
import type {HostFs, HostStat} from '../host.ts';
import {failed, type Look, lookError, looked} from '../look.ts';
import type {Fixture, FixtureEntry} from './fixture.ts';
import {walkMemory} from './walk.ts';

type Node = {entry: FixtureEntry; type: FileType; children: Map<string, Node>; inode: number};
type Found = {node: Node; path: string};

const maxLinks = 40;

/** A file tree that is only written down, with the owners, modes and errors that it says, for whoever may not be root. */
export function memoryFs(fixture: Fixture): HostFs {
  const tree = new MemoryTree(fixture);
  const fs: DirectFs = {
    lstat: path => tree.look(`look at ${path}`, path, false, ({node}) => statOf(node)),
    stat: path => tree.look(`look at ${path}`, path, true, ({node}) => statOf(node)),
    readLink: path =>
      tree.look(`read the link ${path}`, path, false, ({node}) => {
        if (node.entry.link === undefined) throw errno('EINVAL');
        return node.entry.link;
      }),
    realPath: path => tree.look(`resolve ${path}`, path, true, found => found.path),
    readFile: (path, {maxBytes = 1024 * 1024, follow = true} = {}) => {
      const doing = `read ${path}`;
      const found = tree.look(doing, path, follow, value => value);
      if (!found.ok) return found;
      const {node} = found.value;
      if (node.type !== 'file')
        return failed('wrong-type', `cannot ${doing}: it is a ${node.type}, not a regular file`);
      return tree.guard(doing, () => {
        if (node.entry.read_error !== undefined) throw errno(node.entry.read_error);
        tree.permit(node, 4);
        const bytes = contentOf(node.entry);
        return {bytes: bytes.subarray(0, maxBytes), truncated: bytes.length > maxBytes, stat: statOf(node)};
      });
    },
    readTail: (path, {maxBytes}) => {
      const file = fs.readFile(path, {maxBytes: Number.MAX_SAFE_INTEGER});
      if (!file.ok) return file;
      const {bytes, stat} = file.value;
      return looked({
        bytes: bytes.subarray(Math.max(0, bytes.length - maxBytes)),
        truncated: bytes.length > maxBytes,
        stat,
      });
    },
    list: (path, {max = 100_000} = {}) =>
      tree.look(`list ${path}`, path, true, ({node}) => {
        if (node.type !== 'directory') throw errno('ENOTDIR');
        if (node.entry.read_error !== undefined) throw errno(node.entry.read_error);
        tree.permit(node, 4);
        const names = [...node.children.keys()];
        return {names: names.slice(0, max), truncated: names.length > max};
      }),
    readXattr: (path, name) =>
      tree.look(`read ${name} of ${path}`, path, false, ({node}) => {
        const value = node.entry.xattrs?.[name];
        return value === undefined ? null : Buffer.from(value, 'base64');
      }),
  };
  return {
    ...promised(fs),
    readChunks: async (path, use, {chunkBytes = 64 * 1024, maxBytes = 256 * 1024 * 1024} = {}) => {
      const file = fs.readFile(path, {maxBytes});
      if (!file.ok) return file;
      const {bytes, truncated, stat} = file.value;
      try {
        for (let start = 0; start < bytes.length; start += chunkBytes)
          await use(bytes.subarray(start, start + chunkBytes));
      } catch (error) {
        return lookError(`read ${path}`, error, fixture.looker ?? 0);
      }
      return looked({size: bytes.length, truncated, stat});
    },
    walk: async (path, visitor, limits) => walkMemory(fs, fixture.as !== 'image', path, visitor, limits),
  };
}

class MemoryTree {
  readonly #root: Node;
  readonly #looker: number;
  #inodes = 1;

  constructor(fixture: Fixture) {
    this.#looker = fixture.looker ?? 0;
    this.#root = this.#node({mode: '0755'}, 'directory');
    for (const [path, value] of Object.entries(fixture.files ?? {})) {
      if (value !== null) this.#add(path, typeof value === 'string' ? {content: value} : value);
    }
  }

  look<T>(doing: string, path: string, follow: boolean, use: (found: Found) => T): Look<T> {
    return this.guard(doing, () => use(this.#find(path, follow)));
  }

  guard<T>(doing: string, use: () => T): Look<T> {
    try {
      return looked(use());
    } catch (error) {
      if (error instanceof Error && 'code' in error) return lookError(doing, error, this.#looker);
      throw error;
    }
  }

  /** The kernel's rule for the last matching class of owner, group and others; root may read all. */
  permit(node: Node, bit: number): void {
    const {mode, uid, gid} = statOf(node);
    if (this.#looker === 0) return;
    const granted = uid === this.#looker ? mode >> 6 : gid === this.#looker ? mode >> 3 : mode;
    if ((granted & bit) === 0) throw errno('EACCES');
  }

  #find(path: string, follow: boolean): Found {
    const rest = split(path).reverse();
    let trail: Array<{name: string; node: Node}> = [];
    let links = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === '..') {
        trail.pop();
        continue;
      }
      const parent = trail.at(-1)?.node ?? this.#root;
      if (parent.type !== 'directory') throw errno('ENOTDIR');
      this.permit(parent, 1);
      const node = parent.children.get(name);
      if (node === undefined) throw errno('ENOENT');
      if (node.entry.error !== undefined) throw errno(node.entry.error);
      if (node.entry.link !== undefined && (follow || rest.length > 0)) {
        if (++links > maxLinks) throw errno('ELOOP');
        if (node.entry.link.startsWith('/')) trail = [];
        rest.push(...split(node.entry.link).reverse());
        continue;
      }
      trail.push({name, node});
    }
    return {node: trail.at(-1)?.node ?? this.#root, path: `/${trail.map(step => step.name).join('/')}`};
  }

  #add(path: string, entry: FixtureEntry): void {
    const parts = split(path);
    const last = parts.pop();
    let parent = this.#root;
    for (const name of parts) {
      const next = parent.children.get(name) ?? this.#node({mode: '0755'}, 'directory');
      parent.children.set(name, next);
      parent = next;
    }
    const type: FileType =
      entry.type ?? (entry.link !== undefined ? 'link' : path.endsWith('/') ? 'directory' : 'file');
    const node = this.#node(entry, type);
    if (last === undefined) this.#root.entry = entry;
    else {
      const earlier = parent.children.get(last);
      if (earlier !== undefined) for (const [name, child] of earlier.children) node.children.set(name, child);
      parent.children.set(last, node);
    }
  }

  #node(entry: FixtureEntry, type: FileType): Node {
    return {entry, type, children: new Map(), inode: this.#inodes++};
  }
}

const split = (path: string) => path.split('/').filter(part => part !== '' && part !== '.');
const errno = (code: string) => Object.assign(new Error(code), {code});
const contentOf = (entry: FixtureEntry) =>
  entry.base64 === undefined ? Buffer.from(entry.content ?? '') : Buffer.from(entry.base64, 'base64');

function statOf({entry, type, inode, children}: Node): HostStat {
  const modified = Date.parse(entry.modified ?? '2026-01-01T00:00:00Z');
  const mode = entry.mode ?? (type === 'directory' ? '0755' : type === 'link' ? '0777' : '0644');
  return {
    type,
    mode: Number.parseInt(mode, 8),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    links: entry.links ?? (type === 'directory' ? 2 + children.size : 1),
    size: entry.size ?? (type === 'file' ? contentOf(entry).length : 0),
    device: entry.device ?? 1,
    inode,
    modifiedMs: modified,
    changedMs: modified,
  };
}

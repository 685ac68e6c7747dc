import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statfsSync,
} from 'node:fs';
import {dirname} from 'node:path/posix';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {servedBy} from '../mountinfo.ts';
import {decodeName, encodePath} from '../names.ts';
import {join, type Mounts, type MountTable} from './mounts.ts';

/** open(2): a handle on the entry itself, with no access to its content. Not in Node's constants; the same on all Linux. */
export const O_PATH = 0o10000000;
const maxLinks = 40;

/** `path` is where it led, inside the root. `trusted`: nobody but root and we can change what the path leads to. */
export type Opened = {fd: number; stats: Stats; path: string; trusted: boolean};

/** Thrown before a path is touched that leads into a mount which may never answer. */
export class Elsewhere extends Error {
  readonly mount: MountFact;

  constructor(mount: MountFact) {
    super(`${mount.point} is served from elsewhere (${mount.fstype})`);
    this.mount = mount;
  }
}

/**
 * Opens entries inside `root` by descriptor, so that nobody can swap a directory for a link under us and lead us out.
 * Links are followed by hand, inside the root. Sources: path_resolution(7), openat2(2) RESOLVE_IN_ROOT.
 *
 * With `mounts`, no mount is touched that is served from elsewhere, but for the one that the root itself lies on:
 * whoever named that root wants it read. Without, everything is touched.
 *
 * The common case is cheap: where every directory on the way is root's or ours and not writable by others, nobody else
 * can make a link or a mount there. Then the kernel may walk the path at once, and the path of what it opened, as
 * /proc tells, must be the one that was asked for.
 */
export class Resolver {
  readonly root: string;
  readonly #mounts: Mounts | null;
  readonly #uid = process.geteuid?.() ?? 0;
  /** Directories that nobody else can change, as they were asked for, and where they lead. */
  readonly #trusted = new Map<string, string>();
  #table: MountTable | null = null;
  #generation = -1;
  #rootTrusted = false;

  constructor(root: string, mounts: Mounts | null) {
    this.root = root;
    this.#mounts = mounts;
  }

  /** Throws Node's errors, and {@link Elsewhere}. The last link is followed only with `follow`. The caller closes `fd`. */
  open(path: string, follow: boolean): Opened {
    this.#refresh();
    return this.#openTrusted(path, follow) ?? this.#openByParts(path, follow);
  }

  /** Whether only root and we can change what is in a directory; in a sticky one, what belongs to root or us. */
  isOurs({uid, mode}: {uid: number; mode: number}): boolean {
    return (uid === 0 || uid === this.#uid) && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0);
  }

  /** Refuses an opened entry that lies on a mount served from elsewhere, without asking that mount anything. */
  checkMount(fd: number): void {
    if (this.#mounts === null) return;
    const id = mountIdOf(fd);
    const mount = this.#mounts.current().byId(id) ?? this.#mounts.refresh().byId(id);
    if (mount === undefined) throw Object.assign(new Error('its mount was taken away'), {code: 'ESTALE'});
    if (servedBy(mount.fstype) === 'elsewhere' && mount.id !== this.#mounts.current().serving(this.root)?.id)
      throw new Elsewhere(mount);
  }

  #refresh(): void {
    this.#table = this.#mounts?.current() ?? null;
    const generation = this.#mounts?.generation ?? 0;
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#trusted.clear();
    this.#rootTrusted =
      this.#mounts !== null && chainTo(this.root).every(directory => this.isOurs(lstatSync(directory)));
  }

  #openTrusted(path: string, follow: boolean): Opened | null {
    const slash = path.lastIndexOf('/');
    const directory = this.#trusted.get(path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (directory === undefined || name === '' || name === '.' || name === '..' || name.endsWith(' (deleted)'))
      return null;
    const inRoot = `${directory}/${name}`;
    const here = join(this.root, inRoot);
    this.#guard(here);
    const fd = this.#openIn(directory, here);
    if (fd === null) return null;
    try {
      const stats = isAt(fd, here) ? fstatSync(fd) : null;
      if (stats !== null && !(follow && stats.isSymbolicLink())) return {fd, stats, path: inRoot, trusted: true};
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    return null;
  }

  /** Null when the directory is another by now: an error counts only where it is still the same. */
  #openIn(directory: string, here: string): number | null {
    try {
      return openSync(encodePath(here), O_PATH | constants.O_NOFOLLOW);
    } catch (error) {
      if (isDirectoryAt(join(this.root, directory))) throw error;
      return null;
    }
  }

  #openByParts(path: string, follow: boolean): Opened {
    const rootFd = openSync(this.root, O_PATH | constants.O_DIRECTORY);
    const trail: Array<{fd: number; name: string; trusted: boolean}> = [];
    const close = () => {
      for (const {fd} of trail.splice(0)) closeSync(fd);
    };
    try {
      const rest = partsOf(path);
      let links = 0;
      let alwaysTrusted = this.#rootTrusted;
      let ended = false;
      while (rest.length > 0) {
        const name = rest.pop() as string;
        if (name === '..') {
          const dropped = trail.pop();
          if (dropped !== undefined) closeSync(dropped.fd);
          alwaysTrusted = false;
          continue;
        }
        const parent = trail.at(-1) ?? {fd: rootFd, trusted: this.#rootTrusted};
        const directory = trail.map(step => `/${step.name}`).join('');
        const {fd, stats} = this.#openPart(parent, name, join(this.root, `${directory}/${name}`));
        alwaysTrusted &&= parent.trusted;
        if (rest.length === 0 && alwaysTrusted && path.endsWith(`/${name}`) && !ended) {
          this.#trusted.set(path.slice(0, -name.length - 1), directory);
        }
        ended ||= rest.length === 0;
        if (stats.isSymbolicLink() && (follow || rest.length > 0)) {
          closeSync(fd);
          if (++links > maxLinks) throw Object.assign(new Error('too many links'), {code: 'ELOOP'});
          const target = readLinkFd(parent.fd, name);
          if (this.root === '/' && isJump(parent.fd, target)) {
            const jumped = openSync(encodePath(`/proc/self/fd/${parent.fd}/${name}`), O_PATH);
            if (rest.length === 0)
              return {fd: jumped, stats: fstatSync(jumped), path: `${directory}/${name}`, trusted: parent.trusted};
            trail.push({fd: jumped, name, trusted: parent.trusted});
            continue;
          }
          if (target.startsWith('/')) close();
          rest.push(...partsOf(target));
          continue;
        }
        if (rest.length === 0) {
          return {fd, stats, path: `${directory}/${name}`, trusted: parent.trusted};
        }
        trail.push({fd, name, trusted: parent.trusted && this.isOurs(stats)});
        if (!stats.isDirectory()) throw Object.assign(new Error('not a directory'), {code: 'ENOTDIR'});
      }
      const last = trail.at(-1);
      const fd = openSync(`/proc/self/fd/${last?.fd ?? rootFd}`, O_PATH);
      const trusted = last === undefined ? this.#rootTrusted : (trail.at(-2)?.trusted ?? this.#rootTrusted);
      return {fd, stats: fstatSync(fd), path: `/${trail.map(step => step.name).join('/')}`, trusted};
    } finally {
      close();
      closeSync(rootFd);
    }
  }

  #openPart(parent: {fd: number; trusted: boolean}, name: string, here: string): {fd: number; stats: Stats} {
    this.#guard(here);
    const fd = openSync(encodePath(`/proc/self/fd/${parent.fd}/${name}`), O_PATH | constants.O_NOFOLLOW);
    try {
      if (!parent.trusted) this.checkMount(fd);
      return {fd, stats: fstatSync(fd)};
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #guard(here: string): void {
    const mount = this.#table?.elsewhereAt(here);
    if (mount !== undefined) throw new Elsewhere(mount);
  }
}

/** SECURITYFS_MAGIC of linux/magic.h. */
const securityfs = 0x73636673;

/**
 * AppArmor's `policy` in securityfs is a link of the kernel's own to a file system that is mounted nowhere: it has no
 * path to follow by hand. Anywhere else a link of that text is a link like others.
 */
const isJump = (directory: number, target: string): boolean =>
  /^apparmorfs:\[\d+\]$/.test(target) && statfsSync(`/proc/self/fd/${directory}`).type === securityfs;

/** Whether an opened entry is the one at that path, with no link on the way. */
const isAt = (fd: number, path: string): boolean => readlinkSync(`/proc/self/fd/${fd}`) === path;

function isDirectoryAt(path: string): boolean {
  let fd = -1;
  try {
    fd = openSync(encodePath(path), O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
    return isAt(fd, path);
  } catch {
    return false;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** In the order in which to pop them. */
const partsOf = (path: string): string[] =>
  path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .reverse();

/** The directory itself and all that lead to it. */
function chainTo(directory: string): string[] {
  const chain = [directory];
  for (let path = directory; path !== '/'; path = dirname(path)) chain.push(dirname(path));
  return chain;
}

/** The target of a link, relative to its directory's descriptor. */
export function readLinkFd(parent: number, name: string): string {
  return decodeName(readlinkSync(encodePath(`/proc/self/fd/${parent}/${name}`), {encoding: 'buffer'}));
}

const scratch = Buffer.alloc(512);

/** From proc_pid_fdinfo(5), which asks no file system. */
export function mountIdOf(fd: number): number {
  const info = openSync(`/proc/self/fdinfo/${fd}`, constants.O_RDONLY);
  try {
    const text = scratch.toString('latin1', 0, readSync(info, scratch, 0, scratch.length, 0));
    return Number(/^mnt_id:\s*(\d+)/m.exec(text)?.[1] ?? -1);
  } finally {
    closeSync(info);
  }
}

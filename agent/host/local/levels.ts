import {closeSync} from 'node:fs';
import {dirname} from 'node:path/posix';
import {lookError} from '../look.ts';
import type {Directory, Glancer} from './glance.ts';
import {type NameStream, openNames} from './name-stream.ts';
import type {Resolver} from './resolve.ts';

/** One directory on the way from a walk's first to the one that is being read. */
export type Level<C> = Directory & {
  /** As the visitor knows it, inside the root; empty while the descriptor is closed. */
  path: string;
  /** -1 while it is closed because there are too many below it. */
  fd: number;
  inode: number;
  context: C;
  /** Open until all entries were read. */
  stream: NameStream | null;
  /** Names of the directories in it that are still to be entered, as latin1. */
  pending: string[];
};

/** Directories in a directory that are remembered before they are entered: a bound on memory in one with a million. */
const maxPending = 10_000;
/** The same of all levels together. */
const maxAllPending = 100_000;
/** Levels whose descriptors and paths are kept: a tree may be deeper than a process may have descriptors. */
const maxOpenLevels = 100;
/** Levels that may be left half-read for their memory's sake. */
const maxOpenStreams = 100;

/** The directories that a walk is in, one inside the other, with bounded descriptors and memory however deep it goes. */
export class Levels<C> {
  readonly #glancer: Glancer;
  readonly #resolver: Resolver;
  /** Told of a level of which a part will not be seen. */
  readonly #lose: (level: Level<C>, reason: string) => void;
  readonly #levels: Array<Level<C>> = [];
  #streams = 0;
  #pending = 0;

  constructor(glancer: Glancer, resolver: Resolver, lose: (level: Level<C>, reason: string) => void) {
    this.#glancer = glancer;
    this.#resolver = resolver;
    this.#lose = lose;
  }

  get top(): Level<C> | undefined {
    return this.#levels.at(-1);
  }

  /** Takes over the descriptor, even when it throws. `trusted` is of the directory above. */
  push(level: Pick<Level<C>, 'path' | 'fd' | 'mount' | 'trusted' | 'context'>): void {
    try {
      const {device, inode, size, isOurs} = this.#glancer.identify(level.fd);
      const stream = openNames(level.fd, level.mount.fstype, size);
      this.#streams++;
      this.#levels.push({...level, trusted: level.trusted && isOurs, device, inode, stream, pending: []});
    } catch (error) {
      closeSync(level.fd);
      throw error;
    }
    const old = this.#levels.at(-1 - maxOpenLevels);
    if (old === undefined || old.fd < 0) return;
    if (old.stream !== null && this.#streams > maxOpenStreams) {
      this.#lose(old, `cannot list all of ${old.path}: it is large, and so are too many below it`);
      this.endStream(old);
    }
    closeSync(old.fd);
    old.fd = -1;
    old.path = '';
  }

  /** Leaves the top level, and makes the one above ready again. */
  pop(): void {
    const level = this.#levels.pop() as Level<C>;
    const parent = this.top;
    if (parent !== undefined && parent.fd < 0) {
      parent.path = dirname(level.path);
      try {
        parent.fd = this.#reopen(parent, level);
      } catch (error) {
        this.#giveUp(parent, error);
      }
    }
    if (level.fd >= 0) closeSync(level.fd);
  }

  /** Whether there are so many names that they must be entered before more is read. */
  isFull({pending}: Level<C>): boolean {
    return pending.length >= maxPending || (pending.length > 0 && this.#pending >= maxAllPending);
  }

  remember(level: Level<C>, name: string): void {
    level.pending.push(name);
    this.#pending++;
  }

  take(level: Level<C>): string {
    this.#pending--;
    return level.pending.pop() as string;
  }

  endStream(level: Level<C>): void {
    if (level.stream === null) return;
    level.stream.close();
    level.stream = null;
    this.#streams--;
  }

  /** Names what will not be seen when the walk ends here. */
  abandon(why: string): void {
    let path = '';
    for (const level of this.#levels.toReversed()) {
      path = level.path || dirname(path);
      const {pending, stream} = level;
      const what = stream === null ? `${pending.length} directories in ${path}` : `the rest of ${path}`;
      if (pending.length > 0 || stream !== null) this.#lose({...level, path}, `cannot walk ${what}: ${why}`);
    }
  }

  close(): void {
    for (const level of this.#levels.splice(0)) {
      level.stream?.close();
      if (level.fd >= 0) closeSync(level.fd);
    }
  }

  /** Goes back up from the level below, or down again from the root, and makes sure that it is the same directory. */
  #reopen(parent: Level<C>, level: Level<C>): number {
    const upwards = level.fd < 0 ? -1 : this.#glancer.openParent(level.fd);
    if (upwards >= 0 && this.#isSame(parent, upwards)) return upwards;
    if (upwards >= 0) closeSync(upwards);
    const {fd} = this.#resolver.open(parent.path, false);
    if (this.#isSame(parent, fd)) return fd;
    closeSync(fd);
    throw new Error('it was moved while it was walked');
  }

  #isSame({device, inode}: Level<C>, fd: number): boolean {
    const found = this.#glancer.identify(fd);
    return found.device === device && found.inode === inode;
  }

  #giveUp(level: Level<C>, error: unknown): void {
    if (level.pending.length === 0 && level.stream === null) return;
    this.#pending -= level.pending.splice(0).length;
    this.endStream(level);
    const look = lookError(`walk the rest of ${level.path}`, error);
    this.#lose(level, look.ok ? '' : look.reason);
  }
}

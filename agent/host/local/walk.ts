import {closeSync} from 'node:fs';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {lookError} from '../look.ts';
import {servedBy} from '../mountinfo.ts';
import {defaultWalkLimits, maxWalkPath, type WalkLimits, type WalkVisitor} from '../walk.ts';
import {Glancer} from './glance.ts';
import {isWithin, join, type Mounts, NoProc} from './mounts.ts';
import {type NameStream, openNames} from './name-stream.ts';
import type {Native} from './native.ts';
import {decodeLatin1} from './read.ts';
import {Elsewhere, type Resolver} from './resolve.ts';

/** One directory on the way from the walk's first to the one that is being read. */
type Level<C> = {
  /** As the visitor knows it, inside the root. */
  path: string;
  /** -1 while it is closed because there are too many below it. */
  fd: number;
  device: number;
  inode: number;
  mount: MountFact;
  /** Only root and we can make links and mounts in it. */
  trusted: boolean;
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
/** Entries that are read at a time, between looks at the clock. */
const batch = 1000;
/** Levels whose descriptors stay open: a tree may be deeper than a process may have descriptors. */
const maxOpenLevels = 100;
/** Levels that may be left half-read for their memory's sake. */
const maxOpenStreams = 100;
/** How long other work waits for the walk. */
const sliceMs = 40;

export async function walkLocal<C>(
  machine: {resolver: Resolver; mounts: Mounts; native: Native | null},
  path: string,
  visitor: WalkVisitor<C>,
  limits: WalkLimits = {},
): Promise<{entries: number}> {
  const walk = new LocalWalk(machine, visitor, limits);
  try {
    if (walk.begin(path)) await walk.run();
  } finally {
    walk.close();
  }
  return {entries: walk.entries};
}

class LocalWalk<C> {
  entries = 0;
  readonly #resolver: Resolver;
  readonly #mounts: Mounts;
  readonly #visitor: WalkVisitor<C>;
  readonly #limits: Required<WalkLimits>;
  readonly #glancer: Glancer;
  readonly #levels: Array<Level<C>> = [];
  readonly #started = performance.now();
  #streams = 0;
  #pending = 0;

  constructor(
    machine: {resolver: Resolver; mounts: Mounts; native: Native | null},
    visitor: WalkVisitor<C>,
    limits: WalkLimits,
  ) {
    this.#resolver = machine.resolver;
    this.#mounts = machine.mounts;
    this.#visitor = visitor;
    this.#limits = {...defaultWalkLimits, progress: () => {}, ...limits};
    this.#glancer = new Glancer(machine.native, machine.resolver);
  }

  begin(path: string): boolean {
    try {
      const {fd, path: real, trusted} = this.#resolver.open(path, true);
      const mount = this.#mounts.current().serving(join(this.#resolver.root, real));
      if (mount === undefined || servedBy(mount.fstype) === 'kernel') {
        closeSync(fd);
        this.#visitor.notSeen(
          path,
          `${path} is a file system of the kernel's (${mount?.fstype ?? 'unknown'}), which is not walked`,
          null,
        );
        return false;
      }
      const context = this.#visitor.enter(real, null, this.#alsoAt(mount, real));
      return this.#enter({path: real, fd, mount, trusted}, context);
    } catch (error) {
      this.#visitor.notSeen(path, reasonOf(`walk ${path}`, error), null);
      return false;
    }
  }

  async run(): Promise<void> {
    let sliceEnd = performance.now() + sliceMs;
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const now = performance.now();
      if (this.#isOver(now)) return;
      if (now > sliceEnd) {
        this.#limits.progress(this.entries, level.path);
        await new Promise(resolve => setImmediate(resolve));
        sliceEnd = performance.now() + sliceMs;
      }
      const {pending, stream} = level;
      const isFull = pending.length >= maxPending || (pending.length > 0 && this.#pending >= maxAllPending);
      if (stream !== null && !isFull) this.#readBatch(level, stream);
      else if (pending.length > 0) this.#descend(level, this.#take(level));
      else this.#pop();
    }
  }

  close(): void {
    for (const level of this.#levels.splice(0)) {
      level.stream?.close();
      if (level.fd >= 0) closeSync(level.fd);
    }
  }

  /** Names what is left when the walk has had its share. */
  #isOver(now: number): boolean {
    const {maxEntries, maxMs} = this.#limits;
    const over =
      this.entries >= maxEntries ? `${maxEntries} entries` : now - this.#started > maxMs ? `${maxMs / 1000} s` : null;
    if (over === null) return false;
    for (const {path, pending, stream, context} of this.#levels) {
      if (pending.length === 0 && stream === null) continue;
      const what = stream === null ? `${pending.length} directories in ${path}` : `the rest of ${path}`;
      this.#visitor.notSeen(path, `cannot walk ${what}: the walk ended after ${over}`, context);
    }
    return true;
  }

  #readBatch(level: Level<C>, stream: NameStream): void {
    const points = this.#mounts.current().pointsIn(join(this.#resolver.root, level.path));
    const room = Math.min(batch, this.#limits.maxEntries - this.entries);
    try {
      for (let count = 0; count < room && level.pending.length < maxPending; count++) {
        const name = stream.next();
        if (name === undefined) {
          this.#endStream(level);
          return;
        }
        this.#pass(level, name, points);
      }
    } catch (error) {
      this.#visitor.notSeen(level.path, reasonOf(`list ${level.path}`, error), level.context);
      this.#endStream(level);
    }
  }

  #pass(level: Level<C>, name: string, points: ReadonlySet<string> | undefined): void {
    if (points?.has(decodeLatin1(name)) && this.#isElsewhere(level, name)) return;
    try {
      const entry = this.#glancer.look(level, name);
      if (entry === null) return;
      this.entries++;
      this.#visitor.visit(entry, level.context);
      if (!entry.isDirectory()) return;
      level.pending.push(name);
      this.#pending++;
    } catch (error) {
      if (error instanceof Elsewhere) this.#visitor.leftOut(pathIn(level, name), error.mount.fstype, level.context);
      else {
        this.entries++;
        const path = pathIn(level, name);
        this.#visitor.notSeen(path, reasonOf(`look at ${path}`, error), level.context);
      }
    }
  }

  #take(level: Level<C>): string {
    this.#pending--;
    return level.pending.pop() as string;
  }

  #isElsewhere(level: Level<C>, name: string): boolean {
    const path = pathIn(level, name);
    const mount = this.#mounts.current().serving(join(this.#resolver.root, path));
    if (mount === undefined || servedBy(mount.fstype) !== 'elsewhere' || mount.id === level.mount.id) return false;
    this.#visitor.leftOut(path, mount.fstype, level.context);
    return true;
  }

  #descend(level: Level<C>, name: string): void {
    const path = pathIn(level, name);
    if (path.length > maxWalkPath) {
      this.#visitor.notSeen(
        path.slice(0, 1000),
        `cannot walk a directory: its path is longer than ${maxWalkPath} characters`,
        level.context,
      );
      return;
    }
    try {
      const here = join(this.#resolver.root, path);
      const mount = this.#mounts.current().pointsIn(join(this.#resolver.root, level.path))?.has(decodeLatin1(name))
        ? (this.#mounts.current().serving(here) ?? level.mount)
        : level.mount;
      if (mount !== level.mount && servedBy(mount.fstype) !== 'local') return;
      const context = this.#visitor.enter(path, level.context, mount === level.mount ? [] : this.#alsoAt(mount, path));
      if (context === null) return;
      const fd = this.#glancer.openDirectory(level, name);
      if (fd >= 0) this.#enter({path, fd, mount, trusted: level.trusted}, context);
    } catch (error) {
      if (error instanceof Elsewhere) this.#visitor.leftOut(path, error.mount.fstype, level.context);
      else this.#visitor.notSeen(path, reasonOf(`walk ${path}`, error), level.context);
    }
  }

  /** Takes over the descriptor. */
  #enter(level: Pick<Level<C>, 'path' | 'fd' | 'mount' | 'trusted'>, context: C | null): boolean {
    try {
      if (context !== null) this.#push({...level, context});
      else closeSync(level.fd);
      return context !== null;
    } catch (error) {
      closeSync(level.fd);
      throw error;
    }
  }

  #push(level: Pick<Level<C>, 'path' | 'fd' | 'mount' | 'trusted' | 'context'>): void {
    const {device, inode, size} = this.#glancer.identify(level.fd);
    const trusted = level.trusted && this.#glancer.isOurs;
    const stream = openNames(level.fd, level.mount.fstype, size);
    this.#streams++;
    this.#levels.push({...level, trusted, device, inode, stream, pending: []});
    const old = this.#levels.at(-1 - maxOpenLevels);
    if (old === undefined || old.fd < 0) return;
    closeSync(old.fd);
    old.fd = -1;
    if (old.stream !== null && this.#streams > maxOpenStreams) {
      this.#visitor.notSeen(
        old.path,
        `cannot list all of ${old.path}: it is large, and so are too many below it`,
        old.context,
      );
      this.#endStream(old);
    }
  }

  #pop(): void {
    const level = this.#levels.pop() as Level<C>;
    const parent = this.#levels.at(-1);
    try {
      if (parent !== undefined && parent.fd < 0) parent.fd = this.#reopen(parent, level);
    } catch (error) {
      this.#giveUp(parent as Level<C>, error);
    } finally {
      if (level.fd >= 0) closeSync(level.fd);
    }
  }

  #giveUp(level: Level<C>, error: unknown): void {
    if (level.pending.length === 0 && level.stream === null) return;
    this.#pending -= level.pending.splice(0).length;
    if (level.stream !== null) this.#endStream(level);
    this.#visitor.notSeen(level.path, reasonOf(`walk the rest of ${level.path}`, error), level.context);
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

  #endStream(level: Level<C>): void {
    level.stream?.close();
    level.stream = null;
    this.#streams--;
  }

  /** In the judged root's own paths; what lies outside it is not walked with it. */
  #alsoAt(mount: MountFact, path: string): string[] {
    const {root} = this.#resolver;
    if (mount.point !== join(root, path)) return [];
    const paths = this.#mounts
      .current()
      .alsoAt(mount)
      .filter(other => isWithin(other, root));
    return paths.map(other => (root === '/' ? other : other.slice(root.length) || '/'));
  }
}

const pathIn = <C>(level: Level<C>, name: string): string => join(level.path, decodeLatin1(name));

function reasonOf(doing: string, error: unknown): string {
  if (error instanceof NoProc) return `cannot ${doing}: ${error.message}`;
  if (error instanceof Elsewhere) return `cannot ${doing}: ${error.message}, and a walk never waits for others`;
  const look = lookError(doing, error);
  return look.ok ? '' : look.reason;
}

import {closeSync} from 'node:fs';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {lookError} from '../look.ts';
import {servedBy} from '../mountinfo.ts';
import {defaultWalkLimits, maxWalkPath, type WalkLimits, type WalkVisitor} from '../walk.ts';
import {Glancer} from './glance.ts';
import {type Level, Levels} from './levels.ts';
import {isWithin, join, type Mounts, NoProc} from './mounts.ts';
import type {NameStream} from './name-stream.ts';
import type {Native} from './native.ts';
import {decodeLatin1} from './read.ts';
import {Elsewhere, type Resolver} from './resolve.ts';

/** What a walk works with. */
export type WalkTools = {resolver: Resolver; mounts: Mounts; native: Native | null};

/** Entries that are read at a time, between looks at the clock. */
const batch = 1000;
/** How long other work waits for the walk. */
const sliceMs = 40;

/** {@link HostFs.walk} of this machine. */
export async function walkLocal<C>(
  tools: WalkTools,
  path: string,
  visitor: WalkVisitor<C>,
  limits: WalkLimits = {},
): Promise<{entries: number}> {
  const walk = new LocalWalk(tools, visitor, limits);
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
  readonly #levels: Levels<C>;
  readonly #started = performance.now();

  constructor({resolver, mounts, native}: WalkTools, visitor: WalkVisitor<C>, limits: WalkLimits) {
    this.#resolver = resolver;
    this.#mounts = mounts;
    this.#visitor = visitor;
    this.#limits = {...defaultWalkLimits, progress: () => {}, ...limits};
    this.#glancer = new Glancer(native, resolver);
    this.#levels = new Levels(this.#glancer, resolver, ({path, context}, reason) =>
      visitor.notSeen(path, reason, context),
    );
  }

  begin(path: string): boolean {
    try {
      const {fd, path: real, trusted} = this.#resolver.open(path, true);
      const mount = this.#mounts.current().serving(join(this.#resolver.root, real));
      if (mount === undefined || servedBy(mount.fstype) === 'kernel') {
        closeSync(fd);
        const reason = `${path} is a file system of the kernel's (${mount?.fstype ?? 'unknown'}), which is not walked`;
        this.#visitor.notSeen(path, reason, null);
        return false;
      }
      const context = this.#visitor.enter(real, null, this.#alsoAt(mount, real));
      if (context === null) closeSync(fd);
      else this.#levels.push({path: real, fd, mount, trusted, context});
      return context !== null;
    } catch (error) {
      this.#visitor.notSeen(path, reasonOf(`walk ${path}`, error), null);
      return false;
    }
  }

  async run(): Promise<void> {
    let sliceEnd = performance.now() + sliceMs;
    for (let level = this.#levels.top; level !== undefined; level = this.#levels.top) {
      const now = performance.now();
      const over = this.#overLimit(now);
      if (over !== null) return this.#levels.abandon(`the walk ended after ${over}`);
      if (now > sliceEnd) {
        this.#limits.progress(this.entries, level.path);
        await new Promise(resolve => setImmediate(resolve));
        sliceEnd = performance.now() + sliceMs;
      }
      const {pending, stream} = level;
      if (stream !== null && !this.#levels.isFull(level)) this.#readBatch(level, stream);
      else if (pending.length > 0) this.#descend(level, this.#levels.take(level));
      else this.#levels.pop();
    }
  }

  close(): void {
    this.#levels.close();
  }

  #overLimit(now: number): string | null {
    const {maxEntries, maxMs} = this.#limits;
    if (this.entries >= maxEntries) return `${maxEntries} entries`;
    return now - this.#started > maxMs ? `${maxMs / 1000} s` : null;
  }

  #readBatch(level: Level<C>, stream: NameStream): void {
    const points = this.#pointsIn(level);
    const room = Math.min(batch, this.#limits.maxEntries - this.entries);
    try {
      for (let count = 0; count < room && !this.#levels.isFull(level); count++) {
        const name = stream.next();
        if (name === undefined) {
          this.#levels.endStream(level);
          return;
        }
        this.#pass(level, name, points);
      }
    } catch (error) {
      this.#visitor.notSeen(level.path, reasonOf(`list ${level.path}`, error), level.context);
      this.#levels.endStream(level);
    }
  }

  #pass(level: Level<C>, name: string, points: ReadonlySet<string> | undefined): void {
    if (points?.has(decodeLatin1(name)) && this.#isElsewhere(level, name)) return;
    try {
      const entry = this.#glancer.look(level, name);
      if (entry === null) return;
      this.entries++;
      this.#visitor.visit(entry, level.context);
      if (entry.isDirectory()) this.#levels.remember(level, name);
    } catch (error) {
      if (!(error instanceof Elsewhere)) this.entries++;
      this.#refuse(level, name, 'look at', error);
    }
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
      const reason = `cannot walk a directory: its path is longer than ${maxWalkPath} characters`;
      this.#visitor.notSeen(path.slice(0, 1000), reason, level.context);
      return;
    }
    try {
      const isPoint = this.#pointsIn(level)?.has(decodeLatin1(name)) ?? false;
      const over = isPoint ? this.#mounts.current().serving(join(this.#resolver.root, path)) : undefined;
      const mount = over ?? level.mount;
      if (mount !== level.mount && servedBy(mount.fstype) !== 'local') return;
      const alsoAt = mount === level.mount ? [] : this.#alsoAt(mount, path);
      const context = this.#visitor.enter(path, level.context, alsoAt);
      if (context === null) return;
      const fd = this.#glancer.openDirectory(level, name);
      if (fd >= 0) this.#levels.push({path, fd, mount, trusted: level.trusted, context});
    } catch (error) {
      this.#refuse(level, name, 'walk', error);
    }
  }

  #refuse(level: Level<C>, name: string, doing: string, error: unknown): void {
    const path = pathIn(level, name);
    if (error instanceof Elsewhere) this.#visitor.leftOut(path, error.mount.fstype, level.context);
    else this.#visitor.notSeen(path, reasonOf(`${doing} ${path}`, error), level.context);
  }

  #pointsIn(level: Level<C>): ReadonlySet<string> | undefined {
    return this.#mounts.current().pointsIn(join(this.#resolver.root, level.path));
  }

  /** In the judged root's own paths; what lies outside it is not walked with it. */
  #alsoAt(mount: MountFact, path: string): string[] {
    const {root} = this.#resolver;
    if (mount.point !== join(root, path)) return [];
    const paths = this.#mounts.current().alsoAt(mount);
    return paths
      .filter(other => isWithin(other, root))
      .map(other => (root === '/' ? other : other.slice(root.length) || '/'));
  }
}

const pathIn = <C>(level: Level<C>, name: string): string => join(level.path, decodeLatin1(name));

function reasonOf(doing: string, error: unknown): string {
  if (error instanceof NoProc) return `cannot ${doing}: ${error.message}`;
  if (error instanceof Elsewhere) return `cannot ${doing}: ${error.message}, and a walk never waits for others`;
  const look = lookError(doing, error);
  return look.ok ? '' : look.reason;
}

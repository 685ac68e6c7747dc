import {readFileSync} from 'node:fs';
import type {MountFact} from '../../../policies/facts/mounts.ts';
import {parseMountinfo, servedBy} from '../mountinfo.ts';

/** What is mounted where on this machine, at one moment. Paths are of this machine, not of a judged root. */
export class MountTable {
  readonly #mounts: MountFact[];
  readonly #byId: Map<number, MountFact>;
  readonly #children: Map<number, MountFact[]>;
  readonly #points = new Map<string, Set<string>>();
  readonly #elsewhere = new Map<string, MountFact>();

  constructor(mounts: MountFact[]) {
    this.#mounts = mounts;
    this.#byId = new Map(mounts.map(mount => [mount.id, mount]));
    this.#children = Map.groupBy(mounts, mount => mount.parent);
    for (const mount of mounts) {
      const slash = mount.point.lastIndexOf('/');
      const directory = mount.point.slice(0, slash) || '/';
      const names = this.#points.get(directory) ?? new Set();
      if (mount.point !== '/') names.add(mount.point.slice(slash + 1));
      this.#points.set(directory, names);
      if (servedBy(mount.fstype) === 'elsewhere') this.#elsewhere.set(mount.point, mount);
    }
  }

  byId(id: number): MountFact | undefined {
    return this.#byId.get(id);
  }

  /** A mount at exactly this path that may never answer. */
  elsewhereAt(path: string): MountFact | undefined {
    return this.#elsewhere.get(path);
  }

  /** The names of a directory's entries that something is mounted on. */
  pointsIn(directory: string): ReadonlySet<string> | undefined {
    return this.#points.get(directory);
  }

  /** The mount that a path without links leads to: of several at one place the last, and none that another covers. */
  serving(path: string): MountFact | undefined {
    let mount = this.#mounts.find(({parent, id}) => !this.#byId.has(parent) || parent === id);
    while (mount !== undefined) {
      const over = this.#children.get(mount.id)?.filter(child => child !== mount && isWithin(path, child.point));
      const next = over?.toSorted((a, b) => a.point.length - b.point.length || this.#index(b) - this.#index(a))[0];
      if (next === undefined) return mount;
      mount = next;
    }
    return undefined;
  }

  /**
   * Other paths at which the tree of a mount's root can be walked too, through a mount that shows more of the same file
   * system or was mounted before it. What something else is mounted over, or in, is not counted.
   */
  alsoAt(mount: MountFact): string[] {
    return this.#mounts.flatMap(other => {
      if (other === mount || other.device !== mount.device || !isWithin(mount.root, other.root)) return [];
      if (other.root === mount.root && this.#index(other) > this.#index(mount)) return [];
      const path = join(other.point, other.root === '/' ? mount.root : mount.root.slice(other.root.length));
      const whole =
        this.serving(path) === other && !this.#mounts.some(({point}) => point !== path && isWithin(point, path));
      return whole && this.#isWalked(other) ? [path] : [];
    });
  }

  /** Every mount on the way from the root is one that a walk enters. */
  #isWalked(mount: MountFact): boolean {
    let step: MountFact | undefined = mount;
    for (let depth = 0; step !== undefined && depth <= this.#mounts.length; depth++) {
      if (servedBy(step.fstype) !== 'local') return false;
      step = step.parent === step.id ? undefined : this.#byId.get(step.parent);
    }
    return true;
  }

  #index(mount: MountFact): number {
    return this.#mounts.indexOf(mount);
  }
}

/** Whether a path is a directory or below it. */
export const isWithin = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || (path.startsWith(directory) && path[directory.length] === '/');

export const join = (directory: string, rest: string): string =>
  rest === '/' || rest === ''
    ? directory
    : `${directory === '/' ? '' : directory}${rest.startsWith('/') ? rest : `/${rest}`}`;

/** How long a table is taken to be true. Where users can mount, every descriptor is asked for its mount besides. */
const freshMs = 250;

/** Without /proc there are no descriptors to walk by: nothing can be looked at safely. */
export class NoProc extends Error {
  constructor() {
    super('/proc is not mounted here, and reeve looks at nothing without it: mount -t proc proc /proc');
  }
}

/** The table of now. Throws {@link NoProc}. */
export class Mounts {
  #table: MountTable | null = null;
  #text = '';
  #readAt = 0;
  #generation = 0;

  /** Grows whenever the table was read again. */
  get generation(): number {
    return this.#generation;
  }

  current(): MountTable {
    if (this.#table === null || performance.now() - this.#readAt > freshMs) return this.refresh();
    return this.#table;
  }

  refresh(): MountTable {
    const text = readMountinfo();
    this.#readAt = performance.now();
    this.#generation++;
    if (this.#table === null || text !== this.#text) {
      this.#table = new MountTable(parseMountinfo(Buffer.from(text, 'latin1')));
      this.#text = text;
    }
    return this.#table;
  }
}

function readMountinfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    throw new NoProc();
  }
}

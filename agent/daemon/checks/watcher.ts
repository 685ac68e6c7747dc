import {type FSWatcher, lstatSync, readlinkSync, type Stats, watch} from 'node:fs';
import {Mounts, type MountTable} from '../../host/local/mounts.ts';
import {servedBy} from '../../host/mountinfo.ts';
import type {Clocks} from './clocks.ts';

/** A burst of changes is told once, so long after its first. */
const debounceMs = 150;
const maxLinks = 20;

/** A directory in which more happens than so many events a second is left alone for a while, then taken as changed. */
const storm = {events: 500, restMs: 10_000};

type Place = {directory: string /** Null: every entry. */; name: string | null};

type Directory = {
  watcher: FSWatcher | null;
  /** Entry → the paths that hang on it. */
  names: Map<string, Set<string>>;
  /** Paths that hang on every entry. */
  any: Set<string>;
  /** `device:inode`, to notice when another directory takes its place. */
  inode: string;
  /** How many events came since a moment of the monotonic clock. */
  events: number;
  since: number;
};

export type WatcherOptions = {clocks: Clocks; maxDirectories: number; onChange(paths: string[]): void};

/**
 * Watches paths by inotify(7), through the directories that hold them, so that a file that is replaced is seen too. A path
 * is an entry itself, or with a `/` at the end, the entries of a directory. Links are followed as they lie. What does
 * not exist yet is watched for in the nearest directory that does. Nothing below a mount of the kernel's own or one that
 * may never answer is touched: inotify tells nothing of what other machines do there.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #mounts = new Mounts();
  readonly #paths = new Map<string, Place[]>();
  readonly #directories = new Map<string, Directory>();
  readonly #changed = new Set<string>();
  readonly #cancels = new Set<() => void>();
  /** Directories that told something of themselves: another may be in their place. */
  readonly #moved = new Set<string>();
  #flushing = false;
  readonly #failures = new Map<string, string>();

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Watches these paths and no others. */
  set(paths: Iterable<string>): void {
    const wanted = new Set(paths);
    for (const path of this.#paths.keys()) if (!wanted.has(path)) this.#drop(path);
    this.#failures.clear();
    for (const path of wanted) this.#place(path);
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    for (const {watcher} of this.#directories.values()) watcher?.close();
    this.#directories.clear();
    this.#paths.clear();
  }

  /** Whether a path is watched: not below a mount that is left alone, and inotify had room. */
  covers(path: string): boolean {
    return this.#paths.get(path)?.some(({directory}) => this.#directories.has(directory)) ?? false;
  }

  /** Directories that are watched, and why some that should be are not. */
  status(): {directories: number; problem: string | null} {
    const [reason] = this.#failures.values();
    const count = this.#failures.size;
    const problem =
      reason === undefined
        ? null
        : `${count} ${count === 1 ? 'directory is' : 'directories are'} not watched: ${reason}`;
    return {directories: this.#directories.size, problem};
  }

  /** Watches where a path lies now. */
  #place(path: string): void {
    const places = resolvePlaces(path, this.#mounts.current());
    const before = this.#paths.get(path) ?? [];
    this.#paths.set(path, places);
    for (const place of places) this.#hang(path, place);
    for (const place of before) if (!places.some(other => isSame(place, other))) this.#unhang(path, place);
  }

  #drop(path: string): void {
    for (const place of this.#paths.get(path) ?? []) this.#unhang(path, place);
    this.#paths.delete(path);
  }

  #hang(path: string, {directory, name}: Place): void {
    const entry = this.#directories.get(directory) ?? this.#open(directory);
    if (entry === null) return;
    if (name === null) entry.any.add(path);
    else entry.names.set(name, (entry.names.get(name) ?? new Set()).add(path));
  }

  #unhang(path: string, {directory, name}: Place): void {
    const entry = this.#directories.get(directory);
    if (entry === undefined) return;
    if (name === null) entry.any.delete(path);
    else {
      const paths = entry.names.get(name);
      paths?.delete(path);
      if (paths?.size === 0) entry.names.delete(name);
    }
    if (entry.any.size > 0 || entry.names.size > 0) return;
    entry.watcher?.close();
    this.#directories.delete(directory);
  }

  #open(directory: string): Directory | null {
    if (this.#directories.size >= this.#options.maxDirectories) {
      this.#failures.set(directory, `at most ${this.#options.maxDirectories} are`);
      return null;
    }
    const entry: Directory = {watcher: null, inode: '', names: new Map(), any: new Set(), events: 0, since: 0};
    if (!this.#listen(directory, entry)) return null;
    this.#directories.set(directory, entry);
    return entry;
  }

  #listen(directory: string, entry: Directory): boolean {
    entry.watcher?.close();
    entry.watcher = null;
    try {
      entry.watcher = watch(directory, (_type, name) => this.#onEvent(directory, name));
      entry.watcher.on('error', error => this.#failures.set(directory, reasonOf(error)));
      entry.inode = inodeOf(directory);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#failures.set(directory, reasonOf(error));
      return false;
    }
  }

  #onEvent(directory: string, name: string | null): void {
    const entry = this.#directories.get(directory);
    if (entry === undefined || this.#isStorm(directory, entry)) return;
    // An event of the directory itself comes with its own name.
    const self = name === null || name === directory.slice(directory.lastIndexOf('/') + 1);
    const paths = self ? [...pathsOf(entry)] : [...entry.any, ...(entry.names.get(name) ?? [])];
    if (paths.length === 0) return;
    if (self) this.#moved.add(directory);
    this.#mark(paths);
  }

  #isStorm(directory: string, entry: Directory): boolean {
    const now = this.#options.clocks.monotonic();
    if (now - entry.since > 1000) {
      entry.since = now;
      entry.events = 0;
    }
    if (++entry.events <= storm.events) return false;
    entry.watcher?.close();
    entry.watcher = null;
    this.#after(storm.restMs, () => {
      if (this.#directories.get(directory) !== entry) return;
      this.#listen(directory, entry);
      this.#mark(pathsOf(entry));
    });
    return true;
  }

  #mark(paths: Iterable<string>): void {
    for (const path of paths) this.#changed.add(path);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#after(debounceMs, () => this.#flush());
  }

  /** Looks where the changed paths lie by now before it tells of them, so that nothing is missed in between. */
  #flush(): void {
    this.#flushing = false;
    for (const directory of this.#moved) {
      const entry = this.#directories.get(directory);
      if (entry !== undefined && entry.watcher !== null && inodeOf(directory) !== entry.inode)
        this.#listen(directory, entry);
    }
    this.#moved.clear();
    const paths = [...this.#changed];
    this.#changed.clear();
    for (const path of paths) if (this.#paths.has(path)) this.#place(path);
    this.#options.onChange(paths);
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clocks.after(ms, () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
  }
}

const pathsOf = (entry: Directory): Set<string> =>
  new Set([...entry.any, ...[...entry.names.values()].flatMap(paths => [...paths])]);

const isSame = (a: Place, b: Place): boolean => a.directory === b.directory && a.name === b.name;

/** The directories in which a change of the path shows, and under which name. Empty where nothing is to be watched. */
function resolvePlaces(path: string, mounts: MountTable): Place[] {
  const places: Place[] = [];
  const rest = partsOf(path);
  let at: string[] = [];
  let links = 0;
  while (rest.length > 0) {
    const name = rest.shift() as string;
    if (name === '..') {
      at.pop();
      continue;
    }
    const directory = `/${at.join('/')}`;
    const here = `/${[...at, name].join('/')}`;
    if (mounts.elsewhereAt(here) !== undefined) return [];
    const stat = lookAt(here);
    if (stat === null || rest.length === 0 || stat.isSymbolicLink()) places.push({directory, name});
    if (stat === null) return local(places, mounts);
    if (stat.isSymbolicLink()) {
      if (++links > maxLinks) return [];
      const target = readlinkSync(here);
      if (target.startsWith('/')) at = [];
      rest.unshift(...partsOf(target));
    } else if (rest.length > 0 && !stat.isDirectory()) {
      return local([...places, {directory, name}], mounts);
    } else {
      at.push(name);
      if (rest.length === 0 && path.endsWith('/') && stat.isDirectory()) places.push({directory: here, name: null});
    }
  }
  return local(places, mounts);
}

const local = (places: Place[], mounts: MountTable): Place[] =>
  places.filter(({directory}) => {
    const mount = mounts.serving(directory);
    return mount !== undefined && servedBy(mount.fstype) === 'local';
  });

const partsOf = (path: string): string[] => path.split('/').filter(part => part !== '' && part !== '.');

function lookAt(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function inodeOf(directory: string): string {
  const stat = lookAt(directory);
  return stat === null ? '' : `${stat.dev}:${stat.ino}`;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOSPC') return 'no inotify watch is left (sysctl fs.inotify.max_user_watches)';
  if (code === 'EMFILE') return 'no inotify instance is left (sysctl fs.inotify.max_user_instances)';
  return error instanceof Error ? error.message : String(error);
}

import {type Answer, liveOnly, seen, unseen} from '../../../policies/facts/answer.ts';
import type {StaleLibrariesFact, StaleProcess} from '../../../policies/facts/patch.ts';
import type {Host} from '../host.ts';
import {decodeName} from '../names.ts';
import {single} from './collector.ts';
import {parseCgroup, unitOfCgroup} from './processes/cgroup.ts';

const maxProcesses = 50_000;
const maxMapsBytes = 16 * 1024 * 1024;

/**
 * Processes with executable mappings of files that were deleted or replaced since. Everything is read from /proc;
 * nothing is run, and nothing that a process says of itself is used but its name for the reader.
 *
 * The kernel marks a mapping whose file lost its name with ` (deleted)`, in whatever mount namespace and root the
 * process lives. A file that was replaced where that mark does not show (a mount over it, a lower layer of overlayfs)
 * has another inode under the same path; that is compared only for processes of this mount namespace, whose paths are
 * ours, and only where inodes can be compared.
 */
export const collectStaleLibraries = single<'staleLibraries'>(async ({host}): Promise<Answer<StaleLibrariesFact>> => {
  if (!host.live) return liveOnly('what processes run on');
  const list = await host.fs.list('/proc', {max: maxProcesses});
  if (!list.ok) return unseen(list.reason);
  if (list.value.truncated) return unseen(`cannot look at all processes: there are more than ${maxProcesses}`);
  const namespace = await host.fs.readLink('/proc/self/ns/mnt');
  const files = new Files(host, await btrfsPoints(host));
  const fact: StaleLibrariesFact = {stale: [], scanned: 0, unreadable: []};
  const pids = list.value.names
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  for (const pid of pids) await lookAtProcess(host, fact, files, pid, namespace.ok ? namespace.value : null);
  return seen(fact, ['/proc']);
});

async function lookAtProcess(
  host: Host,
  fact: StaleLibrariesFact,
  files: Files,
  pid: number,
  ownNamespace: string | null,
): Promise<void> {
  const maps = await host.fs.readFile(`/proc/${pid}/maps`, {maxBytes: maxMapsBytes});
  if (!maps.ok && maps.code === 'absent') return;
  if (!maps.ok || maps.value.truncated) {
    const reason = maps.ok ? `/proc/${pid}/maps is larger than ${maxMapsBytes / 1024 / 1024} MiB` : maps.reason;
    const name = await readText(host, `/proc/${pid}/comm`);
    // An ended process fails here too; a kernel thread's maps are empty and readable.
    if (name !== null) fact.unreadable.push({pid, name: name.trim(), reason});
    return;
  }
  if (maps.value.bytes.length === 0) return;
  fact.scanned++;
  const namespace = await host.fs.readLink(`/proc/${pid}/ns/mnt`);
  const sameNamespace = ownNamespace !== null && namespace.ok && namespace.value === ownNamespace;
  const paths = new Set<string>();
  for (const mapping of parseMaps(maps.value.bytes.toString('latin1'))) {
    if (!paths.has(mapping.path) && (await isStale(files, mapping, sameNamespace))) paths.add(mapping.path);
  }
  if (paths.size > 0) fact.stale.push(await describe(host, pid, [...paths].sort()));
}

async function describe(host: Host, pid: number, paths: string[]): Promise<StaleProcess> {
  const status = (await readText(host, `/proc/${pid}/status`)) ?? '';
  const cgroup = parseCgroup((await readText(host, `/proc/${pid}/cgroup`)) ?? '');
  const exe = await host.fs.readLink(`/proc/${pid}/exe`);
  const program = exe.ok ? exe.value.replace(/ \(deleted\)$/, '') : null;
  return {
    pid,
    name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '',
    uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? -1),
    unit: cgroup === null ? null : unitOfCgroup(cgroup),
    executable: program !== null && paths.includes(program),
    paths,
  };
}

async function readText(host: Host, path: string): Promise<string | null> {
  const file = await host.fs.readFile(path, {maxBytes: 64 * 1024});
  return file.ok ? file.value.bytes.toString('utf8') : null;
}

export type Mapping = {path: string; deleted: boolean; device: number; inode: number};

/** Executable mappings of files, each file once: proc_pid_maps(5). Bytes of a path stand as latin1 characters. */
export function parseMaps(text: string): Mapping[] {
  const mappings = new Map<string, Mapping>();
  for (const line of text.split('\n')) {
    const match = /^[0-9a-f]+-[0-9a-f]+ ..x. [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) (\d+) +(\/.*)$/.exec(line);
    if (match === null || match[3] === '0') continue;
    const shown = decodeName(Buffer.from((match[4] as string).replaceAll('\\012', '\n'), 'latin1'));
    const deleted = shown.endsWith(' (deleted)');
    // rpm gives a file that it is about to remove such an ending.
    const path = deleted ? shown.slice(0, -' (deleted)'.length).replace(/;[0-9a-f]{8}$/, '') : shown;
    if (isNoLibrary(path)) continue;
    const device = deviceNumber(Number.parseInt(match[1] as string, 16), Number.parseInt(match[2] as string, 16));
    mappings.set(shown, {path, deleted, device, inode: Number(match[3])});
  }
  return [...mappings.values()];
}

/** makedev(3) of glibc, for numbers that fit in 32 bits. */
const deviceNumber = (major: number, minor: number) =>
  (minor & 0xff) + ((major & 0xfff) << 8) + (minor & 0xfff00) * 0x1000;

/**
 * What looks like a deleted file and is none: memory that a program shares or runs code from (memfd, System V and
 * POSIX shared memory, devices, asynchronous I/O, compilers at run time), and files that are meant to come and go.
 */
function isNoLibrary(path: string): boolean {
  return (
    /^\/(?:memfd:|SYSV[0-9a-f]{8}|dev\/|drm(?:\s|$)|i915|anon_hugepage|\[)/.test(path) ||
    /^\/(?:var\/)?(?:tmp|run)\//.test(path) ||
    /\/(?:orcexec\.\w+|#\d+|jna\d+\.tmp)$/.test(path)
  );
}

async function isStale(files: Files, mapping: Mapping, sameNamespace: boolean): Promise<boolean> {
  // NFS gives a deleted file that is in use such a name.
  if (/\/\.nfs[0-9a-f]{8,}$/.test(mapping.path)) return true;
  if (!mapping.deleted) return sameNamespace && (await files.isReplaced(mapping));
  // A file may really be called so.
  return !(sameNamespace && (await files.isSame(`${mapping.path} (deleted)`, mapping)));
}

/** Files on disk, each looked at once however many processes map it. */
class Files {
  readonly #host: Host;
  readonly #btrfs: string[];
  readonly #known = new Map<string, {device: number; inode: number} | null>();

  constructor(host: Host, btrfs: string[]) {
    this.#host = host;
    this.#btrfs = btrfs;
  }

  /** Another file stands under the path. A path that is not there is hidden by a mount, not deleted. */
  async isReplaced({path, device, inode}: Mapping): Promise<boolean> {
    const file = await this.#look(path);
    return file !== null && file.inode !== inode && this.#comparable(path, file.device, device);
  }

  async isSame(path: string, {inode}: Mapping): Promise<boolean> {
    return (await this.#look(path))?.inode === inode;
  }

  /** btrfs shows another device in maps than stat(2) does, with the same inode; overlayfs may differ in both. */
  #comparable(path: string, device: number, mapped: number): boolean {
    return device === mapped || this.#btrfs.some(point => path.startsWith(point));
  }

  async #look(path: string): Promise<{device: number; inode: number} | null> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const stat = await this.#host.fs.lstat(path);
    const file = stat.ok ? {device: stat.value.device, inode: stat.value.inode} : null;
    this.#known.set(path, file);
    return file;
  }
}

/** Mount points of btrfs, each with a trailing slash: proc_pid_mountinfo(5). */
async function btrfsPoints(host: Host): Promise<string[]> {
  const text = (await readText(host, '/proc/self/mountinfo')) ?? '';
  return text.split('\n').flatMap(line => {
    const match = /^\d+ \d+ \S+ \S+ (\S+) .* - btrfs /.exec(line);
    return match === null ? [] : [`${(match[1] as string).replace(/\/$/, '')}/`];
  });
}

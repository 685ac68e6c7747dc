import type {TreeEntry} from '../../../../policies/facts/tree.ts';
import type {Host} from '../../host.ts';
import {failed, looked} from '../../look.ts';
import {decodeName, isAscii} from '../../names.ts';
import {knownCapabilities, knownStates} from './known-privileged.ts';
import {merged, type Packaged, type PackageJudge} from './packaged.ts';

const infoDirectory = '/var/lib/dpkg/info';
const overrides = '/var/lib/dpkg/statoverride';
const maxLists = 50_000;
const maxListBytes = 64 * 1024 * 1024;
/** Of a package's other files, to learn when it was unpacked. */
const maxSiblings = 32;
/** dpkg renames all files of a package into place within this. */
const unpackMs = 5000;

type Owner = {name: string; siblings: string[]};

/**
 * dpkg knows which package a path belongs to, but no modes. An entry counts as packaged when dpkg-statoverride(1) says
 * how it is to be, when it is one of the files that are known to be privileged, or when nothing was changed on it since
 * its package was unpacked: its change time is that of the package's other files. Directories change whenever an entry
 * does, so of them only the first two can be told.
 */
export const judgeByDpkg: PackageJudge = async (host, entries, tables) => {
  const list = await host.fs.list(infoDirectory, {max: maxLists});
  if (!list.ok) return list.code === 'absent' ? null : list;
  if (list.value.truncated)
    return failed('io', `cannot list all of ${infoDirectory}: it has more than ${maxLists} entries`);
  const owners = new Map<string, Owner>();
  for (const name of list.value.names) {
    if (!name.endsWith('.list')) continue;
    const path = `${infoDirectory}/${name}`;
    const file = await host.fs.readFile(path, {maxBytes: maxListBytes});
    if (!file.ok) return file;
    if (file.value.truncated) return failed('io', `cannot read all of ${path}: it is too large`);
    findOwned(name.slice(0, -'.list'.length), file.value.bytes, entries, owners);
  }
  const overridden = await readOverrides(host);
  if (!overridden.ok) return overridden;
  const packaged = new Map<string, Packaged>();
  for (const [path, owner] of owners) {
    const entry = entries.get(path) as TreeEntry;
    const override = overridden.value.get(path);
    packaged.set(
      path,
      override === undefined ? await judge(host, path, entry, owner) : judgeOverride(entry, override, tables.users),
    );
  }
  return looked(packaged);
};

/** Line by line: all lists together have some ten megabytes, and hardly a line is wanted. */
function findOwned(name: string, list: Buffer, entries: Map<string, TreeEntry>, owners: Map<string, Owner>): void {
  let siblings: string[] | null = null;
  for (let start = 0, end = 0; start < list.length; start = end + 1) {
    end = list.indexOf(10, start);
    if (end < 0) end = list.length;
    const line = list.toString('latin1', start, end);
    const path = isAscii(line) ? line : decodeName(list.subarray(start, end));
    const wanted = path.startsWith('/usr/') ? path : merged(path);
    if (!entries.has(wanted) || owners.has(wanted)) continue;
    siblings ??= spread(decodeName(list).split('\n'), entries);
    owners.set(wanted, {name, siblings});
  }
}

/** Some of the paths from all over the list, none of which was found itself. */
function spread(paths: string[], entries: Map<string, TreeEntry>): string[] {
  const step = Math.max(1, Math.floor(paths.length / maxSiblings));
  return paths
    .filter((path, index) => index % step === 0 && path.length > 1 && !entries.has(merged(path)))
    .slice(0, maxSiblings);
}

async function judge(host: Host, path: string, entry: TreeEntry, {name, siblings}: Owner): Promise<Packaged> {
  if (isKnown(path, entry)) return {asPackaged: true, note: ''};
  const unchanged = entry.type === 'file' && (await isUnchanged(host, entry.path, siblings));
  const why =
    entry.type === 'file' ? `and it was changed after ${name} was unpacked` : 'so nobody can tell how it came';
  return {asPackaged: unchanged, note: `package ${name} brings it; dpkg keeps no modes, ${why}`};
}

function isKnown(path: string, {mode, owner, group, capabilities}: TreeEntry): boolean {
  if (capabilities !== null) return knownCapabilities.get(path)?.includes(capabilities) ?? false;
  return (
    knownStates.get(path)?.some(known => known.mode === mode && known.owner === owner && known.group === group) ?? false
  );
}

async function isUnchanged(host: Host, path: string, siblings: string[]): Promise<boolean> {
  const own = await host.fs.lstat(path);
  if (!own.ok) return false;
  const times: number[] = [];
  for (const sibling of siblings) {
    const stat = await host.fs.lstat(sibling);
    if (stat.ok && stat.value.type === 'file') times.push(stat.value.changedMs);
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  return median !== undefined && own.value.changedMs <= median + unpackMs;
}

type Override = {owner: string; group: string; mode: number};

async function readOverrides(host: Host) {
  const found = new Map<string, Override>();
  const file = await host.fs.readFile(overrides);
  if (!file.ok) return file.code === 'absent' ? looked(found) : file;
  for (const line of decodeName(file.value.bytes).split('\n')) {
    const match = /^(\S+) (\S+) ([0-7]{3,4}) (\/.*)$/.exec(line);
    if (match !== null) {
      const [owner, group, mode, path] = match.slice(1) as [string, string, string, string];
      found.set(merged(path), {owner, group, mode: Number.parseInt(mode, 8)});
    }
  }
  return looked(found);
}

function judgeOverride(entry: TreeEntry, {owner, group, mode}: Override, users: Map<number, string>): Packaged {
  const isNamed = (wanted: string, name: string | null, id: number) => wanted === name || wanted === `#${id}`;
  const asPackaged =
    mode === entry.mode &&
    isNamed(owner, entry.owner ?? users.get(entry.uid) ?? null, entry.uid) &&
    isNamed(group, entry.group, entry.gid);
  const wanted = `${owner}:${group} ${mode.toString(8).padStart(4, '0')}`;
  return {
    asPackaged: asPackaged && entry.capabilities === null,
    note: `dpkg-statoverride says that it is to be ${wanted}`,
  };
}

import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {once} from '../once.ts';
import {baseName, directoryName, parseUnitName, templateOf} from './names.ts';

/** A unit file or link as it stands in one directory of the search path. */
export type UnitEntry =
  | {type: 'file'; path: string; empty: boolean}
  /** `target` is absolute, with the links of its directories resolved; `inside`: it leads to a directory of the search path. */
  | {type: 'link'; path: string; target: string; written: string; inside: boolean}
  | {type: 'other'; path: string};

export type UnitDirectory = {
  path: string;
  role: 'config' | 'generator' | 'transient' | 'other';
  runtime: boolean;
  entries: Map<string, UnitEntry>;
  /** Links in `*.wants`, `*.requires` and `*.upholds`, by their own name; and by the template of that name. */
  wants: Map<string, string[]>;
  wantedTemplates: Map<string, Set<string>>;
  /** Names of links in the directory itself, by the last part of what they point to. */
  linksTo: Map<string, string[]>;
  /** `NAME.d` directories. */
  dropIns: Set<string>;
};

/** All unit directories, the first hiding the later ones. */
export type UnitTree = {directories: UnitDirectory[]; entries: number};

/**
 * systemd.unit(5), in order, with those of generators and `systemctl edit --runtime`. /lib comes before /usr/lib where
 * the two are not one.
 */
const searchPath: ReadonlyArray<readonly [path: string, role: UnitDirectory['role']]> = [
  ['/etc/systemd/system.control', 'other'],
  ['/run/systemd/system.control', 'other'],
  ['/run/systemd/transient', 'transient'],
  ['/run/systemd/generator.early', 'generator'],
  ['/etc/systemd/system', 'config'],
  ['/etc/systemd/system.attached', 'other'],
  ['/run/systemd/system', 'other'],
  ['/run/systemd/system.attached', 'other'],
  ['/run/systemd/generator', 'generator'],
  ['/usr/local/lib/systemd/system', 'other'],
  ['/lib/systemd/system', 'other'],
  ['/usr/lib/systemd/system', 'other'],
  ['/run/systemd/generator.late', 'generator'],
];

/** A host has some hundred; a tree with more is damaged or hostile. */
const maxEntries = 20_000;
const wantsSuffix = /\.(?:wants|requires|upholds)$/;

/** Read once a check: units, mount units and time services all need it. */
export const readUnitTree = once(async ({host}): Promise<Look<UnitTree>> => {
  const tree: UnitTree = {directories: [], entries: 0};
  for (const [path, role] of searchPath) {
    const real = await host.fs.realPath(path);
    if (!real.ok && real.code === 'absent') continue;
    if (!real.ok) return real;
    if (tree.directories.some(directory => directory.path === real.value)) continue;
    tree.directories.push({
      path: real.value,
      role,
      runtime: path.startsWith('/run/'),
      entries: new Map(),
      wants: new Map(),
      wantedTemplates: new Map(),
      linksTo: new Map(),
      dropIns: new Set(),
    });
  }
  for (const directory of tree.directories) {
    const read = await readDirectory(host, directory, tree);
    if (!read.ok) return read;
  }
  return looked(tree);
});

async function readDirectory(host: Host, directory: UnitDirectory, tree: UnitTree): Promise<Look<null>> {
  const names = await listAll(host, directory.path, tree);
  if (!names.ok) return names;
  for (const name of names.value.sort()) {
    const path = `${directory.path}/${name}`;
    if (name.endsWith('.d')) directory.dropIns.add(name);
    else if (wantsSuffix.test(name)) {
      const read = await readWants(host, path, directory, tree);
      if (!read.ok) return read;
    } else if (parseUnitName(name) !== null) {
      const entry = await readEntry(host, path, tree);
      if (!entry.ok && entry.code !== 'absent') return entry;
      if (!entry.ok) continue;
      directory.entries.set(name, entry.value);
      if (entry.value.type === 'link') push(directory.linksTo, baseName(entry.value.written), name);
    }
  }
  return looked(null);
}

/** Only real directories and the links in them count. */
async function readWants(host: Host, path: string, directory: UnitDirectory, tree: UnitTree): Promise<Look<null>> {
  const stat = await host.fs.lstat(path);
  if (!stat.ok) return stat.code === 'absent' ? looked(null) : stat;
  if (stat.value.type !== 'directory') return looked(null);
  const names = await listAll(host, path, tree);
  if (!names.ok) return names;
  for (const name of names.value.sort()) {
    if (parseUnitName(name) === null) continue;
    const link = await host.fs.lstat(`${path}/${name}`);
    if (!link.ok && link.code !== 'absent') return link;
    if (!link.ok || link.value.type !== 'link') continue;
    push(directory.wants, name, `${path}/${name}`);
    const template = templateOf(name);
    if (template !== null)
      directory.wantedTemplates.set(template, (directory.wantedTemplates.get(template) ?? new Set()).add(name));
  }
  return looked(null);
}

async function readEntry(host: Host, path: string, tree: UnitTree): Promise<Look<UnitEntry>> {
  const stat = await host.fs.lstat(path);
  if (!stat.ok) return stat;
  if (stat.value.type === 'file') return looked({type: 'file', path, empty: stat.value.size === 0});
  if (stat.value.type === 'character-device') return looked({type: 'file', path, empty: true});
  if (stat.value.type !== 'link') return looked({type: 'other', path});
  const written = await host.fs.readLink(path);
  if (!written.ok) return written;
  const target = await resolveTarget(host, path, written.value);
  const inside = tree.directories.some(directory => target.startsWith(`${directory.path}/`));
  return looked({type: 'link', path, target, written: written.value, inside});
}

/** The target with the links of its directory followed, but not the target itself; it need not exist. */
async function resolveTarget(host: Host, path: string, written: string): Promise<string> {
  const absolute = written.startsWith('/') ? written : `${directoryName(path)}/${written}`;
  const directory = await host.fs.realPath(directoryName(absolute));
  const base = directory.ok ? directory.value : normalise(directoryName(absolute));
  return base === '/' ? `/${baseName(absolute)}` : `${base}/${baseName(absolute)}`;
}

function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

async function listAll(host: Host, path: string, tree: UnitTree): Promise<Look<string[]>> {
  const list = await host.fs.list(path, {max: maxEntries});
  if (!list.ok) return list.code === 'absent' ? looked([]) : list;
  tree.entries += list.value.names.length;
  if (list.value.truncated || tree.entries > maxEntries) {
    return failed(
      'io',
      `cannot look at all units: ${path} and the directories before it hold more than ${maxEntries} entries`,
    );
  }
  return looked(list.value.names);
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

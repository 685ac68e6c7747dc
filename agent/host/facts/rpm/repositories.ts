import {matchesPattern} from '../../../../policies/pattern.ts';
import type {Host} from '../../host.ts';
import {type IniSection, iniBoolean, iniList, parseIni} from './ini.ts';

/** One configured repository of dnf or yum. `options` are its own, after the overrides of dnf5. */
export type DnfRepository = {id: string; where: string; enabled: boolean; options: IniSection};
export type DnfConfiguration = {
  /** `[main]` of dnf.conf. */
  main: IniSection;
  repositories: DnfRepository[];
  /** The files that were read. */
  read: string[];
};

const mainFiles = ['/etc/dnf/dnf.conf', '/etc/yum.conf'];
const dropIns = ['/usr/share/dnf5/libdnf.conf.d', '/etc/dnf/libdnf5.conf.d'];
const defaultDirectories = ['/etc/yum.repos.d', '/etc/yum/repos.d', '/etc/distro.repos.d', '/usr/share/dnf5/repos.d'];
const overrideDirectories = ['/usr/share/dnf5/repos.override.d', '/etc/dnf/repos.override.d'];

/** What dnf.conf(5) and the .repo files say; fails when a file that is there cannot be read. Null without any of them. */
export async function readDnfConfiguration(host: Host): Promise<DnfConfiguration | {reason: string} | null> {
  const configuration: DnfConfiguration = {main: new Map(), repositories: [], read: []};
  for (const path of mainFiles) {
    const sections = await readIni(host, path);
    if (sections === null) continue;
    if ('reason' in sections) return sections;
    configuration.main = sections.get('main') ?? new Map();
    configuration.read.push(path);
    break;
  }
  const mainParts = await readDirectories(host, dropIns, '.conf', configuration.read);
  if ('reason' in mainParts) return mainParts;
  for (const sections of mainParts)
    for (const [key, entry] of sections.get('main') ?? []) configuration.main.set(key, entry);
  const own = configuration.main.get('reposdir');
  const directories = own === undefined ? defaultDirectories : iniList(own.value);
  const parts = await readDirectories(host, directories, '.repo', configuration.read);
  if ('reason' in parts) return parts;
  for (const sections of parts) {
    for (const [id, options] of sections) if (id !== 'main') configuration.repositories.push(toRepository(id, options));
  }
  const overrides = await readDirectories(host, overrideDirectories, '.repo', configuration.read);
  if ('reason' in overrides) return overrides;
  for (const sections of overrides)
    for (const [id, options] of sections) override(configuration.repositories, id, options);
  return configuration.read.length === 0 ? null : configuration;
}

function toRepository(id: string, options: IniSection): DnfRepository {
  const where = [...options.values()][0]?.where ?? id;
  return {id, where, enabled: isEnabled(options), options};
}

/** dnf5: a section of an override file is an id or a pattern of ids. */
function override(repositories: DnfRepository[], id: string, options: IniSection): void {
  for (const repository of repositories) {
    if (!matchesPattern(id, repository.id)) continue;
    for (const [key, entry] of options) repository.options.set(key, entry);
    repository.enabled = isEnabled(repository.options);
  }
}

/** Enabled unless it says otherwise; a value that dnf refuses leaves the default. */
const isEnabled = (options: IniSection) => iniBoolean(options.get('enabled')?.value ?? '1') ?? true;

async function readDirectories(
  host: Host,
  directories: string[],
  ending: string,
  read: string[],
): Promise<Array<Map<string, IniSection>> | {reason: string}> {
  const parts: Array<Map<string, IniSection>> = [];
  for (const directory of directories) {
    const list = await host.fs.list(directory, {max: 1000});
    if (!list.ok && list.code === 'absent') continue;
    if (!list.ok) return {reason: list.reason};
    if (list.value.truncated) return {reason: `cannot read all of ${directory}: it has more than 1000 entries`};
    for (const name of list.value.names.filter(entry => entry.endsWith(ending)).sort()) {
      const path = `${directory}/${name}`;
      const sections = await readIni(host, path);
      if (sections === null) continue;
      if ('reason' in sections) return sections;
      parts.push(sections);
      read.push(path);
    }
  }
  return parts;
}

async function readIni(host: Host, path: string): Promise<Map<string, IniSection> | {reason: string} | null> {
  const file = await host.fs.readFile(path);
  if (!file.ok) return file.code === 'absent' ? null : {reason: file.reason};
  if (file.value.truncated) return {reason: `cannot read ${path}: it is larger than 1 MiB`};
  return parseIni(path, file.value.bytes.toString('utf8'));
}

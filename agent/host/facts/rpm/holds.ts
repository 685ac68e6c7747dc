import {matchesPattern} from '../../../../policies/pattern.ts';
import type {Host} from '../../host.ts';
import {iniBoolean, iniList, parseIni} from './ini.ts';
import {readDnfConfiguration} from './repositories.ts';

/** What the administrator keeps from being updated. `by: name` matches the name alone, `any` each form dnf accepts. */
export type Hold = {pattern: string; by: 'name' | 'any'; where: string};

type Held = {name: string; version: string; architecture: string};

/** Locks of the versionlock plugin (dnf-versionlock(8)) and of dnf5, and `excludepkgs` of dnf.conf(5). */
export async function readHolds(host: Host): Promise<{holds: Hold[]; read: string[]} | {reason: string}> {
  const configuration = await readDnfConfiguration(host);
  if (configuration !== null && 'reason' in configuration) return configuration;
  const holds: Hold[] = [];
  const read: string[] = [];
  for (const options of configuration === null
    ? []
    : [configuration.main, ...configuration.repositories.filter(({enabled}) => enabled).map(({options}) => options)]) {
    for (const key of ['excludepkgs', 'exclude']) {
      const entry = options.get(key);
      if (entry !== undefined)
        holds.push(...iniList(entry.value).map(pattern => ({pattern, by: 'any' as const, where: entry.where})));
    }
  }
  const list = await lockList(host);
  if (typeof list === 'object' && list !== null) return list;
  for (const [path, parse] of [
    [list, parseLockList],
    ['/etc/dnf/versionlock.toml', parseLockToml],
  ] as const) {
    const file = path === null ? null : await host.fs.readFile(path);
    if (path === null || file === null || (!file.ok && file.code === 'absent')) continue;
    if (!file.ok) return {reason: file.reason};
    read.push(path);
    holds.push(...parse(path, file.value.bytes.toString('utf8')));
  }
  return {holds, read};
}

export function isHeld(holds: readonly Hold[], {name, version, architecture}: Held): boolean {
  if (holds.length === 0) return false;
  const plain = version.replace(/^\d+:/, '');
  const forms = [
    name,
    `${name}.${architecture}`,
    `${name}-${plain}`,
    `${name}-${plain}.${architecture}`,
    `${name}-${version}`,
    `${name}-${version}.${architecture}`,
  ];
  return holds.some(({pattern, by}) => (by === 'name' ? [name] : forms).some(form => matchesPattern(pattern, form)));
}

/** The plugin's list file, or null when the plugin is not there or off. */
async function lockList(host: Host): Promise<string | null | {reason: string}> {
  const path = '/etc/dnf/plugins/versionlock.conf';
  const file = await host.fs.readFile(path);
  if (!file.ok) return file.code === 'absent' ? null : {reason: file.reason};
  const main = parseIni(path, file.value.bytes.toString('utf8')).get('main');
  if (iniBoolean(main?.get('enabled')?.value ?? '1') === false) return null;
  return main?.get('locklist')?.value ?? '/etc/dnf/plugins/versionlock.list';
}

/** `name-epoch:version-release.arch`, parts of it patterns, a line. A line that begins with `!` only bars one version. */
function parseLockList(path: string, text: string): Hold[] {
  return text.split('\n').flatMap((line, index) => {
    const entry = line.replace(/#.*/, '').trim();
    if (entry === '' || entry.startsWith('!')) return [];
    const name = /^(.+)-(?:[^-:]*:)?[^-]+-[^-]+$/.exec(entry)?.[1] ?? entry;
    return [{pattern: name, by: 'name' as const, where: `${path}:${index + 1}`}];
  });
}

/** dnf5-versionlock(8). An entry whose conditions are all `!=` only bars versions. */
function parseLockToml(path: string, text: string): Hold[] {
  const holds: Array<Hold & {comparators: string[]}> = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*\[\[\s*packages\s*\]\]/.test(line))
      holds.push({pattern: '', by: 'name', where: `${path}:${index + 1}`, comparators: []});
    const match = /^\s*(name|comparator)\s*=\s*["']([^"']*)["']/.exec(line);
    const current = holds.at(-1);
    if (match === null || current === undefined) continue;
    if (match[1] === 'name') current.pattern = match[2] as string;
    else current.comparators.push(match[2] as string);
  }
  return holds
    .filter(({pattern, comparators}) => pattern !== '' && comparators.some(comparator => comparator !== '!='))
    .map(({pattern, by, where}) => ({pattern, by, where}));
}

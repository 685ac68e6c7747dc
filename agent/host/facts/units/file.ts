import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {instanceOf, isTemplate, mayAlias, templateOf} from './names.ts';
import type {UnitTree} from './tree.ts';

export type UnitAssignment = {section: string; key: string; value: string; line: number};

/** systemd.syntax(7): sections, comments, and lines that a backslash continues. */
export function parseUnitFile(text: string): UnitAssignment[] {
  const assignments: UnitAssignment[] = [];
  let section = '';
  let pending = '';
  let started = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim();
    if (trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    if (pending === '') started = index + 1;
    if (raw.endsWith('\\')) {
      pending += `${raw.slice(0, -1)} `;
      continue;
    }
    const line = (pending + raw).trim();
    pending = '';
    if (line.startsWith('[') && line.endsWith(']')) {
      section = line.slice(1, -1);
      continue;
    }
    const equals = line.indexOf('=');
    if (equals > 0)
      assignments.push({
        section,
        key: line.slice(0, equals).trim(),
        value: line.slice(equals + 1).trim(),
        line: started,
      });
  }
  return assignments;
}

/** What [Install] asks for, systemd.unit(5). */
export type Install = {aliases: string[]; wanted: boolean; also: boolean; defaultInstance: string | null};

/** [Install] of a unit file and its drop-ins. An empty value takes back what was there before. */
export async function readInstall(
  host: Host,
  tree: UnitTree,
  unit: {name: string; path: string},
): Promise<Look<Install>> {
  const lists = new Map<string, string[]>();
  let defaultInstance: string | null = null;
  for (const path of [unit.path, ...(await dropInFiles(host, tree, unit.name))]) {
    const text = await readUnitText(host, path);
    if (!text.ok) return text;
    if (!text.value.includes('[Install]')) continue;
    for (const {section, key, value} of parseUnitFile(text.value)) {
      if (section !== 'Install') continue;
      if (key === 'DefaultInstance') defaultInstance = value === '' ? null : value;
      else if (value === '' && key !== 'Also') lists.delete(key);
      else lists.set(key, [...(lists.get(key) ?? []), ...value.split(/\s+/).filter(word => word !== '')]);
    }
  }
  const has = (key: string) => (lists.get(key) ?? []).length > 0;
  const aliases = mayAlias(unit.name) ? (lists.get('Alias') ?? []) : [];
  return looked({
    aliases,
    wanted: aliases.length > 0 || has('WantedBy') || has('RequiredBy') || has('UpheldBy'),
    also: has('Also'),
    defaultInstance: isTemplate(unit.name) ? defaultInstance : null,
  });
}

/** The name that a template has with its default instance. */
export const defaultName = (name: string, {defaultInstance}: Install): string | null =>
  defaultInstance !== null && isTemplate(name) ? instanceOf(name, defaultInstance) : null;

/** Drop-ins of a unit and of its template in the order in which they are read: by name, an earlier directory hiding a later one. */
export async function dropInFiles(host: Host, tree: UnitTree, name: string): Promise<string[]> {
  const template = templateOf(name);
  const folders = [`${name}.d`, ...(template === null || template === name ? [] : [`${template}.d`])];
  const files = new Map<string, string>();
  for (const folder of folders) {
    for (const directory of tree.directories) {
      if (!directory.dropIns.has(folder)) continue;
      const list = await host.fs.list(`${directory.path}/${folder}`, {max: 1000});
      if (!list.ok) continue;
      for (const file of list.value.names)
        if (file.endsWith('.conf') && !files.has(file)) files.set(file, `${directory.path}/${folder}/${file}`);
    }
  }
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** Empty for a link to /dev/null, which takes a drop-in away. */
export async function readUnitText(host: Host, path: string): Promise<Look<string>> {
  const file = await host.fs.readFile(path);
  if (!file.ok) {
    const real = file.code === 'wrong-type' || file.code === 'absent' ? await host.fs.readLink(path) : null;
    return real?.ok && real.value === '/dev/null' ? looked('') : file;
  }
  if (file.value.truncated) return failed('io', `cannot read ${path}: it is larger than a unit file may be`);
  return looked(file.value.bytes.toString('utf8'));
}

import type {Host} from '../../../host.ts';
import type {Reading} from '../reader.ts';

/** Where systemd looks for system units, the strongest first. Source: `systemd-analyze unit-paths`, systemd.unit(5). */
export const unitPaths = [
  '/etc/systemd/system.control',
  '/run/systemd/system.control',
  '/run/systemd/transient',
  '/run/systemd/generator.early',
  '/etc/systemd/system',
  '/etc/systemd/system.attached',
  '/run/systemd/system',
  '/run/systemd/system.attached',
  '/run/systemd/generator',
  '/usr/local/lib/systemd/system',
  '/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/run/systemd/generator.late',
];

export type UnitFiles = {fragment: string; dropIns: string[]} | {missing: string};

const maxLinks = 8;

/** The file of a unit and its drop-ins in the order in which systemd reads them. */
export async function unitFiles(host: Host, reading: Reading, unit: string): Promise<UnitFiles> {
  const names = [unit];
  let fragment: string | null = null;
  for (let name = unit, links = 0; links < maxLinks; links++) {
    const found = await findFragment(host, reading, name);
    if (found === null) break;
    fragment = found.path;
    if (found.masked) return {missing: `${unit} is masked by ${found.path}`};
    const target = found.link?.slice(found.link.lastIndexOf('/') + 1);
    if (target === undefined || target === name || names.includes(target)) break;
    name = isTemplate(target) ? target.replace('@.', `@${instanceOf(unit)}.`) : target;
    if (names.includes(name)) break;
    names.unshift(name);
  }
  if (fragment === null) return {missing: `there is no unit ${unit}`};
  names.push(...(await aliasesOf(host, names)));
  return {fragment, dropIns: await reading.merged(dropInDirectories(names), name => name.endsWith('.conf'))};
}

/** The first file of that name, or of its template, with where it points when it is a link. */
async function findFragment(
  host: Host,
  reading: Reading,
  name: string,
): Promise<{path: string; link: string | null; masked: boolean} | null> {
  for (const wanted of isInstance(name) ? [name, templateOf(name)] : [name]) {
    for (const directory of unitPaths) {
      const path = `${directory}/${wanted}`;
      const stat = await host.fs.lstat(path);
      if (!stat.ok) {
        if (stat.code !== 'absent') reading.fail(stat.reason);
        continue;
      }
      const link = stat.value.type === 'link' ? await host.fs.readLink(path) : null;
      const target = link?.ok ? link.value : null;
      return {
        path,
        link: target,
        masked: target === '/dev/null' || (stat.value.type === 'file' && stat.value.size === 0),
      };
    }
  }
  return null;
}

/** Other names of the unit: links in the unit directories that lead to it. Their drop-ins count too. */
async function aliasesOf(host: Host, names: string[]): Promise<string[]> {
  const suffix = names[0]?.slice(names[0].lastIndexOf('.')) ?? '';
  const found = new Set<string>();
  for (const directory of unitPaths) {
    const list = await host.fs.list(directory);
    if (!list.ok) continue;
    for (const name of list.value.names) {
      if (!name.endsWith(suffix) || names.includes(name)) continue;
      const link = await host.fs.readLink(`${directory}/${name}`);
      if (link.ok && names.includes(link.value.slice(link.value.lastIndexOf('/') + 1))) found.add(name);
    }
  }
  return [...found].sort();
}

/** The strongest first: those of each of the unit's names, then those of all units of its type (`service.d`). */
function dropInDirectories(names: string[]): string[] {
  const type = names[0]?.slice(names[0].lastIndexOf('.') + 1) ?? '';
  const own = names.flatMap(name => unitPaths.flatMap(path => prefixesOf(name).map(prefix => `${path}/${prefix}.d`)));
  return [...new Set([...own, ...unitPaths.map(path => `${path}/${type}.d`)])];
}

/** `foo-bar@x.service` also reads drop-ins of `foo-bar@.service`, `foo-@.service` and `foo-@x.service`. */
function prefixesOf(name: string): string[] {
  const suffix = name.slice(name.lastIndexOf('.'));
  const stem = name.slice(0, name.lastIndexOf('.'));
  const at = stem.indexOf('@');
  const [prefix, instance] = at < 0 ? [stem, ''] : [stem.slice(0, at), stem.slice(at)];
  const dash = prefix.replace(/-$/, '').lastIndexOf('-');
  return [
    name,
    ...(isInstance(name) ? prefixesOf(templateOf(name)) : []),
    ...(dash <= 0 ? [] : prefixesOf(`${prefix.slice(0, dash + 1)}${instance}${suffix}`)),
  ];
}

const isInstance = (name: string): boolean => /@[^.].*\./.test(name);
const isTemplate = (name: string): boolean => name.includes('@.');
const templateOf = (name: string): string =>
  `${name.slice(0, name.indexOf('@') + 1)}${name.slice(name.lastIndexOf('.'))}`;
const instanceOf = (name: string): string =>
  name.includes('@') ? name.slice(name.indexOf('@') + 1, name.lastIndexOf('.')) : '';

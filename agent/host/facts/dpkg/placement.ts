import {matchesGlob} from '../../../../policies/pattern.ts';
import type {Host} from '../../host.ts';
import {failed, type Look, looked} from '../../look.ts';
import {decodeName} from '../../names.ts';

/** Where dpkg puts a package's file, and whether it was told to leave it out. */
export type Placement = {
  /** The path itself, or where another package's or the administrator's diversion moved it. */
  placeOf(path: string, packageName: string): string;
  isExcluded(path: string): boolean;
};

/** dpkg-divert(1)'s diversions and dpkg.cfg(5)'s path-exclude and path-include. */
export async function readPlacement(host: Host): Promise<Look<Placement>> {
  const diversions = await readDiversions(host);
  if (!diversions.ok) return diversions;
  const filters = await readFilters(host);
  if (!filters.ok) return filters;
  return looked({
    placeOf: (path, packageName) => {
      const diversion = diversions.value.get(merged(path));
      return diversion === undefined || diversion.by === packageName ? path : diversion.to;
    },
    isExcluded: path =>
      filters.value.reduce((excluded, {pattern, exclude}) => (matchesGlob(pattern, path) ? exclude : excluded), false),
  });
}

/** With merged /usr a file has two paths; the one below /usr is its name here. */
const merged = (path: string) => path.replace(/^\/(bin|sbin|lib|lib32|lib64|libx32|libo32)\//, '/usr/$1/');

async function readDiversions(host: Host): Promise<Look<Map<string, {to: string; by: string}>>> {
  const path = '/var/lib/dpkg/diversions';
  const diversions = new Map<string, {to: string; by: string}>();
  const file = await host.fs.readFile(path, {maxBytes: 16 * 1024 * 1024});
  if (!file.ok) return file.code === 'absent' ? looked(diversions) : file;
  const lines = decodeName(file.value.bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (file.value.truncated || lines.length % 3 !== 0 || lines.some(line => line.includes('\0')))
    return failed('io', `cannot trust ${path}: it is damaged`);
  for (let index = 0; index < lines.length; index += 3) {
    const [from, to, by] = lines.slice(index, index + 3) as [string, string, string];
    diversions.set(merged(from), {to, by});
  }
  return looked(diversions);
}

const maxFilters = 1000;

type Filter = {pattern: string; exclude: boolean};

/** dpkg.cfg.d in the order of names, then dpkg.cfg; the last pattern that matches decides. */
async function readFilters(host: Host): Promise<Look<Filter[]>> {
  const list = await host.fs.list('/etc/dpkg/dpkg.cfg.d', {max: 10_000});
  if (!list.ok && list.code !== 'absent') return list;
  const parts = list.ok ? list.value.names.filter(name => /^[A-Za-z0-9_-]+$/.test(name)).sort() : [];
  const filters: Filter[] = [];
  for (const path of [...parts.map(name => `/etc/dpkg/dpkg.cfg.d/${name}`), '/etc/dpkg/dpkg.cfg']) {
    const file = await host.fs.readFile(path);
    if (!file.ok && file.code !== 'absent') return file;
    if (!file.ok) continue;
    for (const line of decodeName(file.value.bytes).split('\n')) {
      const match = /^\s*(?:--)?path-(exclude|include)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line);
      if (match !== null)
        filters.push({pattern: (match[2] as string).replace(/^(["'])(.*)\1$/, '$2'), exclude: match[1] === 'exclude'});
    }
  }
  return filters.length > maxFilters
    ? failed('io', `dpkg.cfg has more than ${maxFilters} path filters`)
    : looked(filters);
}

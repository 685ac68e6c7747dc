import type {FstabFact} from '../../../../policies/facts/mounts.ts';
import type {Host} from '../../host.ts';
import {type Look, looked} from '../../look.ts';
import {encodePath} from '../../names.ts';
import {discover} from '../units/discover.ts';
import {dropInFiles, parseUnitFile, readUnitText} from '../units/file.ts';
import {directoryName} from '../units/names.ts';
import {unitState} from '../units/state.ts';
import type {UnitTree} from '../units/tree.ts';
import {cleanPath, splitOptions} from './parse.ts';

/** The unit name that a mount point must have, systemd.unit(5), "String escaping for inclusion in unit names". */
export function mountUnitName(point: string): string {
  const path = Buffer.from(encodePath(point.replace(/^\//, '')) as string);
  if (path.length === 0) return '-.mount';
  let name = '';
  for (const [index, byte] of path.entries()) {
    const character = String.fromCharCode(byte);
    if (character === '/') name += '-';
    else if (/[A-Za-z0-9:_.]/.test(character) && !(index === 0 && character === '.')) name += character;
    else name += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${name}.mount`;
}

/** What mount units say in place of, or beside, the lines of fstab(5). */
export async function applyMountUnits(host: Host, tree: UnitTree, lines: FstabFact[]): Promise<Look<FstabFact[]>> {
  const settled: FstabFact[] = [];
  const done = new Set<string>();
  for (const line of lines) {
    const name = mountUnitName(line.point);
    const found = await discover(host, tree, name);
    if (found.found === 'masked') continue;
    if (found.found === 'unseen') return {ok: false, code: 'io', reason: found.reason};
    // An administrator's unit comes before the one that a generator makes of the line, a vendor's after it.
    if (found.found === 'regular' && /^\/(?:etc|run)\//.test(found.path) && !isGenerated(tree, found.path)) continue;
    const over = await readMountUnit(host, await dropInFiles(host, tree, name), line, null);
    if (!over.ok) return over;
    settled.push(over.value);
    done.add(name);
  }
  const names = new Set(
    tree.directories.flatMap(({entries}) => [...entries.keys()].filter(name => name.endsWith('.mount'))),
  );
  for (const name of [...names].sort()) {
    if (done.has(name)) continue;
    const unit = await unitState(host, tree, name);
    const found = await discover(host, tree, name);
    if (found.found === 'unseen') return {ok: false, code: 'io', reason: found.reason};
    if (unit === null || found.found !== 'regular' || isGenerated(tree, found.path)) continue;
    if (unit.state !== 'enabled' && unit.links.length === 0) continue;
    const empty: FstabFact = {point: '', source: '', fstype: 'auto', options: [], where: found.path, unit: name};
    const read = await readMountUnit(host, [found.path, ...(await dropInFiles(host, tree, found.name))], empty, name);
    if (!read.ok) return read;
    if (read.value.point !== '') settled.push(read.value);
  }
  return looked(settled);
}

const isGenerated = (tree: UnitTree, path: string) =>
  tree.directories.some(directory => directory.role === 'generator' && directory.path === directoryName(path));

/** [Mount] of these files over what was known before: of each key the last line holds, systemd.mount(5). */
async function readMountUnit(
  host: Host,
  paths: string[],
  before: FstabFact,
  unit: string | null,
): Promise<Look<FstabFact>> {
  const entry = {...before};
  for (const path of paths) {
    const text = await readUnitText(host, path);
    if (!text.ok) return text;
    for (const {section, key, value, line} of parseUnitFile(text.value)) {
      if (section !== 'Mount') continue;
      if (key === 'What') entry.source = value;
      else if (key === 'Where' && unit !== null) entry.point = cleanPath(value);
      else if (key === 'Type') entry.fstype = value;
      else if (key === 'Options') {
        entry.options = splitOptions(value);
        entry.where = `${path}:${line}`;
        entry.unit = unit ?? mountUnitName(entry.point);
      }
    }
  }
  return looked(entry);
}

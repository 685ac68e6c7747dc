import type {Host} from '../../host.ts';
import {baseName, instanceOf, isInstance, isTemplate, parseUnitName, templateOf} from './names.ts';
import type {UnitEntry, UnitTree} from './tree.ts';

/** Where a unit's name leads. `name` is the unit that is loaded in the end: another one for an alias. */
export type Discovered =
  | {found: 'regular'; name: string; path: string}
  | {found: 'masked'; name: string; path: string}
  | {found: 'bad'; reason: string; path: string}
  | {found: 'unseen'; reason: string; path: string}
  | {found: 'missing'};

/** systemd gives up after as many. */
const maxLinks = 64;

/** Follows a unit's name through the search path as systemd's install code does: masks, aliases, linked files. */
export async function discover(host: Host, tree: UnitTree, start: string): Promise<Discovered> {
  let name = start;
  let entry = search(tree, name);
  if (entry === null) return {found: 'missing'};
  for (let links = 0; links <= maxLinks; links++) {
    if (entry.type === 'other') return {found: 'bad', reason: `${entry.path} is no file`, path: entry.path};
    if (entry.type === 'file') return {found: entry.empty ? 'masked' : 'regular', name, path: entry.path};
    const {path, target, inside} = entry;
    const end = await targetState(host, target);
    if (end.state === 'unseen') return {found: 'unseen', reason: end.reason, path};
    if (end.state === 'null') return {found: 'masked', name, path};
    if (inside) {
      const next = aliasName(name, baseName(path), baseName(target));
      if (next === null)
        return {found: 'bad', reason: `${path} points to ${target}, which systemd refuses as an alias`, path};
      if (next !== name) {
        name = next;
        const found = search(tree, name);
        if (found === null) return {found: 'bad', reason: `${path} points to ${target}, which does not exist`, path};
        entry = found;
        continue;
      }
    }
    const follow = await entryAt(host, tree, target);
    if ('reason' in follow) return {found: follow.absent ? 'bad' : 'unseen', reason: follow.reason, path};
    entry = follow;
  }
  return {found: 'bad', reason: `more than ${maxLinks} links`, path: entry.path};
}

function search(tree: UnitTree, name: string): UnitEntry | null {
  const template = isInstance(name) ? templateOf(name) : null;
  for (const wanted of template === null ? [name] : [name, template]) {
    for (const directory of tree.directories) {
      const entry = directory.entries.get(wanted);
      if (entry !== undefined) return entry;
    }
  }
  return null;
}

/** Whether a link ends at /dev/null or an empty file, which masks the unit. */
async function targetState(
  host: Host,
  target: string,
): Promise<{state: 'null' | 'other'} | {state: 'unseen'; reason: string}> {
  if (target === '/dev/null') return {state: 'null'};
  const stat = await host.fs.stat(target);
  if (!stat.ok)
    return stat.code === 'absent' || stat.code === 'link-loop'
      ? {state: 'other'}
      : {state: 'unseen', reason: stat.reason};
  const {type, size} = stat.value;
  return {
    state: type === 'character-device' || type === 'block-device' || (type === 'file' && size === 0) ? 'null' : 'other',
  };
}

/** The unit that an alias link stands for, the instance carried over; null for a link that systemd refuses. */
function aliasName(name: string, link: string, target: string): string | null {
  const [from, to] = [parseUnitName(link), parseUnitName(target)];
  if (from === null || to === null || from.type !== to.type || link === target) return null;
  const kinds = [from, to].map(({instance}) =>
    instance === null ? 'plain' : instance === '' ? 'template' : 'instance',
  );
  if (kinds[0] === 'plain' ? kinds[1] === 'template' : kinds[1] === 'plain') return null;
  if (kinds[0] === 'template' && kinds[1] === 'instance') return null;
  if (kinds[0] === 'instance' && kinds[1] === 'instance' && from.instance !== to.instance) return null;
  if (isTemplate(target) && isInstance(name)) return instanceOf(target, parseUnitName(name)?.instance as string);
  return target;
}

async function entryAt(
  host: Host,
  tree: UnitTree,
  path: string,
): Promise<UnitEntry | {reason: string; absent: boolean}> {
  const name = baseName(path);
  for (const directory of tree.directories) {
    if (`${directory.path}/${name}` === path) {
      const entry = directory.entries.get(name);
      if (entry !== undefined) return entry;
    }
  }
  const stat = await host.fs.stat(path);
  if (!stat.ok) return {reason: stat.reason, absent: stat.code === 'absent'};
  return stat.value.type === 'file' ? {type: 'file', path, empty: stat.value.size === 0} : {type: 'other', path};
}

import type {FileType} from '../../../../policies/facts/file.ts';
import type {TreeFind} from '../../../../policies/facts/tree.ts';
import {wildcard} from '../../../../policies/pattern.ts';
import type {WalkEntry} from '../../walk.ts';
import type {NameTables} from '../tables.ts';

/**
 * The part of a find that an entry's own state decides, made ready once: it is asked of every entry there is, so the
 * tests that are true of the fewest entries come first. Capabilities and secrets are read only of what passes this.
 * The mode of a link means nothing, so a find that asks for mode bits finds none.
 */
export function compileFind(find: TreeFind, tables: NameTables): (entry: WalkEntry) => boolean {
  const {modeAny = 0, modeAll = 0, modeNone = 0, ownerUnknown, groupUnknown} = find;
  const types = find.types === undefined ? null : new Set<FileType>(find.types);
  const owners = find.owners === undefined ? null : idsOf(find.owners, tables.users);
  const ownersNot = find.ownersNot === undefined ? null : idsOf(find.ownersNot, tables.users);
  const groups = find.groups === undefined ? null : idsOf(find.groups, tables.groups);
  const groupsNot = find.groupsNot === undefined ? null : idsOf(find.groupsNot, tables.groups);
  const isNamed = find.names === undefined ? null : nameTest(find.names);
  const {users} = tables;
  const asksMode = (modeAny | modeAll | modeNone) !== 0;
  return entry => {
    const {mode} = entry;
    if ((mode & modeAll) !== modeAll || (mode & modeNone) !== 0 || (modeAny !== 0 && (mode & modeAny) === 0))
      return false;
    if (find.capability === true && (mode & 0o111) === 0) return false;
    if (owners !== null && !owners.has(entry.uid)) return false;
    if (groups !== null && !groups.has(entry.gid)) return false;
    if (ownersNot?.has(entry.uid) || groupsNot?.has(entry.gid)) return false;
    if (ownerUnknown !== undefined && users.has(entry.uid) === ownerUnknown) return false;
    if (groupUnknown !== undefined && tables.groups.has(entry.gid) === groupUnknown) return false;
    if (types !== null && !types.has(entry.type)) return false;
    if (asksMode && entry.type === 'link') return false;
    if ((find.capability !== undefined || find.secretShapes !== undefined) && entry.type !== 'file') return false;
    return isNamed === null || isNamed(entry.name);
  };
}

function nameTest(names: readonly string[]): (name: string) => boolean {
  const plain = new Set(names.filter(name => !/[*?]/.test(name)));
  const wild = names.filter(name => /[*?]/.test(name)).map(name => wildcard(name));
  return name => plain.has(name) || wild.some(matches => matches(name));
}

/** A name that nobody has stands for no id; a number as text for itself. */
function idsOf(names: readonly string[], table: Map<number, string>): Set<number> {
  const wanted = new Set(names);
  const ids = [...table].filter(([, name]) => wanted.has(name)).map(([id]) => id);
  return new Set([...ids, ...names.filter(name => /^\d+$/.test(name)).map(Number)]);
}

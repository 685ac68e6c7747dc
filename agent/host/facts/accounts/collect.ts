import type {AccountsFact, GroupFact, PasswordState, UserFact} from '../../../../policies/facts/accounts.ts';
import {type Answer, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {Look} from '../../look.ts';
import {single} from '../collector.ts';
import {once} from '../once.ts';
import {readLoginDefs, readShells} from './defaults.ts';
import {parseId, readTable, type TableLine} from './records.ts';
import {type Broken, isNis, nisProblem, passwordState, readShadow, type ShadowEntry} from './shadow.ts';

/** The local accounts of the judged root; read once a check, since several facts need them. */
export const readAccounts = once(async ({host}): Promise<Answer<AccountsFact>> => {
  const paths = ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow'] as const;
  const [passwd, group, shadow, gshadow] = await Promise.all(paths.map(path => readTable(host, path)));
  const [shells, ids] = [await readShells(host), await readLoginDefs(host)];
  for (const table of [passwd, group]) if (!table?.ok) return unseen(table?.reason ?? 'nothing was read');
  for (const look of [shells, ids]) if (!look.ok) return unseen(look.reason);
  const tables = {passwd: rows(passwd), group: rows(group)};
  const broken: Broken[] = [];
  const groups = readGroups(tables.group, gshadow as Look<TableLine[]>, broken);
  const users = readUsers(tables.passwd, shadow as Look<TableLine[]>, broken);
  broken.push(...missingGroups(users, groups));
  const unreadable = [shadow, gshadow].flatMap(look =>
    look?.ok || look?.code === 'absent' || !look ? [] : [look.reason],
  );
  const where = paths.filter((_, index) => [passwd, group, shadow, gshadow][index]?.ok);
  const {uidMin, uidMax} = ids.ok ? ids.value : {uidMin: 0, uidMax: 0};
  return seen({users, groups, shells: shells.ok ? shells.value : [], uidMin, uidMax, broken, unreadable}, where);
});

export const collectAccounts = single<'accounts'>(readAccounts);

const rows = (look: Look<TableLine[]> | undefined): TableLine[] => (look?.ok ? look.value : []);

function readUsers(lines: TableLine[], shadow: Look<TableLine[]>, broken: Broken[]): UserFact[] {
  const shadowBroken: Broken[] = [];
  const entries = readShadow(rows(shadow), shadowBroken);
  const users: UserFact[] = [];
  const names = new Set<string>();
  for (const line of lines) {
    const ids = readIds(line, {fields: 7, least: 4, ids: [2, 3]}, broken);
    if (ids === null) continue;
    const {fields, where} = line;
    const name = fields[0] as string;
    names.add(name);
    const entry = entries.get(name);
    const password = userPassword(fields[1] as string, entry, shadow);
    if (entry === undefined && shadow.ok && isShadowed(fields[1] as string)) {
      broken.push({where, problem: `${JSON.stringify(name)} has no entry in /etc/shadow`});
    }
    users.push({
      name,
      uid: ids[0] as number,
      gid: ids[1] as number,
      comment: fields[4] ?? '',
      home: fields[5] ?? '',
      shell: fields.slice(6).join(':'),
      password,
      ageing: entry?.ageing ?? null,
      where,
      shadowWhere: entry?.where ?? null,
    });
  }
  for (const [name, {where}] of entries) {
    if (!names.has(name)) shadowBroken.push({where, problem: `${JSON.stringify(name)} has no entry in /etc/passwd`});
  }
  broken.push(...shadowBroken);
  return users;
}

/** pam_unix(8) looks into shadow(5) for `x` and for `##name`. */
const isShadowed = (field: string) => field === 'x' || field.startsWith('##');

function userPassword(field: string, entry: ShadowEntry | undefined, shadow: Look<unknown>): PasswordState {
  if (!isShadowed(field)) {
    const {state} = passwordState(field);
    return state === 'set' ? {state: 'unshadowed'} : passwordState(field);
  }
  if (entry !== undefined) return entry.password;
  return shadow.ok || shadow.code === 'absent' ? {state: 'none'} : {state: 'unseen', reason: shadow.reason};
}

function readGroups(lines: TableLine[], gshadow: Look<TableLine[]>, broken: Broken[]): GroupFact[] {
  const passwords = new Map<string, string>();
  for (const {fields, where} of rows(gshadow)) {
    const name = fields[0] as string;
    if (isNis(name)) broken.push({where, problem: nisProblem(name)});
    else if (fields.length !== 4) broken.push({where, problem: `${fields.length} fields, 4 are wanted`});
    if (!passwords.has(name)) passwords.set(name, fields[1] ?? '!');
  }
  const groups: GroupFact[] = [];
  for (const line of lines) {
    const ids = readIds(line, {fields: 4, least: 3, ids: [2]}, broken);
    if (ids === null) continue;
    const {fields, where} = line;
    const name = fields[0] as string;
    const members = (fields[3] ?? '')
      .split(',')
      .map(member => member.trim())
      .filter(member => member !== '');
    groups.push({
      name,
      gid: ids[0] as number,
      members,
      password: groupPassword(fields[1] as string, passwords.get(name), gshadow),
      where,
    });
  }
  return groups;
}

function groupPassword(field: string, shadowed: string | undefined, gshadow: Look<unknown>): GroupFact['password'] {
  if (field === 'x' && shadowed === undefined && !gshadow.ok && gshadow.code !== 'absent') return 'unseen';
  const {state} = passwordState(field === 'x' ? (shadowed ?? '!') : field);
  return state === 'set' || state === 'empty' ? state : 'locked';
}

/** The ids of a line, or null when the C library would read no entry from it. Problems go to `broken`. */
function readIds(
  line: TableLine,
  shape: {fields: number; least: number; ids: number[]},
  broken: Broken[],
): number[] | null {
  const {fields, where, indented} = line;
  const name = fields[0] as string;
  if (isNis(name)) {
    broken.push({where, problem: nisProblem(name)});
    return null;
  }
  if (indented) broken.push({where, problem: 'the line begins with white space'});
  if (name === '') broken.push({where, problem: 'the name is empty'});
  if (fields.length !== shape.fields)
    broken.push({where, problem: `${fields.length} fields, ${shape.fields} are wanted`});
  if (fields.length < shape.least) return null;
  const ids: number[] = [];
  for (const index of shape.ids) {
    const parsed = parseId(fields[index] as string);
    if (parsed === null) {
      broken.push({where, problem: `${JSON.stringify(fields[index])} is not an id, so the line counts for nothing`});
      return null;
    }
    if (parsed.problem !== null) broken.push({where, problem: parsed.problem});
    ids.push(parsed.id);
  }
  return ids;
}

function missingGroups(users: UserFact[], groups: GroupFact[]): Broken[] {
  const known = new Set(groups.map(({gid}) => gid));
  return users
    .filter(({gid}) => !known.has(gid))
    .map(({name, gid, where}) => ({
      where,
      problem: `${JSON.stringify(name)} has the primary gid ${gid}, which no group has`,
    }));
}

import type {AccountsFact, UserFact} from '../../facts/accounts.ts';
import {type Judgement, judged} from '../../finding.ts';
import {orList, shellWord} from '../shared.ts';
import {againstPart, heldPart, nonePart, type Part} from './part.ts';
import type {AccountCheck} from './schema.ts';

const passwd = ['/etc/passwd'];

/** Duplicates over the whole files; one finding a value that stands more than once. `same-…` is a key's opposite. */
export function judgeUnique(keys: readonly string[], {users, groups}: AccountsFact): Part {
  const rows: {[key: string]: Array<{value: string; name: string; where: string}>} = {
    uid: users.map(({uid, name, where}) => ({value: String(uid), name, where})),
    name: users.map(({name, where}) => ({value: name, name, where})),
    gid: groups.map(({gid, name, where}) => ({value: String(gid), name, where})),
    'group-name': groups.map(({name, where}) => ({value: name, name, where})),
  };
  const against: Judgement[] = [];
  for (const wanted of keys) {
    const key = wanted.replace(/^same-/, '');
    const sharing = [...Map.groupBy(rows[key] ?? [], ({value}) => value)].filter(([, entries]) => entries.length > 1);
    if (wanted !== key) {
      const comparison = {
        what: `a ${key} that is shared`,
        expected: true,
        actual: sharing.length > 0,
        ok: sharing.length > 0,
      };
      if (!comparison.ok) against.push(judged(key, [comparison], {where: passwd, scope: 'persistent'}));
      continue;
    }
    for (const [value, entries] of sharing) {
      const names = entries.slice(0, 20).map(({name}) => name);
      against.push(
        judged(
          `${key} ${value}`,
          [{what: 'entries', expected: 1, actual: `${entries.length}: ${names.join(', ')}`, ok: false}],
          {
            where: entries.slice(0, 20).map(({where}) => where),
            scope: 'persistent',
            cure: uniqueCure(key, entries[1] as {name: string; where: string}),
          },
        ),
      );
    }
  }
  if (against.length > 0) return againstPart(against);
  const compared = keys.map(key => ({what: `each ${key}`, expected: 'once', actual: 'once', ok: true}));
  return heldPart(compared, ['/etc/passwd', '/etc/group']);
}

function uniqueCure(key: string, {name, where}: {name: string; where: string}): string {
  const word = shellWord(name);
  if (key === 'uid') return `usermod -u FREE_UID ${word}, then give the files of that user to the new uid`;
  if (key === 'gid') return `groupmod -g FREE_GID ${word}, then give the files of that group to the new gid`;
  return `remove or rename the entry at ${where} with ${key === 'name' ? 'vipw and vipw -s' : 'vigr and vigr -s'}`;
}

/** `wanted` false is the opposite, for the mutation test. */
export function judgeUid0(wanted: boolean, {users}: AccountsFact, except: readonly string[]): Part {
  const others = users.filter(user => user.uid === 0 && user.name !== 'root' && !except.includes(user.name));
  const expected = wanted ? 'root alone' : 'another user than root';
  if (others.length > 0 !== wanted)
    return heldPart(
      [{what: 'uid 0', expected, actual: wanted ? 'root alone' : others.map(({name}) => name), ok: true}],
      passwd,
    );
  if (!wanted)
    return againstPart([
      judged('uid 0', [{what: 'uid 0', expected, actual: 'root alone', ok: false}], {
        where: passwd,
        scope: 'persistent',
      }),
    ]);
  return againstPart(
    others.map(({name, where}) =>
      judged(name, [{what: 'uid 0', expected, actual: name, ok: false}], {
        where: [where],
        scope: 'persistent',
        cure: `userdel -f ${shellWord(name)}, or usermod -u FREE_UID ${shellWord(name)}`,
      }),
    ),
  );
}

export function judgeWellFormed(wanted: boolean, {broken, unreadable}: AccountsFact): Part {
  const what = 'entries';
  const expected = wanted ? 'all well formed' : 'a broken one';
  if (broken.length > 0 && wanted) {
    return againstPart(
      broken.map(({where, problem}) =>
        judged(where, [{what, expected, actual: problem, ok: false}], {
          where: [where],
          scope: 'persistent',
          cure: brokenCure(where),
        }),
      ),
    );
  }
  if (unreadable.length > 0) {
    return againstPart(unreadable.map(reason => ({subject: 'account files', verdict: 'unknown', reason})));
  }
  const where = ['/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow'];
  const ok = broken.length > 0 !== wanted;
  const comparison = {what, expected, actual: broken.length > 0 ? 'broken ones' : 'all well formed', ok};
  return ok
    ? heldPart([comparison], where)
    : againstPart([judged('account files', [comparison], {where, scope: 'persistent'})]);
}

function brokenCure(where: string): string {
  const [path = '', line = ''] = where.split(':');
  const editor =
    {'/etc/passwd': 'vipw', '/etc/shadow': 'vipw -s', '/etc/group': 'vigr', '/etc/gshadow': 'vigr -s'}[path] ??
    'an editor';
  return `correct line ${line} of ${path} with ${editor}; ${path.includes('group') || path.includes('gshadow') ? 'grpck' : 'pwck'} -r shows what is left`;
}

/** Members by the group's lines, by any other group with its gid, and by primary gid. */
export function judgeMembers(wanted: NonNullable<AccountCheck['group_members']>, {users, groups}: AccountsFact): Part {
  const named = groups.filter(({name}) => name === wanted.group);
  if (named.length === 0) return nonePart(`there is no group ${wanted.group}`);
  const gids = new Set(named.map(({gid}) => gid));
  const lines = groups.filter(({gid}) => gids.has(gid));
  const members = new Map<string, {where: string; primary: boolean}>();
  for (const {members: listed, where} of lines)
    for (const member of listed) members.set(member, {where, primary: false});
  for (const user of users as UserFact[])
    if (gids.has(user.gid)) members.set(user.name, {where: user.where, primary: true});
  const against: Judgement[] = [];
  const compared = [];
  if (wanted.in !== undefined) {
    const expected = wanted.in.length === 0 ? 'nobody' : `nobody but ${orList(wanted.in)}`;
    const strangers = [...members].filter(([name]) => !wanted.in?.includes(name));
    for (const [name, {where, primary}] of strangers)
      against.push(stranger(wanted.group, name, {where, primary, expected}));
    compared.push({what: `members of ${wanted.group}`, expected, actual: [...members.keys()].slice(0, 50), ok: true});
  }
  for (const name of wanted.includes ?? []) {
    const comparison = {
      what: `${name} in ${wanted.group}`,
      expected: true,
      actual: members.has(name),
      ok: members.has(name),
    };
    compared.push(comparison);
    if (!comparison.ok) {
      const evidence = {
        where: lines.map(({where}) => where),
        scope: 'persistent' as const,
        cure: `gpasswd -a ${shellWord(name)} ${shellWord(wanted.group)}`,
      };
      against.push(judged(`${name} in ${wanted.group}`, [comparison], evidence));
    }
  }
  return against.length > 0
    ? againstPart(against)
    : heldPart(
        compared,
        lines.map(({where}) => where),
      );
}

function stranger(
  group: string,
  name: string,
  {where, primary, expected}: {where: string; primary: boolean; expected: string},
): Judgement {
  const actual = primary ? `${name}, by primary group` : name;
  const cure = primary
    ? `usermod -g OTHER_GROUP ${shellWord(name)}`
    : `gpasswd -d ${shellWord(name)} ${shellWord(group)}`;
  return judged(`${name} in ${group}`, [{what: `members of ${group}`, expected, actual, ok: false}], {
    where: [where],
    scope: 'persistent',
    cure,
  });
}

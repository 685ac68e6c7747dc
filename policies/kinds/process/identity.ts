import type {AccountsFact} from '../../facts/accounts.ts';
import type {Answer} from '../../facts/answer.ts';
import type {ProcessFact} from '../../facts/processes.ts';
import type {Comparison} from '../../finding.ts';
import {listOf, nameMatches, orList, showName} from '../shared.ts';
import type {ProcessCheck} from './schema.ts';

/** One comparison, or why it could not be made. */
export type Compared = Comparison | {unseen: string};

/** Names of this host's own passwd(5) and group(5). */
type Names = {of(id: number): string | null; known(name: string): boolean; problem: string | null};

function namesOf(answer: Answer<AccountsFact>, list: 'users' | 'groups'): Names {
  const entries =
    answer.state !== 'seen'
      ? []
      : list === 'users'
        ? answer.value.users.map(({name, uid}) => [uid, name] as const)
        : answer.value.groups.map(({name, gid}) => [gid, name] as const);
  const byId = new Map<number, string>();
  for (const [id, name] of entries) if (!byId.has(id)) byId.set(id, name);
  const names = new Set(entries.map(([, name]) => name));
  const problem = answer.state === 'unseen' || answer.state === 'live-only' ? answer.reason : null;
  return {of: id => byId.get(id) ?? null, known: name => names.has(name), problem};
}

/**
 * Holds ids against names. A name that is not in this host's files may come from elsewhere (LDAP, SSSD), so an id
 * without a name here may be that one: it cannot be told then.
 */
function matchIds(ids: number[], wanted: string[], names: Names): {matched: number[]; unsure: string | null} {
  const matched = ids.filter(id => wanted.includes('*') || nameMatches(names.of(id), id, wanted));
  const foreign = wanted.filter(name => name !== '*' && !/^\d+$/.test(name) && !names.known(name));
  const nameless = ids.filter(id => names.of(id) === null && !matched.includes(id));
  if (foreign.length === 0 || nameless.length === 0) return {matched, unsure: null};
  const why = names.problem ?? `the files of this host name neither ${orList(foreign)} nor the id ${nameless[0]}`;
  return {matched, unsure: why};
}

/** The real, effective and saved uid, all three: a process may take on its saved one at any time. */
export function compareUsers(check: ProcessCheck, {uids}: ProcessFact, accounts: Answer<AccountsFact>): Compared {
  const names = namesOf(accounts, 'users');
  const ids = [...new Set([uids.real, uids.effective, uids.saved])];
  const allowed = check.user_in === undefined ? null : matchIds(ids, listOf(check.user_in), names);
  const refused = check.user_not_in === undefined ? null : matchIds(ids, listOf(check.user_not_in), names);
  const show = (id: number) => showName(names.of(id), id);
  const actual =
    ids.length === 1
      ? show(uids.real)
      : `real ${show(uids.real)}, effective ${show(uids.effective)}, saved ${show(uids.saved)}`;
  const expected = [
    check.user_in === undefined ? '' : orList(listOf(check.user_in)),
    check.user_not_in === undefined ? '' : `not ${orList(listOf(check.user_not_in))}`,
  ].filter(part => part !== '');
  const inside = allowed === null || allowed.matched.length === ids.length;
  const outside = refused === null || refused.matched.length === 0;
  const certain = !outside || (!inside && allowed.unsure === null);
  const open = (inside ? null : allowed.unsure) ?? refused?.unsure ?? null;
  if (!certain && open !== null) return {unseen: open};
  return {what: 'user', expected: expected.join(' and '), actual, ok: inside && outside};
}

/** All of a process's groups: the three gids and the supplementary ones. */
export function compareGroups(
  check: ProcessCheck,
  {gids, groups}: ProcessFact,
  accounts: Answer<AccountsFact>,
): Compared {
  const names = namesOf(accounts, 'groups');
  const ids = [...new Set([gids.real, gids.effective, gids.saved, ...groups])];
  const {matched, unsure} = matchIds(ids, listOf(check.groups_not_in), names);
  if (matched.length === 0 && unsure !== null) return {unseen: unsure};
  const actual = matched.length > 0 ? matched.map(id => showName(names.of(id), id)).join(', ') : 'none of them';
  return {what: 'groups', expected: `not ${orList(listOf(check.groups_not_in))}`, actual, ok: matched.length === 0};
}

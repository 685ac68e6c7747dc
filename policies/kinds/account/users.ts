import {noLoginShells, selectUsers} from '../../accounts/select.ts';
import type {AccountsFact, UserFact} from '../../facts/accounts.ts';
import type {HomeFact} from '../../facts/homes.ts';
import {type Comparison, type Judgement, judged} from '../../finding.ts';
import {orList, shellWord} from '../shared.ts';
import {compareHome} from './homes.ts';
import {groupUnknowns, nonePart, type Part} from './part.ts';
import type {AccountCheck} from './schema.ts';

/** What one user's comparisons gave. `unseen` counts only when nothing is wrong. */
export type UserResult = {compared: Array<Comparison & {cure?: string}>; unseen: string[]; where: string[]};

/** A pass over many users names so many places at most. */
const maxPlaces = 10;

/** The keys that are about each user: password, ageing, shell, home and what lies in it. */
export function judgeUsers(check: AccountCheck, accounts: AccountsFact, homes: HomeFact[] | null): Part {
  const users = selectUsers(accounts, check.who ?? 'all', check.except ?? []);
  if (users.length === 0) return nonePart(`no local user is ${describeWho(check)}`);
  const failing: Judgement[] = [];
  const unknown: Array<{subject: string; reason: string}> = [];
  const held = new Map<string, Comparison>();
  const places = new Set<string>();
  let judgedUsers = 0;
  for (const [index, user] of users.entries()) {
    const {compared, unseen, where} = compareUser(check, user, homes?.[index] ?? null);
    if (compared.some(({ok}) => !ok)) {
      const cures = compared.flatMap(({ok, cure}) => (ok || cure === undefined ? [] : [cure]));
      const plain = new Map(compared.map(({what, expected, actual, ok}) => [what, {what, expected, actual, ok}]));
      failing.push(
        judged(user.name, [...plain.values()], {
          where: [...new Set(where)],
          scope: 'persistent',
          cure: cures.length > 0 ? [...new Set(cures)].join('; ') : undefined,
        }),
      );
    } else if (unseen.length > 0) {
      for (const reason of unseen) unknown.push({subject: user.name, reason});
    } else if (compared.length > 0) {
      judgedUsers++;
      for (const {what, expected} of compared) held.set(what, {what, expected, actual: 'all are', ok: true});
      if (places.size < maxPlaces) places.add((where[0] as string).replace(/:\d+$/, ''));
    }
  }
  const against = [...failing, ...groupUnknowns(unknown)];
  if (against.length > 0) return {against, held: null, none: null};
  if (judgedUsers === 0) return nonePart(`no user who is ${describeWho(check)} has what the rule speaks of`);
  const count: Comparison = {what: 'users', expected: 'each', actual: judgedUsers, ok: true};
  return {against: [], held: {compared: [count, ...held.values()], where: [...places]}, none: null};
}

export function describeWho(check: AccountCheck): string {
  const who = check.who ?? 'all';
  const text = Array.isArray(who)
    ? orList(who)
    : {all: 'there', login: 'able to log in', people: 'a person who can log in', system: 'a system user', root: 'root'}[
        who
      ];
  return check.except === undefined || check.except.length === 0 ? text : `${text} (but ${orList(check.except)})`;
}

function compareUser(check: AccountCheck, user: UserFact, home: HomeFact | null): UserResult {
  const result: UserResult = {compared: [], unseen: [], where: []};
  if (check.password !== undefined) comparePassword(check.password, user, result);
  if (check.password_scheme !== undefined) compareScheme(check.password_scheme, user, result);
  if (check.ageing !== undefined) compareAgeing(check.ageing, user, result);
  compareShell(check, user, result);
  if (home !== null) compareHome(check, user, home, result);
  if (result.where.length === 0) result.where.push(user.where);
  return result;
}

function comparePassword(accepted: string[], user: UserFact, result: UserResult): void {
  const {password} = user;
  if (password.state === 'unseen') {
    result.unseen.push(password.reason);
    return;
  }
  result.where.push(password.state === 'unshadowed' ? user.where : (user.shadowWhere ?? user.where));
  const actual = password.state === 'set' ? `set (${password.scheme})` : passwordWords[password.state];
  result.compared.push({
    what: 'password',
    expected: orList(accepted),
    actual,
    ok: accepted.includes(password.state),
    cure: passwordCure(user, accepted),
  });
}

const passwordWords = {
  empty: 'empty, anybody may log in',
  locked: 'locked',
  none: 'none',
  unshadowed: 'the hash stands in the world-readable passwd',
};

function passwordCure({name, password}: UserFact, accepted: string[]): string {
  if (password.state === 'unshadowed') return 'pwconv';
  return accepted.includes('locked')
    ? `passwd -l ${shellWord(name)}`
    : accepted.includes('set')
      ? `passwd ${shellWord(name)}`
      : `usermod -p '*' ${shellWord(name)}`;
}

function compareScheme(accepted: string[], user: UserFact, result: UserResult): void {
  const {password, name} = user;
  if (password.state === 'unseen') result.unseen.push(password.reason);
  if (password.state !== 'set' && password.state !== 'unshadowed') return;
  result.where.push(user.shadowWhere ?? user.where);
  result.compared.push({
    what: 'password scheme',
    expected: orList(accepted),
    actual: password.state === 'set' ? password.scheme : 'in passwd, not in shadow',
    ok: password.state === 'set' && accepted.includes(password.scheme),
    cure: `set ENCRYPT_METHOD ${(accepted[0] as string).toUpperCase()} in /etc/login.defs; passwd --expire ${shellWord(name)}`,
  });
}

const ageingRules = [
  {key: 'max_days_at_most', field: 'max', option: '-M', what: 'longest age in days', most: true},
  {key: 'min_days_at_least', field: 'min', option: '-m', what: 'shortest age in days', most: false},
  {key: 'warn_days_at_least', field: 'warn', option: '-W', what: 'days of warning', most: false},
  {key: 'inactive_days_at_most', field: 'inactive', option: '-I', what: 'days until locked', most: true},
] as const;

/** shadow(5): an empty or negative field means that there is no such bound. */
function compareAgeing(wanted: NonNullable<AccountCheck['ageing']>, user: UserFact, result: UserResult): void {
  const {password, ageing} = user;
  if (password.state === 'unseen') result.unseen.push(password.reason);
  if (password.state !== 'set') return;
  result.where.push(user.shadowWhere ?? user.where);
  for (const {key, field, option, what, most} of ageingRules) {
    const bound = wanted[key];
    if (bound === undefined) continue;
    const value = ageing?.[field] ?? null;
    const days = value === null || value < 0 ? null : value;
    result.compared.push({
      what,
      expected: `at ${most ? 'most' : 'least'} ${bound}`,
      actual: days ?? 'no bound',
      ok: days === null ? !most && bound === 0 : most ? days <= bound : days >= bound,
      cure: `chage ${option} ${bound} ${shellWord(user.name)}`,
    });
  }
}

function compareShell(check: AccountCheck, user: UserFact, result: UserResult): void {
  const shell = user.shell === '' ? '/bin/sh (none given)' : user.shell;
  const name = shellWord(user.name);
  if (check.shell_in !== undefined) {
    const [first] = check.shell_in as [string, ...string[]];
    const cure = `usermod -s ${shellWord(first)} ${name}`;
    result.compared.push({
      what: 'shell',
      expected: orList(check.shell_in),
      actual: shell,
      ok: check.shell_in.includes(user.shell),
      cure,
    });
  }
  if (check.shell_not_login !== undefined) {
    const cure = `usermod -s /usr/sbin/nologin ${name}`;
    result.compared.push({
      what: 'shell lets nobody in',
      expected: 'nologin or false',
      actual: shell,
      ok: noLoginShells.includes(user.shell),
      cure,
    });
  }
}

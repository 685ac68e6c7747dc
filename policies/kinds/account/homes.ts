import type {UserFact} from '../../facts/accounts.ts';
import type {HomeEntry, HomeFact} from '../../facts/homes.ts';
import {formatMode, parseMode, shellWord, showName, symbolicMode} from '../shared.ts';
import type {AccountCheck} from './schema.ts';
import type {UserResult} from './users.ts';

/** The relative paths that a check needs looked at. */
export function homeFilesWanted(check: AccountCheck): string[] {
  const {absent = [], present = [], mode_at_most = {}} = check.home_files ?? {};
  return [...new Set([...absent, ...present, ...Object.keys(mode_at_most)])].sort();
}

export function compareHome(check: AccountCheck, user: UserFact, home: HomeFact, result: UserResult): void {
  const {directory} = home;
  if (directory.state === 'unseen') {
    result.unseen.push(directory.reason);
    return;
  }
  result.where.push(directory.path || user.where);
  if (check.home !== undefined) compareDirectory(check.home, user, home, result);
  if (check.home_files !== undefined) compareFiles(check.home_files, user, home, result);
}

function compareDirectory(
  wanted: NonNullable<AccountCheck['home']>,
  user: UserFact,
  {directory, home}: HomeFact,
  result: UserResult,
): void {
  if (wanted.exists !== undefined) {
    const exists = directory.state === 'seen' && directory.stat.type === 'directory';
    const actual = exists
      ? home
      : directory.state === 'seen'
        ? `a ${directory.stat.type}`
        : `none: ${(directory as {reason: string}).reason}`;
    result.compared.push({
      what: 'home',
      expected: wanted.exists ? 'a directory' : 'none',
      actual,
      ok: exists === wanted.exists,
      cure: homeCure(user),
    });
  }
  if (directory.state !== 'seen') return;
  if (wanted.owner !== undefined) compareOwner('home owner', wanted.owner, user, directory, result);
  if (wanted.mode_at_most !== undefined) compareMode('home mode', wanted.mode_at_most, directory, result);
}

const homeCure = ({home, name}: UserFact) =>
  home.startsWith('/')
    ? `install -d -m 0750 -o ${shellWord(name)} -g ${shellWord(name)} ${shellWord(home)}`
    : `usermod -d /home/${shellWord(name)} ${shellWord(name)}`;

function compareFiles(
  wanted: NonNullable<AccountCheck['home_files']>,
  user: UserFact,
  {files}: HomeFact,
  result: UserResult,
): void {
  const asked = (path: string) => files.filter(file => file.asked === path).map(({entry}) => entry);
  for (const path of wanted.absent ?? []) {
    const there = asked(path);
    for (const entry of there) if (entry.state === 'unseen') result.unseen.push(entry.reason);
    const seen = there.filter(entry => entry.state === 'seen');
    const actual = seen.length === 0 ? 'absent' : seen.map(entry => entry.path).join(', ');
    const cure = seen.map(entry => `rm ${shellWord(entry.path)}`).join('; ');
    if (seen.length > 0 || there.length === 0)
      result.compared.push({what: path, expected: 'absent', actual, ok: seen.length === 0, cure});
    result.where.push(...seen.map(entry => entry.path));
  }
  for (const path of wanted.present ?? []) {
    const there = asked(path);
    for (const entry of there) if (entry.state === 'unseen') result.unseen.push(entry.reason);
    if (there.every(entry => entry.state !== 'unseen')) {
      result.compared.push({
        what: path,
        expected: 'there',
        actual: there.length > 0 ? 'there' : 'absent',
        ok: there.length > 0,
      });
    }
  }
  const modes = new Map(Object.entries(wanted.mode_at_most ?? {}));
  for (const path of new Set([...modes.keys(), ...(wanted.present ?? [])])) {
    const bound = modes.get(path);
    for (const entry of asked(path)) {
      if (bound === undefined && wanted.owner === undefined) continue;
      if (!isPlain(entry, result)) continue;
      const name = {asked: path, own: relative(user, entry.path)};
      if (bound !== undefined) compareMode('mode', bound, entry, result, name);
      if (wanted.owner !== undefined) compareOwner('owner', wanted.owner, user, entry, result, name);
    }
  }
}

/** What a comparison is called: by the path that the rule names, and by the file's own when it is wrong. */
type EntryName = {asked: string; own: string};
const called = (what: string, ok: boolean, name: EntryName | undefined) =>
  name === undefined ? what : `${ok ? name.asked : name.own} ${what}`;

type SeenEntry = Extract<HomeEntry, {state: 'seen'}>;

/** A link's own mode and owner say nothing about what it leads to, and it is not followed. */
function isPlain(entry: HomeEntry, result: UserResult): entry is SeenEntry {
  if (entry.state === 'unseen') result.unseen.push(entry.reason);
  if (entry.state !== 'seen') return false;
  if (entry.stat.type !== 'link') return true;
  result.unseen.push(
    `${entry.path} is a link to ${entry.target ?? 'an unread target'}, and links in homes are not followed`,
  );
  return false;
}

const relative = ({home}: UserFact, path: string) => (path.startsWith(`${home}/`) ? path.slice(home.length + 1) : path);

function compareMode(what: string, bound: string, {stat}: SeenEntry, result: UserResult, name?: EntryName): void {
  const over = stat.mode & ~parseMode(bound);
  result.compared.push({
    what: called(what, over === 0, name),
    expected: `at most ${bound}`,
    actual: formatMode(stat.mode),
    ok: over === 0,
    cure: `chmod ${symbolicMode(over, 0)} ${shellWord(stat.path)}`,
  });
  if (over !== 0) result.where.push(stat.path);
}

function compareOwner(
  what: string,
  wanted: string,
  user: UserFact,
  {stat}: SeenEntry,
  result: UserResult,
  name?: EntryName,
): void {
  const self = stat.uid === user.uid;
  const ok = wanted === 'self' ? self : wanted === 'self-or-root' && (self || stat.uid === 0);
  result.compared.push({
    what: called(what, ok, name),
    expected: wanted === 'self' ? 'the user' : 'the user or root',
    actual: showName(stat.owner, stat.uid),
    ok,
    cure: `chown ${shellWord(user.name)} ${shellWord(stat.path)}`,
  });
  if (!ok) result.where.push(stat.path);
}

import {selectUsers} from '../../../policies/accounts/select.ts';
import type {UserFact} from '../../../policies/facts/accounts.ts';
import {type Answer, seen} from '../../../policies/facts/answer.ts';
import type {HomeEntry, HomeFact, HomesRequest} from '../../../policies/facts/homes.ts';
import {hasPattern, patternTest} from '../glob.ts';
import type {Host} from '../host.ts';
import type {Look} from '../look.ts';
import {readAccounts} from './accounts/collect.ts';
import type {Collector, Looking} from './collector.ts';
import {fileStat} from './file.ts';
import type {NameTables} from './tables.ts';

/** Entries of one directory that a pattern looks through. */
const maxEntries = 10_000;

type LookedAt = Pick<HomeFact, 'directory' | 'files'>;

export const collectHomes: Collector<'homes'> = async (requests, looking) => {
  const answers: Array<Answer<HomeFact[]>> = [];
  for (const request of requests) answers.push(await lookUp(request, looking));
  return answers;
};

async function lookUp(request: HomesRequest, looking: Looking): Promise<Answer<HomeFact[]>> {
  const accounts = await readAccounts(looking);
  if (accounts.state !== 'seen') return accounts;
  const names = await looking.tables.names();
  const looked = new Map<string, LookedAt>();
  const homes: HomeFact[] = [];
  for (const user of selectUsers(accounts.value, request.who, request.except)) {
    const found = looked.get(user.home) ?? (await lookAtHome(looking.host, names, user, request.files));
    looked.set(user.home, found);
    homes.push({user: user.name, uid: user.uid, home: user.home, ...found});
  }
  return seen(homes, ['/etc/passwd']);
}

async function lookAtHome(host: Host, names: NameTables, {home}: UserFact, files: string[]): Promise<LookedAt> {
  if (!home.startsWith('/')) {
    const reason = home === '' ? 'no home directory is given' : `${home} is not an absolute path`;
    return {directory: {path: home, state: 'absent', reason}, files: []};
  }
  // A link to the home itself lies outside it and is the administrator's, so it is followed.
  const real = await host.fs.realPath(home);
  if (!real.ok) return {directory: withoutStat(home, real), files: []};
  const directory = await lookAtEntry(host, names, real.value);
  const found: HomeFact['files'] = [];
  if (directory.state === 'seen' && directory.stat.type === 'directory') {
    for (const asked of files) {
      for (const entry of await lookAtFile(host, names, real.value, asked.split('/'))) found.push({asked, entry});
    }
  }
  return {directory, files: found};
}

/** Component by component, so that no link inside the home is ever followed. What does not exist gives nothing. */
async function lookAtFile(host: Host, names: NameTables, directory: string, parts: string[]): Promise<HomeEntry[]> {
  const [part, ...rest] = parts as [string, ...string[]];
  const matching = await namesIn(host, directory, part);
  if (!matching.ok) return matching.code === 'absent' ? [] : [withoutStat(`${directory}/${part}`, matching)];
  const entries: HomeEntry[] = [];
  for (const name of matching.value) {
    const entry = await lookAtEntry(host, names, join(directory, name));
    if (entry.state === 'absent') continue;
    if (rest.length === 0 || entry.state === 'unseen') entries.push(entry);
    else if (entry.stat.type === 'directory') entries.push(...(await lookAtFile(host, names, entry.path, rest)));
    else if (entry.stat.type === 'link') {
      const reason = `${entry.path} is a link to ${entry.target ?? 'an unread target'}, and links in homes are not followed`;
      entries.push({path: join(entry.path, rest.join('/')), state: 'unseen', reason});
    }
  }
  return entries;
}

async function namesIn(host: Host, directory: string, part: string): Promise<Look<string[]>> {
  if (!hasPattern(part)) return {ok: true, value: [part]};
  const list = await host.fs.list(directory, {max: maxEntries});
  if (!list.ok) return list;
  if (list.value.truncated) {
    return {ok: false, code: 'io', reason: `cannot list all of ${directory}: it has more than ${maxEntries} entries`};
  }
  return {ok: true, value: list.value.names.filter(patternTest(part)).sort()};
}

async function lookAtEntry(host: Host, names: NameTables, path: string): Promise<HomeEntry> {
  const stat = await host.fs.lstat(path);
  if (!stat.ok) return withoutStat(path, stat);
  const target = stat.value.type === 'link' ? await host.fs.readLink(path) : null;
  return {path, state: 'seen', stat: fileStat(path, stat.value, names), target: target?.ok ? target.value : null};
}

const withoutStat = (path: string, look: {code: string; reason: string}): HomeEntry => ({
  path,
  state: look.code === 'absent' ? 'absent' : 'unseen',
  reason: look.reason,
});

const join = (directory: string, name: string) => (directory === '/' ? `/${name}` : `${directory}/${name}`);

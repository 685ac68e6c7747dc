import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {TreeFact, TreeRequest} from '../../../../policies/facts/tree.ts';
import type {Host} from '../../host.ts';
import {defaultWalkLimits, type WalkVisitor} from '../../walk.ts';
import type {Collector, Looking} from '../collector.ts';
import type {NameTables} from '../tables.ts';
import {dropKnownOwners} from './owners.ts';
import {dropPackaged} from './packaged.ts';
import {maxFound, Region} from './region.ts';

/** All requests in one walk: a directory is read once, whoever wants it, and not at all when nobody does. */
export const collectTree: Collector<'tree'> = async (requests, looking) => {
  const tables = await looking.tables.names();
  const plans = await Promise.all(requests.map(request => plan(looking.host, tables, request)));
  const regions = plans.flatMap(made => (made instanceof Region ? [made] : []));
  await walkAll(looking, regions);
  await dropKnownOwners(looking.host, regions);
  await dropPackaged(looking.host, regions, tables);
  return plans.map(made => (made instanceof Region ? answerOf(made) : made));
};

async function plan(host: Host, tables: NameTables, request: TreeRequest): Promise<Region | Answer<never>> {
  const {owners, ownersNot, ownerUnknown, groups, groupsNot, groupUnknown} = request.find;
  if ((owners ?? ownersNot ?? ownerUnknown) !== undefined && tables.users.size === 0)
    return unseen('cannot tell owners: /etc/passwd could not be read or is empty');
  if ((groups ?? groupsNot ?? groupUnknown) !== undefined && tables.groups.size === 0)
    return unseen('cannot tell groups: /etc/group could not be read or is empty');
  const under = new Set<string>();
  const failures: Array<{path: string; reason: string}> = [];
  for (const path of request.under) {
    const real = await host.fs.realPath(path);
    const stat = real.ok ? await host.fs.stat(real.value) : real;
    if (real.ok && stat.ok && stat.value.type === 'directory') under.add(real.value);
    else if (stat.ok) failures.push({path, reason: `cannot walk ${path}: it is a ${stat.value.type}, not a directory`});
    else if (stat.code !== 'absent') failures.push({path, reason: stat.reason});
  }
  if (under.size + failures.length === 0)
    return absent(`there is no directory ${request.under.join(' or ')}`, request.under);
  const region = new Region(request, [...under], tables);
  for (const {path, reason} of failures) region.fail(path, reason);
  return region;
}

/** The requests that have a directory's entries looked at. */
type Active = Region[];

async function walkAll({host, progress}: Looking, regions: Region[]): Promise<void> {
  const waiting = new Map<string, Region[]>();
  for (const region of regions)
    for (const path of region.under) waiting.set(path, [...(waiting.get(path) ?? []), region]);
  let entries = 0;
  const started = host.clock();
  for (const path of [...waiting.keys()].sort()) {
    const wanting = waiting.get(path);
    if (wanting === undefined) continue;
    const visitor: WalkVisitor<Active> = {
      enter: (directory, above, alsoAt) => {
        const beginning = waiting.get(directory) ?? [];
        waiting.delete(directory);
        const going = alsoAt.length === 0 && !above?.some(region => region.excepts(directory));
        if (going && beginning.length === 0) return above;
        const wanted = (region: Region) => !alsoAt.some(other => region.covers(other));
        const active = (above ?? []).filter(
          region => !region.excepts(directory) && !beginning.includes(region) && wanted(region),
        );
        active.push(...beginning.filter(wanted));
        return active.length > 0 ? active : null;
      },
      visit: (entry, active) => {
        for (const region of active) region.visit(entry);
      },
      notSeen: (at, reason, active) => {
        for (const region of active ?? wanting) region.fail(at, reason);
      },
      leftOut: (at, fstype, active) => {
        for (const region of active) region.leftOut.push(`${at} (${fstype})`);
      },
    };
    const walked = await host.fs.walk(path, visitor, {
      maxEntries: Math.max(1, defaultWalkLimits.maxEntries - entries),
      maxMs: Math.max(1, defaultWalkLimits.maxMs - (host.clock() - started)),
      ...(progress === undefined ? {} : {progress: (count, at) => progress(`${entries + count} entries, in ${at}`)}),
    });
    entries += walked.entries;
    waiting.delete(path);
  }
}

function answerOf(region: Region): Answer<TreeFact> {
  const {seen: count, allowed, notSeen, notSeenMore, leftOut} = region;
  const found = region.found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const uncounted = [...region.uncounted.values()].reduce((sum, some) => sum + some, 0);
  const more = uncounted + Math.max(0, found.length - maxFound);
  const fact: TreeFact = {found: found.slice(0, maxFound), more, seen: count, allowed, notSeen, notSeenMore, leftOut};
  return seen(fact, region.under);
}

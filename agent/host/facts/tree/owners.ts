import type {Host} from '../../host.ts';
import type {Region} from './region.ts';

/** Distinct ids that are asked for; a home of a foreign machine may hold many. */
const maxIds = 500;
const getent = '/usr/bin/getent';

/**
 * Accounts may live in a directory service, which the files of the judged root do not show: on a live machine the ids
 * without a name there are looked up as every program does, nsswitch.conf(5), before they count as nobody's.
 */
export async function dropKnownOwners(host: Host, regions: Region[]): Promise<void> {
  const asking = regions.filter(({request: {find}}) => find.ownerUnknown === true || find.groupUnknown === true);
  if (!host.live || asking.length === 0) return;
  const users = await lookUp(
    host,
    'passwd',
    asking.filter(({request}) => request.find.ownerUnknown).flatMap(region => ids(region, 'user')),
  );
  const groups = await lookUp(
    host,
    'group',
    asking.filter(({request}) => request.find.groupUnknown).flatMap(region => ids(region, 'group')),
  );
  for (const region of asking) {
    const {ownerUnknown, groupUnknown} = region.request.find;
    const isKnown = (uid: number, gid: number) =>
      (ownerUnknown && users.known.has(uid)) || (groupUnknown && groups.known.has(gid));
    const rest = region.found.filter(({uid, gid}) => !isKnown(uid, gid));
    region.found.splice(0, region.found.length, ...rest);
    for (const owner of [...region.uncounted.keys()]) {
      const [uid, gid] = owner.split(':').map(Number) as [number, number];
      if (isKnown(uid, gid)) region.uncounted.delete(owner);
    }
    const failure = (ownerUnknown && users.failure) || (groupUnknown && groups.failure);
    if (!failure) continue;
    for (const {path} of region.found.splice(0)) region.fail(path, failure);
    region.uncounted.clear();
  }
}

function ids({found, uncounted}: Region, of: 'user' | 'group'): number[] {
  const kept = found.map(({uid, gid}) => (of === 'user' ? uid : gid));
  const counted = [...uncounted.keys()].map(owner => Number(owner.split(':')[of === 'user' ? 0 : 1]));
  return [...kept, ...counted];
}

/** getent(1) prints the entries that there are and ends with 2 when one is missing. */
async function lookUp(
  host: Host,
  database: 'passwd' | 'group',
  wanted: number[],
): Promise<{known: Set<number>; failure: string | null}> {
  const distinct = [...new Set(wanted)].slice(0, maxIds);
  if (distinct.length === 0) return {known: new Set(), failure: null};
  const answer = await host.run([getent, database, ...distinct.map(String)]);
  const known = new Set(answer.stdout.split('\n').map(line => Number(line.split(':')[2] || Number.NaN)));
  const failed = answer.timedOut || (answer.failed && answer.exitCode !== null && answer.exitCode !== 2);
  return {known, failure: failed ? `cannot tell whether its owner has an account: ${answer.reason}` : null};
}

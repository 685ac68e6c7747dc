import {type Answer, seen, unseen} from '../../../policies/facts/answer.ts';
import type {OsFact} from '../../../policies/facts/os.ts';
import type {SupportFact, SupportKind} from '../../../policies/facts/patch.ts';
import {supportTable, supportTableDays} from '../../../policies/support.ts';
import type {Host} from '../host.ts';
import {single} from './collector.ts';
import {collectOs} from './os.ts';

const dayMs = 24 * 3600 * 1000;
const maxTableBytes = 256 * 1024;

/** Which column of distro-info-data's tables is what: distro-info(1). A server's end counts before a desktop's. */
const columns: ReadonlyArray<readonly [string, SupportKind]> = [
  ['eol-server', 'regular'],
  ['eol', 'regular'],
  ['eol-lts', 'lts'],
  ['eol-elts', 'paid'],
  ['eol-esm', 'paid'],
  ['eol-legacy', 'paid'],
];

/** Until when the release gets updates: by os-release's own word, by distro-info-data, else by reeve's table. */
export const collectSupport = single<'support'>(async (looking): Promise<Answer<SupportFact>> => {
  const [os] = await collectOs([{}], looking);
  if (os === undefined || os.state !== 'seen') return os ?? unseen('cannot tell the operating system');
  const {id, version, prettyName, supportEnd} = os.value;
  if (supportEnd !== null) {
    return seen(
      {release: prettyName, phases: [{kind: 'regular', ends: supportEnd}], source: os.where[0] as string, asOf: null},
      os.where,
    );
  }
  if (version === '') return unseen(`${prettyName} has no version: a rolling release has no end of support`);
  if (id === 'debian' || id === 'ubuntu') {
    const found = await readDistroInfo(looking.host, id, version);
    if ('reason' in found) return unseen(found.reason);
    if (found.phases.length > 0)
      return seen({release: prettyName, phases: found.phases, source: found.path, asOf: null}, [found.path]);
  }
  return byTable(looking.host, os.value, os.where);
});

/** Phases are empty when the table is not installed or does not list the release. */
async function readDistroInfo(
  host: Host,
  id: string,
  version: string,
): Promise<{path: string; phases: SupportFact['phases']} | {reason: string}> {
  const path = `/usr/share/distro-info/${id}.csv`;
  const file = await host.fs.readFile(path, {maxBytes: maxTableBytes});
  if (!file.ok) return file.code === 'absent' ? {path, phases: []} : {reason: file.reason};
  if (file.value.truncated) return {reason: `${path} is too large to be a table of releases`};
  return {path, phases: parseDistroInfo(file.value.bytes.toString('utf8'), version)};
}

/** The phases of one release. `22.04` is listed as `22.04 LTS`. */
export function parseDistroInfo(text: string, version: string): SupportFact['phases'] {
  const [head, ...rows] = text.split(/\r?\n/).map(line => line.split(','));
  const row = rows.find(([listed]) => listed === version || listed === `${version} LTS`);
  if (row === undefined) return [];
  const phases: SupportFact['phases'] = [];
  for (const [column, kind] of columns) {
    const ends = row[head?.indexOf(column) ?? -1] ?? '';
    if (!/^\d{4}-\d\d-\d\d$/.test(ends) || (column === 'eol' && phases.length > 0)) continue;
    phases.push({kind, ends});
  }
  return phases;
}

function byTable(host: Host, {id, version, prettyName}: OsFact, where: string[]): Answer<SupportFact> {
  const name = id === 'centos' && /stream/i.test(prettyName) ? 'centos-stream' : id;
  const found = supportTable.entries.find(
    entry => entry.id === name && (entry.version === version || entry.version === version.split('.')[0]),
  );
  const hint = id === 'debian' || id === 'ubuntu' ? '; install or update distro-info-data' : '';
  if (found === undefined) return unseen(`it is not known when the support of ${prettyName} ends${hint}`);
  if (host.now() > Date.parse(supportTable.asOf) + supportTableDays * dayMs) {
    return unseen(`reeve's own table of support dates is from ${supportTable.asOf}, too long ago: update reeve${hint}`);
  }
  return seen({release: prettyName, phases: found.phases, source: "reeve's own table", asOf: supportTable.asOf}, where);
}

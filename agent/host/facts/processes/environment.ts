import {type Answer, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {ProcessEnvironmentFact} from '../../../../policies/facts/processes.ts';
import type {Host} from '../../host.ts';
import {decodeName} from '../../names.ts';
import type {Collector} from '../collector.ts';
import {listPids} from './collect.ts';

const maxBytes = 1024 * 1024;
const maxValueBytes = 4096;

/** Environments hold secrets: only the values of the names that were asked for leave this file. */
export const collectProcessEnvironment: Collector<'processEnvironment'> = async (requests, {host}) => {
  const names = new Set(requests.flatMap(request => request.names));
  const answer = await readEnvironments(host, names);
  return requests.map(request => {
    if (answer.state !== 'seen') return answer;
    const asked = new Set(request.names);
    const own = answer.value.map(entry =>
      'unseen' in entry
        ? entry
        : {pid: entry.pid, values: new Map([...entry.values].filter(([name]) => asked.has(name)))},
    );
    return seen(own, answer.where);
  });
};

async function readEnvironments(host: Host, names: ReadonlySet<string>): Promise<Answer<ProcessEnvironmentFact>> {
  if (!host.live) return liveOnly("processes' environments");
  const pids = await listPids(host.fs);
  if ('reason' in pids) return unseen(pids.reason);
  const entries: ProcessEnvironmentFact = [];
  for (const pid of pids.pids) {
    const path = `/proc/${pid}/environ`;
    const file = await host.fs.readFile(path, {maxBytes});
    if (file.ok && file.value.truncated) entries.push({pid, unseen: `${path} has more than ${maxBytes} bytes`});
    else if (file.ok) entries.push({pid, ...pick(path, file.value.bytes, names)});
    else if ((await host.fs.lstat(`/proc/${pid}`)).ok) entries.push({pid, unseen: file.reason});
  }
  return seen(entries, ['/proc']);
}

/** The asked values of a block of `NAME=value` strings that each end in a NUL; the first of a name counts, as in getenv(3). */
function pick(
  path: string,
  block: Uint8Array,
  names: ReadonlySet<string>,
): {values: Map<string, string>} | {unseen: string} {
  const values = new Map<string, string>();
  for (let start = 0, end = 0; start < block.length; start = end + 1) {
    const nul = block.indexOf(0, start);
    end = nul < 0 ? block.length : nul;
    const equals = block.indexOf(0x3d, start);
    if (equals <= start || equals >= end) continue;
    const name = decodeName(block.subarray(start, equals));
    if (!names.has(name) || values.has(name)) continue;
    if (end - equals > maxValueBytes)
      return {unseen: `the value of ${name} in ${path} is longer than ${maxValueBytes} bytes`};
    values.set(name, decodeName(block.subarray(equals + 1, end)));
  }
  return {values};
}

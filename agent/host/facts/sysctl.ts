import {type Answer, seen} from '../../../policies/facts/answer.ts';
import type {SysctlFact, SysctlRequest} from '../../../policies/facts/sysctl.ts';
import {expandPattern, patternTest} from '../glob.ts';
import type {Host} from '../host.ts';
import type {Collector} from './collector.ts';

/** `value` null: the line `-key` alone, which keeps patterns from setting the key. */
type Assignment = {key: string; value: string | null; where: string};
type Configuration = {assignments: Assignment[]; unreadable: string[]; read: string[]};

export const collectSysctl: Collector<'sysctl'> = async (requests, {host}) => {
  const configuration = await readConfiguration(host);
  return Promise.all(requests.map(request => lookUp(host, configuration, request)));
};

async function lookUp(
  host: Host,
  {assignments, unreadable, read}: Configuration,
  {key}: SysctlRequest,
): Promise<Answer<SysctlFact>> {
  const runtime = host.live ? await readRunning(host, key) : {liveOnly: 'an image has no running kernel'};
  const concrete = Array.isArray(runtime)
    ? runtime.map(entry => entry.key)
    : [...new Set(assignments.map(entry => entry.key).filter(matcher(key)))];
  const persistent = concrete.flatMap(name => winner(name, assignments));
  return seen({runtime, persistent, unreadable}, read.length > 0 ? read : ['/etc/sysctl.d']);
}

async function readRunning(
  host: Host,
  key: string,
): Promise<Array<{key: string; value: string} | {key: string; unseen: string}>> {
  const {paths, unseen} = await expandPattern(host.fs, `/proc/sys/${toPath(key)}`);
  const entries = await Promise.all(
    paths.map(async path => {
      const name = fromPath(path.slice('/proc/sys/'.length));
      const file = await host.fs.readFile(path, {maxBytes: 4096});
      return file.ok ? {key: name, value: fold(file.value.bytes.toString('utf8'))} : {key: name, unseen: file.reason};
    }),
  );
  return [...entries, ...unseen.map(({reason}) => ({key, unseen: reason}))];
}

const fold = (value: string) => value.trim().replace(/\s+/g, ' ');

/** sysctl.d(5): `.` and `/` may be swapped; a `/` in a dotted name stands for a dot in the interface's name. */
const toPath = (key: string) => key.replace(/[./]/g, character => (character === '.' ? '/' : '.'));
const fromPath = toPath;

function normalise(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  return first === '/' ? fromPath(key) : key;
}

function matcher(pattern: string): (key: string) => boolean {
  const parts = pattern
    .split('.')
    .map(part => (part.includes('*') ? patternTest(part) : (name: string) => name === part));
  return key => {
    const names = key.split('.');
    return names.length === parts.length && parts.every((test, index) => test(names[index] as string));
  };
}

/** The assignment that holds in the end: the last exact one, else the last pattern that covers the key. */
function winner(key: string, assignments: Assignment[]): SysctlFact['persistent'] {
  const exact = assignments.filter(assignment => assignment.key === key);
  const candidates =
    exact.length > 0
      ? exact
      : assignments.filter(assignment => assignment.key.includes('*') && matcher(assignment.key)(key));
  const last = candidates.at(-1);
  if (last === undefined || last.value === null) return [];
  return [{key, value: last.value, where: last.where, overridden: candidates.slice(0, -1).map(({where}) => where)}];
}

const directories = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d'];

/**
 * What systemd-sysctl(8) applies at boot: files of all directories together in the order of their names, a name in an
 * earlier directory hiding the same name in a later one; a link to /dev/null hides without setting anything.
 * /etc/sysctl.conf counts only where Debian's link 99-sysctl.conf, or procps as the init script, brings it in; it is
 * read last when no such link is there, as `sysctl --system` does.
 */
async function readConfiguration(host: Host): Promise<Configuration> {
  const result: Configuration = {assignments: [], unreadable: [], read: []};
  const files = new Map<string, string>();
  let linksMain = false;
  for (const directory of directories) {
    const list = await host.fs.list(directory);
    if (!list.ok) {
      if (list.code !== 'absent') result.unreadable.push(list.reason);
      continue;
    }
    for (const name of list.value.names) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${directory}/${name}`);
    }
  }
  const ordered = [...files.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
  for (const path of ordered) {
    const real = await host.fs.realPath(path);
    if (real.ok && real.value === '/etc/sysctl.conf') linksMain = true;
    if (!real.ok || real.value !== '/dev/null') await readFile(host, path, result);
  }
  if (!linksMain) await readFile(host, '/etc/sysctl.conf', result);
  return result;
}

async function readFile(host: Host, path: string, result: Configuration): Promise<void> {
  const file = await host.fs.readFile(path);
  if (!file.ok) {
    if (file.code !== 'absent') result.unreadable.push(file.reason);
    return;
  }
  result.read.push(path);
  for (const [index, line] of file.value.bytes.toString('utf8').split('\n').entries()) {
    const match = /^\s*-?\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    const excluded = match === null ? /^\s*-\s*([^#;=\s]+)\s*$/.exec(line) : null;
    const where = `${path}:${index + 1}`;
    if (match !== null)
      result.assignments.push({key: normalise(match[1] as string), value: fold(match[2] as string), where});
    if (excluded !== null) result.assignments.push({key: normalise(excluded[1] as string), value: null, where});
  }
}

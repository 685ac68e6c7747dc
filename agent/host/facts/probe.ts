import {type Answer, absent, liveOnly, seen, unseen} from '../../../policies/facts/answer.ts';
import type {ProbeFact, ProbeRequest} from '../../../policies/facts/probe.ts';
import {isInterpreter} from '../../../policies/interpreters.ts';
import type {Host} from '../host.ts';
import type {Collector} from './collector.ts';

const maxBytes = 256 * 1024;

/** One after the other: a probe may be costly, and none waits for another's time limit. */
export const collectProbe: Collector<'probe'> = async (requests, {host}) => {
  const answers: Array<Answer<ProbeFact>> = [];
  for (const request of requests) answers.push(await run(host, request));
  return answers;
};

async function run(host: Host, {command, user, timeoutSeconds}: ProbeRequest): Promise<Answer<ProbeFact>> {
  const [path = '', ...args] = command;
  if (!host.live) return liveOnly(`what ${path} prints`);
  const program = await host.fs.realPath(path);
  if (!program.ok)
    return program.code === 'absent' ? absent(`${path} is not installed`, [path]) : unseen(program.reason);
  const unsafe = await whyUnsafe(host, path, program.value);
  if (unsafe !== null) return unseen(`cannot run ${path}: ${unsafe}`);
  const as = await idsOf(host, user ?? 'nobody');
  if ('reason' in as) return unseen(`cannot run ${path}: ${as.reason}`);
  const result = await host.run([path, ...args], {timeoutMs: timeoutSeconds * 1000, maxBytes, as});
  const ended = result.exitCode !== null && !result.timedOut && !result.truncated;
  if (!ended || result.exitCode === null) return unseen(result.reason);
  return seen({exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr}, [command.join(' ')]);
}

/** Why the program, or a directory that leads to it, is not root's alone, or it runs whatever it is told to. */
async function whyUnsafe({fs}: Host, written: string, real: string): Promise<string | null> {
  for (const path of [written, real]) {
    if (!path.startsWith('/usr/')) return `it is ${path === written ? '' : `a link to ${path}, `}not below /usr`;
    if (isInterpreter(path)) return `${path} runs whatever it is told to`;
  }
  const folder = await fs.realPath(written.slice(0, written.lastIndexOf('/')));
  if (!folder.ok) return folder.reason;
  for (const path of new Set([...pathTo(real), ...pathTo(folder.value)])) {
    const stat = await fs.lstat(path);
    if (!stat.ok) return stat.reason;
    const {type, uid, mode} = stat.value;
    if (uid !== 0) return `${path} belongs to uid ${uid}, must be root's`;
    if ((mode & 0o022) !== 0) return `${path} can be written by others than root (mode ${mode.toString(8)})`;
    if (path === real && type !== 'file') return `${path} is a ${type}`;
    if (path === real && (mode & 0o6000) !== 0) return `${path} is set-id`;
  }
  return null;
}

/** `/`, `/usr`, `/usr/bin`, … up to the path itself. */
function pathTo(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '');
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/** From the host's own passwd(5). */
async function idsOf({fs}: Host, user: string): Promise<{uid: number; gid: number} | {reason: string}> {
  const file = await fs.readFile('/etc/passwd', {maxBytes: 16 * 1024 * 1024});
  if (!file.ok) return {reason: file.reason};
  const line = file.value.bytes
    .toString('utf8')
    .split('\n')
    .find(entry => entry.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (line === undefined || !/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? ''))
    return {reason: `there is no user "${user}"`};
  if (Number(uid) === 0 || Number(gid) === 0) return {reason: `user "${user}" is root`};
  return {uid: Number(uid), gid: Number(gid)};
}
